/**
 * The memory and threads that a policy decodes with: opened at their first use and kept from one generation to the
 * next.
 */
import type { KernelThreads } from "../kernels/wasm/kernel-threads";
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

/** How a platform gives threads. */
export interface DecodingThreads {
  /** The number of threads that a large generation takes, the caller's included. */
  available(): number;
  /** Starts threads besides the caller's that compute on this memory. */
  start(memory: OwnMemory, count: number): KernelThreads;
}

export class DecodingMemory {
  readonly #threads: DecodingThreads | undefined;
  #place: DecodingPlace | undefined;
  #users = 0;

  /** @param threads undefined where only the caller's thread decodes */
  constructor(threads: DecodingThreads | undefined) {
    this.#threads = threads;
  }

  /**
   * The number of threads for a generation: the one that was asked for, otherwise those that the platform gives for a
   * large one.
   *
   * @param work multiplications and additions of all its tokens
   */
  threadsFor(asked: number | undefined, work: number): number {
    if (!this.#threads) return 1;
    return asked ?? (work < THREADED_WORK ? 1 : this.#threads.available());
  }

  /**
   * Undefined where the engine has no WebAssembly SIMD. Give it back with `release`.
   *
   * @param threads the caller's included
   */
  acquire(threads: number): DecodingPlace | undefined {
    if (this.#users === 0 && this.#place && threads !== 1 + (this.#place.threads?.count ?? 0)) this.close();
    if (!this.#place) {
      const memory = OwnMemory.open(threads > 1);
      this.#place = memory && { memory, threads: threads > 1 ? this.#threads?.start(memory, threads - 1) : undefined };
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
