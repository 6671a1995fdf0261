/** The source that people's own data is: its task decides how it is rewarded, its name is its `data_source` on disk. */
import { ANSWER_TYPES } from "@v-triune/verifiers/answer";
import { DatasetError, sourceInfo, taskDefaults, TASKS, type SourceInfo, type Task } from "@v-triune/schema";

/**
 * The source that `settings: { task, name }` describe, with `verifier: answer` where the answers are of any kind and
 * `answerType` where their form does not say of which.
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
  const defaults = taskDefaults(task as Task);
  return {
    ...sourceInfo("clevr"),
    ...defaults,
    ...judging(settings, defaults.verifier),
    key: name,
    title: name,
    task: task as Task,
    dataSource: name,
    // Underscores separate the parts of a corpus file's name.
    fileSource: name.replace(/_/g, ""),
    owner: "own data",
    license: "own data",
    url: "",
    size: "",
    files: [files],
  };
}

/** The verifier that the settings name, if they do, and the type that `answer` reads gold answers as. */
function judging(
  { verifier, answerType }: Readonly<Record<string, unknown>>,
  usual: SourceInfo["verifier"],
): Pick<SourceInfo, "verifier" | "answerType"> {
  const allowed = usual === "detection" ? ["detection"] : ["mathverify", "answer"];
  if (verifier !== undefined && !allowed.includes(verifier as string))
    throw badSetting("verifier", `one of ${allowed.join(", ")} for this task`, verifier);
  const chosen = (verifier ?? usual) as SourceInfo["verifier"];
  if (answerType === undefined) return { verifier: chosen };
  if (chosen !== "answer") throw badSetting("answerType", "verifier: answer beside it", answerType);
  if (!(ANSWER_TYPES as readonly unknown[]).includes(answerType))
    throw badSetting("answerType", `one of ${ANSWER_TYPES.join(", ")}`, answerType);
  return { verifier: chosen, answerType: answerType as string };
}

/** The regular expression `files` of the settings. Default: `usual`. @throws DatasetError for one that is not valid */
export function ownFiles(settings: Readonly<Record<string, unknown>>, usual: RegExp): RegExp {
  if (settings.files === undefined) return usual;
  try {
    return new RegExp(String(settings.files));
  } catch {
    throw badSetting("files", "a regular expression", settings.files);
  }
}

/** The error for a setting of an adapter. */
export function badSetting(field: string, expected: string, found: unknown, fix?: string): DatasetError {
  return new DatasetError({
    code: "bad-option",
    field: `settings.${field}`,
    expected,
    found: JSON.stringify(found) ?? "nothing",
    fix,
  });
}
