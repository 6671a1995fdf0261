/** `v-triune-monitor label`, `delete` and `trash`: what the dashboard does to runs, from the shell. */
import { DashboardError } from "../dashboard/dashboard-error";
import type { RunLabels } from "../dashboard/dashboard-api";
import { labelChange } from "../dashboard/run-folder/run-labels";
import { emptyTrash, restoreRun, trashedRuns, trashRun, type TrashEntry } from "../dashboard/trash/run-trash";
import { RunCatalogue } from "../dashboard/run-folder/run-catalogue";
import { openRun } from "./open-run";

const shownLabels = ({ title, tags, note, archived }: RunLabels): string =>
  [
    `title     ${title ?? "–"}`,
    `tags      ${tags.length === 0 ? "–" : tags.join(", ")}`,
    `archived  ${archived ? "yes" : "no"}`,
    ...(note === "" ? [] : ["", note]),
  ].join("\n");

/** What to change; what is undefined stays. An empty title takes it away, an empty list of tags all of them. */
export interface LabelArguments {
  readonly title?: string | undefined;
  /** Separated by commas. */
  readonly tags?: string | undefined;
  readonly note?: string | undefined;
  readonly archived?: boolean | undefined;
}

/**
 * Changes the labels of a run, if any are given.
 *
 * @returns the labels as they are then
 * @throws DashboardError for labels that cannot be used or read
 */
export async function labelRun(folder: string, { title, tags, note, archived }: LabelArguments): Promise<string> {
  const run = await openRun(folder);
  const change = labelChange({ title, tags: tags?.split(","), note, archived });
  const detail = await run.detail();
  const labels = Object.keys(change).length === 0 ? detail.labels : await run.changeLabels(change);
  return `${shownLabels(labels)}\n`;
}

/**
 * Moves a run into the trash.
 *
 * @returns what to tell
 * @throws DashboardError if the run is in use
 */
export async function deleteRun(folder: string): Promise<string> {
  const run = await openRun(folder);
  // Runs beside it may read from it while they train.
  const around = new RunCatalogue([`${run.folder}/..`]);
  await around.scan();
  await Promise.all(around.all().map((other) => other.refresh()));
  const others = around.all().filter((other) => other.folder !== run.folder);
  const { id, folder: place } = await trashRun(run, others);
  return `${run.folder} is now ${place}\nUndo: v-triune-monitor trash ${run.folder} --restore ${id}\n`;
}

function entryCalled(entries: readonly TrashEntry[], wanted: string): TrashEntry {
  // A name is enough: the latest of it is first.
  const found = entries.find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found;
  throw new DashboardError({
    what: "There is no such run in the trash.",
    expected: entries.length === 0 ? undefined : `one of ${entries.map(({ id }) => id).join(", ")}`,
    found: wanted,
  });
}

/**
 * Lists the trash of run folders, restores one run of it, or erases all of it.
 *
 * @returns what to tell
 * @throws DashboardError if the run to restore is missing or its name is taken
 */
export async function keepTrash(
  folders: readonly string[],
  { restore, empty }: { readonly restore?: string | undefined; readonly empty?: boolean | undefined },
): Promise<string> {
  const entries = await trashedRuns(folders);
  if (restore !== undefined) {
    const entry = entryCalled(entries, restore);
    await restoreRun(entry);
    return `${entry.origin} is back\n`;
  }
  if (empty === true) {
    await emptyTrash(entries);
    return `${entries.length === 1 ? "1 run" : `${entries.length} runs`} erased\n`;
  }
  if (entries.length === 0) return "The trash is empty.\n";
  return entries.map(({ id, at, origin }) => `${at.slice(0, 16).replace("T", " ")}  ${id}  of ${origin}\n`).join("");
}
