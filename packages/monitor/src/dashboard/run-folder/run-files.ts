/** The files of a run folder besides its numbers: run.json, run.lock and the names of the others. */
import { readFile, readdir, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isProcessAlive } from "@v-triune/node-kit/is-process-alive";
import { isRecord } from "@v-triune/node-kit/is-record";
import { NO_DESCRIPTION, runDescription, type RunDescription } from "./run-description";

const LARGEST_DESCRIPTION = 8 << 20;

/** Never throws: a run without a readable run.json is shown by its numbers. */
export async function readDescription(folder: string): Promise<RunDescription> {
  try {
    const path = join(folder, "run.json");
    if ((await stat(path)).size > LARGEST_DESCRIPTION) return NO_DESCRIPTION;
    return runDescription(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return NO_DESCRIPTION;
  }
}

/** Steps of the files or folders `step-000012` plus `ending`, ascending. */
export async function stepsIn(folder: string, ending: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .flatMap((name) => {
      const match = /^step-(\d{6,12})(.*)$/.exec(name);
      return match?.[2] === ending ? Number(match[1]) : [];
    })
    .sort((a, b) => a - b);
}

/** Where the rollouts of a step are stored. */
export const rolloutFile = (folder: string, step: number): string =>
  join(folder, "rollouts", `step-${String(step).padStart(6, "0")}.parquet`);

/** Differs when a file has been written again; empty without the file. */
export async function fileStamp(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? "" : `${found.size}/${found.mtimeMs}`;
}

/** Who holds a run folder. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** null for a process of another machine, which this one cannot look for. */
  readonly isHeld: boolean | null;
}

/** What run.lock says; null without a readable one. */
export async function lockOf(folder: string): Promise<LockHolder | null> {
  try {
    const lock: unknown = JSON.parse(await readFile(join(folder, "run.lock"), "utf8"));
    const { pid, host = hostname() } = isRecord(lock) ? lock : {};
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || typeof host !== "string") return null;
    return { pid, host, isHeld: host === hostname() ? isProcessAlive(pid) : null };
  } catch {
    return null;
  }
}
