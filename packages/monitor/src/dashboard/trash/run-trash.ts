/**
 * Deleted runs: a run folder moves into `.trash` beside it, by one rename, and back. Only {@link emptyTrash} erases.
 */
// oxlint-disable-next-line v-triune/no-copies -- a folder is moved here, no file is written
import { mkdir, readdir, rename, rm, rmdir, stat, lstat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { asWriteError } from "@v-triune/errors";
import { flattenConfig } from "../config-value";
import type { TrashedRun } from "../dashboard-api";
import { DashboardError } from "../dashboard-error";
import { lockOf } from "../run-folder/run-files";
import type { RunView } from "../run-folder/run-view";

const TRASH = ".trash";
/** Between a run's name and the time at which it was deleted: `mine~20261130T081500123Z`. */
const NAME = /^(.+)~(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/s;
/** A folder whose files changed this lately may have a writer that keeps no lock. */
const QUIET_MILLISECONDS = 60_000;

/** A run in the trash: where it is, and where it was. */
export interface TrashEntry extends TrashedRun {
  readonly folder: string;
  readonly origin: string;
}

const stampOf = (at: Date): string => at.toISOString().replaceAll(/[-:.]/g, "");

/** Milliseconds of the last change in a run folder, the folders of steps included; contents of checkpoints left out. */
async function lastWritten(folder: string): Promise<number> {
  const inner = ["", "rollouts", "checkpoints"].map((name) => join(folder, name));
  const names = await Promise.all(
    inner.map(async (path) => (await readdir(path).catch(() => [] as string[])).map((name) => join(path, name))),
  );
  const times = await Promise.all(
    names.flat().map(async (path) => (await lstat(path).catch(() => null))?.mtimeMs ?? 0),
  );
  return Math.max(0, ...times);
}

const inUse = (run: RunView, found: string, fix: string): DashboardError =>
  new DashboardError({
    what: "The run is in use and stays where it is.",
    where: run.folder,
    found,
    fix,
    code: "run-in-use",
  });

/** @throws DashboardError if a program writes to the run, or a live run reads from it */
async function refuseInUse(run: RunView, others: readonly RunView[]): Promise<void> {
  const lock = await lockOf(run.folder);
  if (lock?.isHeld === true)
    throw inUse(run, `process ${lock.pid}, which writes to it`, "stop it, or wait for its end");
  if (lock?.isHeld === null)
    throw inUse(run, `the lock of process ${lock.pid} on ${lock.host}`, "remove run.lock if that process is gone");
  const seconds = Math.round((Date.now() - (await lastWritten(run.folder))) / 1000);
  if (lock === null && seconds * 1000 < QUIET_MILLISECONDS)
    throw inUse(run, `a file that was written ${seconds} s ago`, "wait until nothing has been written for a minute");
  for (const other of others) {
    if (other === run || other.summary().state !== "live") continue;
    const reads = Object.entries(flattenConfig(other.config)).find(
      ([, value]) => value === run.folder || value.includes(`${run.folder}${sep}`),
    );
    if (reads !== undefined)
      throw inUse(run, `the live run ${other.id}, whose ${reads[0]} is in it`, "wait for its end");
  }
}

/**
 * Moves a run into the trash beside it.
 *
 * @param others runs that may read from it
 * @throws DashboardError with the code `run-in-use`, or if the folder is a link or gone
 * @throws WriteError if the folder around it cannot be written to
 */
export async function trashRun(run: RunView, others: readonly RunView[], at = new Date()): Promise<TrashEntry> {
  const found = await lstat(run.folder).catch(() => null);
  if (found === null) throw new DashboardError({ what: "The run's folder is gone.", where: run.folder });
  if (found.isSymbolicLink())
    throw new DashboardError({
      what: "The run is a link to a folder elsewhere and stays where it is.",
      where: run.folder,
      fix: "remove the link itself, or delete the run in the folder that it is in",
    });
  await refuseInUse(run, others);
  const name = `${basename(run.folder)}~${stampOf(at)}`;
  const trash = join(dirname(run.folder), TRASH);
  try {
    await mkdir(trash, { recursive: true });
    await rename(run.folder, join(trash, name));
  } catch (error) {
    throw asWriteError(error, trash);
  }
  const entry = entryOf(trash, name)!;
  const taken = await lockOf(entry.folder);
  if (taken?.isHeld !== true) return entry;
  // A trainer came between the look and the move.
  await restoreRun(entry);
  throw inUse(run, `process ${taken.pid}, which began to write to it`, "stop it, or wait for its end");
}

function entryOf(trash: string, name: string): TrashEntry | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, run, year, month, day, hour, minute, second, millisecond] = match;
  return {
    id: name,
    name: run!,
    at: `${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}Z`,
    folder: join(trash, name),
    origin: join(dirname(trash), run!),
  };
}

async function entriesIn(trash: string): Promise<TrashEntry[]> {
  const names = await readdir(trash).catch(() => [] as string[]);
  return names.flatMap((name) => entryOf(trash, name) ?? []);
}

/** The runs that were deleted from some run folders or folders of them, the latest first. */
export async function trashedRuns(folders: readonly string[]): Promise<TrashEntry[]> {
  const found = new Map<string, TrashEntry>();
  for (const root of folders.map((folder) => resolve(folder))) {
    const below = (await readdir(root, { withFileTypes: true }).catch(() => [])).filter(
      (entry) => entry.isDirectory() && !entry.name.startsWith("."),
    );
    const own = (await entriesIn(join(dirname(root), TRASH))).filter(({ origin }) => origin === root);
    const within = await Promise.all(
      [root, ...below.map(({ name }) => join(root, name))].map((at) => entriesIn(join(at, TRASH))),
    );
    for (const entry of [...own, ...within.flat()]) found.set(entry.folder, entry);
  }
  return [...found.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}

/**
 * Moves a run back to where it was.
 *
 * @throws DashboardError with the code `name-taken` if something is there now, else if the run is not in the trash
 */
export async function restoreRun(entry: TrashEntry): Promise<void> {
  if ((await lstat(entry.origin).catch(() => null)) !== null)
    throw new DashboardError({
      what: "The run cannot be restored: its name is taken. Both runs are as they were.",
      where: entry.origin,
      fix: "move the folder that is there away, then restore again",
      code: "name-taken",
    });
  try {
    await rename(entry.folder, entry.origin);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && (await stat(entry.folder).catch(() => null)) === null)
      throw new DashboardError({ what: "The run is no longer in the trash.", where: entry.folder, cause: error });
    throw asWriteError(error, entry.origin);
  }
  await rmdir(dirname(entry.folder)).catch(() => undefined);
}

/** Erases runs in the trash for good. */
export async function emptyTrash(entries: readonly TrashEntry[]): Promise<void> {
  for (const { folder } of entries) {
    try {
      await rm(folder, { recursive: true, force: true });
    } catch (error) {
      throw asWriteError(error, folder);
    }
    await rmdir(dirname(folder)).catch(() => undefined);
  }
}
