/**
 * The memory and threads that a policy decodes with: opened at their first use and kept from one generation to the
 * next.
 */
import { availableParallelism } from "node:os";
import { isMainThread } from "node:worker_threads";
import { KernelThreads } from "../kernels/wasm/kernel-threads";
import { OwnMemory } from "../kernels/wasm/own-memory";

/** Memory larger than this is freed after each generation. */
const KEPT_BYTES = 1 << 28;
/** Multiplications and additions below which threads cost more than they save: some 30 ms of one thread. */
const THREADED_WORK = 1e9;

/** Where one generation decodes. */
export interface DecodingPlace {
  readonly memory: OwnMemory;
  readonly threads: KernelThreads | undefined;
}

export class DecodingMemory {
  #place: DecodingPlace | undefined;
  #users = 0;

  /**
   * Undefined where the engine has no WebAssembly SIMD. Give it back with `release`.
   *
   * @param threads the caller's included
   */
  acquire(threads: number): DecodingPlace | undefined {
    if (this.#users === 0 && this.#place && threads !== 1 + (this.#place.threads?.count ?? 0)) this.close();
    if (!this.#place) {
      const memory = OwnMemory.open(threads > 1);
      this.#place = memory && { memory, threads: threads > 1 ? new KernelThreads(memory, threads - 1) : undefined };
    }
    if (this.#place) this.#users++;
    return this.#place;
  }

  release(): void {
    if (--this.#users === 0 && this.#place!.memory.size > KEPT_BYTES) this.close();
  }

  /** Ends the threads and frees the memory. */
  close(): void {
    this.#place?.threads?.close();
    this.#place = undefined;
  }
}

/**
 * The number of threads for a generation: the one that was asked for, otherwise all cores, or one inside a worker,
 * whose owner has distributed the work already.
 *
 * @param work multiplications and additions of all its tokens
 */
export function decodingThreads(asked: number | undefined, work: number): number {
  if (asked !== undefined) return asked;
  return work < THREADED_WORK || !isMainThread ? 1 : availableParallelism();
}
