import { startThread } from "../threads/start-thread";
import type { Compute } from "../update/compute";
import { ComputeHere } from "./compute-here";
import { ComputeInThreads } from "./compute-in-threads";
import type { ComputeOptions } from "./compute-options";

/** @throws ThreadLostError when a thread does not start */
export async function openCompute(options: ComputeOptions): Promise<Compute> {
  if (options.workers === 1) return new ComputeHere(options);
  const { workers, start = startThread } = options;
  const started = await Promise.all(Array.from({ length: workers - 1 }, () => start("parallel/compute-thread")));
  const threads = new ComputeInThreads(options, started);
  try {
    await threads.ready();
  } catch (error) {
    await threads.close();
    throw error;
  }
  return threads;
}
