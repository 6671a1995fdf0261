/**
 * Files that are there in full or not at all: written under a temporary name beside their place, synced to disk, renamed, and the
 * folder synced, so that neither a crash nor a power cut leaves half of one or loses the one before.
 */
import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { WriteError } from "../../errors";

/** What marks a temporary name; the number is the writer's process id. */
const TEMPORARY = /^\..+\.tmp-\d+$/;

const temporaryPath = (path: string): string => join(dirname(path), `.${basename(path)}.tmp-${process.pid}`);

const REASONS: Readonly<Record<string, readonly [found: string, fix: string]>> = {
  ENOSPC: ["the disk is full", "free some space, or choose a folder on another disk"],
  EDQUOT: ["the disk quota is used up", "free some space, or choose a folder on another disk"],
  EACCES: ["no permission to write there", "change the folder's permissions, or choose another one"],
  EPERM: ["no permission to write there", "change the folder's permissions, or choose another one"],
  EROFS: ["the file system is read-only", "choose a folder that can be written to"],
  ENOTDIR: ["a part of the path is a file", "choose another folder"],
  EFBIG: ["the file grew past the size that the system allows", "raise the limit (ulimit -f), or choose another disk"],
};

/** What Node says of a folder made with its parents where the file system is read-only; the parents' absence can't be meant. */
const isReadOnlyFolder = ({ code, syscall }: NodeJS.ErrnoException): boolean =>
  code === "ENOENT" && syscall === "mkdir";

/**
 * The error to show for a failed write: a WriteError for what a person can put right, the error itself otherwise.
 */
export function asWriteError(error: unknown, path: string): unknown {
  const failure = error as NodeJS.ErrnoException | null;
  const code = failure !== null && isReadOnlyFolder(failure) ? "EROFS" : failure?.code;
  const reason = code === undefined ? undefined : REASONS[code];
  if (reason === undefined || error instanceof WriteError) return error;
  return new WriteError({
    what: "A file can't be written. What was saved before is untouched.",
    where: path === "" ? undefined : path,
    found: `${reason[0]} (${code})`,
    fix: reason[1],
    cause: error,
  });
}

async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, "r");
    await folder.sync();
  } catch (error) {
    // Windows can't open folders, and some network file systems can't sync them; the rename is then as safe as they make it.
    if (!["EISDIR", "EPERM", "EINVAL", "ENOTSUP", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
  } finally {
    await folder?.close();
  }
}

/**
 * Writes a file in one step.
 *
 * @param data the contents, or their parts in order
 * @throws WriteError when the disk is full or the place can't be written to; a file that was there before is then unchanged
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = temporaryPath(path);
  let handle: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    handle = await open(temporary, "w");
    if (typeof data === "string" || data instanceof Uint8Array) await handle.writeFile(data);
    else for await (const part of data) await handle.writeFile(part);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw asWriteError(error, path);
  }
}

/**
 * Makes a folder in one step: `fill` writes into a temporary folder beside it, which is then synced file by file and renamed.
 *
 * @throws WriteError as `writeFileAtomic`, and when the folder exists already; whatever `fill` throws. Nothing is left behind then.
 */
export async function writeFolderAtomic(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    for (const entry of await readdir(temporary, { withFileTypes: true, recursive: true })) {
      const full = join(entry.parentPath ?? entry.path, entry.name);
      if (entry.isDirectory()) await syncFolder(full);
      if (!entry.isFile()) continue;
      const handle = await open(full, "r+");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    await syncFolder(temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    const code = (error as NodeJS.ErrnoException | null)?.code;
    if (code === "ENOTEMPTY" || code === "EEXIST") {
      throw new WriteError({
        what: "A folder can't be written: it exists already.",
        where: path,
        fix: "remove it, or choose another one",
        cause: error,
      });
    }
    throw asWriteError(error, path);
  }
}

/**
 * Removes what crashed writers left in a folder (not in the folders under it). Only the holder of the run's lock may do so.
 */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names) if (TEMPORARY.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}
