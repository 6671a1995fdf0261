/**
 * The folder of a run appears under its name only when it is complete. Until then it is `<name>.partial`, which is also
 * the lock: a second run into the same folder is refused, and what a killed run left is removed.
 */
import { existsSync, readdirSync } from "node:fs";
// oxlint-disable-next-line v-triune/no-copies -- the temporary folder is the lock of the run too
import { mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isProcessAlive } from "@v-triune/node-kit/is-process-alive";
import { DatasetError } from "@v-triune/schema";

/** A folder while a run fills it. */
export interface OutputFolder {
  /** Where to write. */
  readonly partial: string;
  /** For files that only the run needs; not part of the result. */
  readonly work: string;
  /** Gives the folder its name. */
  commit(): Promise<void>;
  /** Removes everything. */
  discard(): Promise<void>;
}

/**
 * Opens the folder of a new run.
 *
 * @throws DatasetError `output-in-use` if the folder is not empty or another run is writing it
 */
export async function openOutput(output: string): Promise<OutputFolder> {
  const folder = output.replace(/\/+$/, "");
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    const holdsRun = existsSync(join(folder, "report.json"));
    throw new DatasetError({
      code: "output-in-use",
      file: folder,
      expected: "a new or empty folder",
      found: holdsRun ? "another run's result" : `${readdirSync(folder).length} files`,
      fix: "choose another output, or remove the folder",
    });
  }
  const partial = `${folder}.partial`;
  const lock = join(partial, "lock.json");
  try {
    await mkdir(dirname(partial), { recursive: true });
    if (existsSync(partial)) {
      const owner = await lockOwner(lock);
      if (owner !== null) {
        throw new DatasetError({
          code: "output-in-use",
          file: folder,
          expected: "no other run into this folder",
          found: `process ${owner} is writing it`,
          fix: "wait for it or stop it, or choose another output",
        });
      }
      await rm(partial, { recursive: true });
    }
    await mkdir(partial);
    await writeFile(lock, JSON.stringify({ pid: process.pid }));
    const work = join(partial, "work");
    await mkdir(work);
    return {
      partial,
      work,
      async commit() {
        await rm(work, { recursive: true });
        await rm(lock);
        if (existsSync(folder)) await rmdir(folder);
        await rename(partial, folder);
      },
      async discard() {
        await rm(partial, { recursive: true, force: true });
      },
    };
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw new DatasetError({
      code: "write-failed",
      file: folder,
      expected: "a folder that can be created",
      found: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

/** The process that holds the lock, or null if it no longer runs. */
async function lockOwner(lock: string): Promise<number | null> {
  try {
    const { pid } = JSON.parse(await readFile(lock, "utf8")) as { pid: number };
    return isProcessAlive(pid) ? pid : null;
  } catch {
    // Another process died before it had written the lock.
    return null;
  }
}
