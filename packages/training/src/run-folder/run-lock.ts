/**
 * One trainer a run folder: `run.lock` holds the process that uses it. A lock whose process is gone is taken over; a
 * process is known by its id and, on Linux, by its start time, as ids are used again.
 */
import { createHash, randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { RunFolderError } from "./run-folder-error";
import { asWriteError } from "@v-triune/errors";
import { isProcessAlive } from "@v-triune/node-kit/is-process-alive";

interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Clock ticks since boot at which the process started; null where the system does not tell. */
  readonly processStart: string | null;
  /** For people. */
  readonly since: string;
}

export interface RunLock {
  /** Gives the folder free; harmless when called again. */
  release(): Promise<void>;
}

/** Field 22 of /proc/PID/stat; the second field, the command's name, may hold spaces and parentheses. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function isAlive({ pid, processStart: started }: LockOwner): boolean {
  if (!isProcessAlive(pid)) return false;
  return started === null || processStart(pid) === null || processStart(pid) === started;
}

function parseOwner(text: string): LockOwner | null {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner> | null;
    if (typeof owner?.pid !== "number" || typeof owner.host !== "string") return null;
    return { pid: owner.pid, host: owner.host, processStart: owner.processStart ?? null, since: owner.since ?? "" };
  } catch {
    return null;
  }
}

/** Whether a trainer is at work on a run folder. A lock of another machine counts, as this one can't look. */
export async function isRunLocked(folder: string): Promise<boolean> {
  const held = await readFile(join(folder, "run.lock"), "utf8").catch(() => null);
  const owner = held === null ? null : parseOwner(held);
  return owner !== null && (owner.host !== hostname() || isAlive(owner));
}

/** Creates the lock with its contents, or tells that there is one. */
async function create(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.tmp-${randomUUID()}`;
  try {
    await writeFile(temporary, text);
    await link(temporary, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw asWriteError(error, path);
    // A file system without hard links.
    return await writeFile(path, text, { flag: "wx" }).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "EEXIST") return false;
        throw asWriteError(cause, path);
      },
    );
  } finally {
    await rm(temporary, { force: true });
  }
}

const TRAINER = {
  what: "Another trainer is using this run folder.",
  other: "give this run another name (--set run.name=..)",
};

/**
 * Takes the lock of a run folder, which must exist.
 *
 * @param messages what to say of a folder that is in use, and what to do other than wait; default a trainer's
 * @throws RunFolderError when another process uses the folder
 */
export async function takeRunLock(
  folder: string,
  messages: { readonly what: string; readonly other: string } = TRAINER,
): Promise<RunLock> {
  const path = join(folder, "run.lock");
  const owner: LockOwner = {
    pid: process.pid,
    host: hostname(),
    processStart: processStart(process.pid),
    since: new Date().toISOString(),
  };
  const text = `${JSON.stringify(owner)}\n`;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (await create(path, text)) {
      return {
        async release() {
          if ((await readFile(path, "utf8").catch(() => "")) === text) await rm(path, { force: true });
        },
      };
    }
    const held = await readFile(path, "utf8").catch(() => null);
    // Released in between.
    if (held === null) continue;
    const other = parseOwner(held);
    const sameHost = other?.host === hostname();
    if (other !== null && (!sameHost || isAlive(other))) {
      throw new RunFolderError({
        what: messages.what,
        where: folder,
        found: `process ${other.pid} on ${other.host}, since ${other.since}`,
        fix: sameHost
          ? `wait for it or stop it, or ${messages.other}`
          : `if that process is gone, remove ${path}; this machine can't look`,
      });
    }
    await takeAway(path, held);
  }
  throw new RunFolderError({
    what: "The run folder's lock can't be taken: others keep taking it.",
    where: path,
    fix:
      `start one trainer at a time; if none runs, remove ${path} and the files beside it that start with ` +
      `${basename(path)}`,
  });
}

/**
 * Removes a dead lock. Of all that found the same one only the process that creates the marker may remove it, and only
 * while the lock still says what it read: a lock that another trainer has taken meanwhile is never touched.
 */
async function takeAway(path: string, dead: string): Promise<void> {
  const marker = `${path}.dead-${createHash("sha256").update(dead).digest("hex").slice(0, 16)}`;
  try {
    await writeFile(marker, "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw asWriteError(error, marker);
  }
  try {
    if ((await readFile(path, "utf8").catch(() => null)) === dead) await rm(path, { force: true });
  } finally {
    await rm(marker, { force: true });
  }
}
