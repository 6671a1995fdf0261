/** What is known of people's own data: the task says how it is rewarded, the name what it is called on disk. */
import { DatasetError, sourceInfo, taskDefaults, TASKS, type SourceInfo, type Task } from "@v-triune/schema";

/**
 * The source that `settings: { task, name }` state.
 *
 * @param files what its adapter looks for, for people
 * @throws DatasetError `bad-option` without a task and a name
 */
export function ownSource(settings: Readonly<Record<string, unknown>>, files: string): SourceInfo {
  const { task, name } = settings;
  if (typeof task !== "string" || !(TASKS as readonly string[]).includes(task))
    throw badSetting("task", `one of ${TASKS.join(", ")}`, task);
  if (typeof name !== "string" || !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name))
    throw badSetting("name", "a name of a-z, 0-9 and _", name);
  return {
    ...sourceInfo("clevr"),
    ...taskDefaults(task as Task),
    key: name,
    title: name,
    task: task as Task,
    dataSource: name,
    // A file's name is cut into its parts at underscores.
    fileSource: name.replace(/_/g, ""),
    owner: "own data",
    license: "own data",
    url: "",
    size: "",
    files: [files],
  };
}

/** The `files` of the settings, a regular expression, or `usual`. @throws DatasetError for one that cannot be read */
export function ownFiles(settings: Readonly<Record<string, unknown>>, usual: RegExp): RegExp {
  if (settings.files === undefined) return usual;
  try {
    return new RegExp(String(settings.files));
  } catch {
    throw badSetting("files", "a regular expression", settings.files);
  }
}

/** The error for a setting of an adapter. */
export function badSetting(field: string, expected: string, found: unknown): DatasetError {
  return new DatasetError({
    code: "bad-option",
    field: `settings.${field}`,
    expected,
    found: JSON.stringify(found) ?? "nothing",
  });
}
