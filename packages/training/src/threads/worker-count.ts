/**
 * How many threads compute. Native backends have threads of their own; WebAssembly and plain JavaScript have one in
 * Node, so there a run takes one for each physical core: two on one core share its arithmetic and only cost memory.
 */
import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { WorkersSetting } from "../config/training-config";
import { ConfigError } from "@v-triune/errors";
import { isOneThreaded, MOST_PARTS } from "./one-threaded";

/**
 * Threads for the current backend, this one included.
 *
 * @throws ConfigError when threads are asked for on a backend that has its own
 */
export function workerCount(setting: WorkersSetting): number {
  if (setting === "auto") return isOneThreaded() ? Math.min(MOST_PARTS, physicalCores()) : 1;
  if (setting === 1 || isOneThreaded()) return Math.min(MOST_PARTS, setting);
  throw new ConfigError({
    what: "This backend computes with threads of its own; workers would fight with them over the cores.",
    where: "workers",
    expected: "auto or 1 on a native backend",
    found: String(setting),
    fix: "leave workers out, or take the wasm backend (--set backend=wasm)",
  });
}

/** A backend's description as a run shows it: with its threads where they are the run's. */
export function describeCompute(description: string, workers: number): string {
  return workers === 1 ? description : `${description}, ${workers} threads`;
}

/** Cores that this process may use, threads of one core counted once where the system tells (Linux). */
export function physicalCores(folder = "/sys/devices/system/cpu"): number {
  const logical = availableParallelism();
  try {
    const names = readdirSync(folder).filter((name) => /^cpu\d+$/.test(name));
    const cores = new Set(
      names.map((name) => readFileSync(`${folder}/${name}/topology/thread_siblings_list`, "utf8").trim()),
    );
    return Math.max(1, Math.min(logical, cores.size));
  } catch {
    return logical;
  }
}
