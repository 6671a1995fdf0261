/**
 * Files and folders that appear in full or not at all: written under a temporary name beside their place, synced to
 * disk, renamed, and the folder around them synced. Neither a crash nor a power cut leaves half of one or loses the one
 * before.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * What marks a temporary name: the writer's process, and random letters, since a process may write a file twice at a
 * time.
 */
const TEMPORARY_NAME = /^\..+\.tmp-\d+(-[0-9a-f]+)?$/;

/**
 * Windows cannot open folders, and some network file systems cannot sync them; the rename is then as safe as they make
 * it.
 */
const UNSYNCABLE = new Set(["EISDIR", "EPERM", "EINVAL", "ENOTSUP", "EACCES"]);

const temporaryPath = (path: string): string =>
  join(dirname(path), `.${basename(path)}.tmp-${process.pid}-${randomBytes(3).toString("hex")}`);

/**
 * Writes a file in one step, and the folders above it if they are missing.
 *
 * @param data the contents, or their parts in order
 * @throws the file system's error; a file that was there before is then unchanged, and nothing is left behind
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, async (temporary) => {
    const handle = await open(temporary, "w");
    try {
      if (typeof data === "string" || data instanceof Uint8Array) await handle.writeFile(data);
      else for await (const part of data) await handle.writeFile(part);
    } finally {
      await handle.close();
    }
  });
}

/**
 * Writes a file in one step, for writers that want a path (a database's export, a stream). The folder must exist.
 *
 * @param write makes the file at the temporary path that it is given
 * @throws whatever `write` or the file system throws; a file that was there before is then unchanged, and nothing is
 *   left behind
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await write(temporary);
    await syncFile(temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** {@link replaceFile} for writers that are synchronous. */
export function replaceFileSync(path: string, write: (temporary: string) => void): void {
  const temporary = temporaryPath(path);
  try {
    write(temporary);
    syncSync(temporary, "r+");
    renameSync(temporary, path);
    ignoreUnsyncable(() => syncSync(dirname(path), "r"));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Makes a folder in one step, and the folders above it if they are missing. Every file in it is synced.
 *
 * @param fill writes into the temporary folder that it is given
 * @throws whatever `fill` or the file system throws, `ENOTEMPTY` or `EEXIST` when the folder exists and is not empty;
 *   nothing is left behind
 */
export async function writeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    for (const entry of await readdir(temporary, { withFileTypes: true, recursive: true })) {
      const full = join(entry.parentPath ?? entry.path, entry.name);
      if (entry.isDirectory()) await syncFolder(full);
      if (entry.isFile()) await syncFile(full);
    }
    await syncFolder(temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

/** Removes what crashed writers left in a folder (not in the folders under it). No writer may be at work there. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names)
    if (TEMPORARY_NAME.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throwUnlessUnsyncable(error);
  }
}

function syncSync(path: string, flags: "r" | "r+"): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function ignoreUnsyncable(sync: () => void): void {
  try {
    sync();
  } catch (error) {
    throwUnlessUnsyncable(error);
  }
}

function throwUnlessUnsyncable(error: unknown): void {
  if (!UNSYNCABLE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
}
