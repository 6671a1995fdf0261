import type { Compute } from "../update/compute";
import { ComputeHere } from "./compute-here";
import { ComputeInThreads } from "./compute-in-threads";
import type { ComputeOptions } from "./compute-options";

/** @throws ThreadLostError when a thread does not start */
export async function openCompute(options: ComputeOptions): Promise<Compute> {
  if (options.workers === 1) return new ComputeHere(options);
  const threads = new ComputeInThreads(options);
  try {
    await threads.ready();
  } catch (error) {
    await threads.close();
    throw error;
  }
  return threads;
}
