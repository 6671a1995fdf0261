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
 * @param replace whether the result of another run is replaced. It stays until the new one is complete.
 * @throws DatasetError `output-in-use` if the folder is not empty or another run is writing it
 */
export async function openOutput(output: string, replace = false): Promise<OutputFolder> {
  const folder = output.replace(/\/+$/, "");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const holdsRun = names.includes("report.json") && names.includes("ledger.parquet");
  if (names.length > 0 && !(replace && holdsRun)) {
    throw new DatasetError({
      code: "output-in-use",
      file: folder,
      expected: replace ? "a folder that is new, empty or the result of a run" : "a new or empty folder",
      found: holdsRun ? "another run's result" : `${names.length} files`,
      fix: holdsRun
        ? "choose another output, or replace the result (overwrite: true, --overwrite)"
        : "choose another output, or remove the folder",
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
        if (names.length === 0) {
          if (existsSync(folder)) await rmdir(folder);
          return rename(partial, folder);
        }
        const former = `${folder}.former`;
        await rm(former, { recursive: true, force: true });
        await rename(folder, former);
        try {
          await rename(partial, folder);
        } catch (error) {
          await rename(former, folder);
          throw error;
        }
        await rm(former, { recursive: true, force: true });
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
