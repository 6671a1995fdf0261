import type { ErrorDetails } from "@v-triune/errors";
import type { RewardOutcome, RewardRule } from "../score-request";
import type { RewardRequest } from "../reward-source";

/** Where verifiers come from. Only data can be sent to a worker, so verifiers are named by their module. */
export interface VerifierModule {
  /** A package name or a `file:` URL; for a path use `pathToFileURL(path).href`. */
  readonly module: string;
  /**
   * The export to take. Default `default`. It is a Verifier, a list of them, or a function of `options` that returns
   * either.
   */
  readonly export?: string;
  /** What the function is called with; plain data. */
  readonly options?: unknown;
}

/** What a worker is started with. */
export interface WorkerSetup {
  readonly modules: readonly VerifierModule[];
  readonly rule: RewardRule;
  /** The running mark of a thread, see {@link RunningMark}; a process sends `started` messages instead. */
  readonly mark?: SharedArrayBuffer;
}

/** One sample for a worker. `sequence` counts up per worker, from 1. */
export interface WorkerTask {
  readonly sequence: number;
  readonly request: RewardRequest;
}

/** Messages to a worker. */
export type ToWorker =
  | { readonly type: "setup"; readonly setup: WorkerSetup }
  | { readonly type: "tasks"; readonly tasks: readonly WorkerTask[] }
  | { readonly type: "skip"; readonly through: number };

/** Messages from a worker. */
export type FromWorker =
  | { readonly type: "ready"; readonly names: readonly string[] }
  | { readonly type: "failed"; readonly error: ErrorDetails }
  | { readonly type: "started"; readonly sequence: number }
  | { readonly type: "results"; readonly results: readonly (readonly [sequence: number, outcome: RewardOutcome])[] };

/**
 * What a thread does, in memory that both sides see, because a thread that hangs can send nothing: which sample runs,
 * since when, and up to which sample it skips.
 */
export class RunningMark {
  /** 16 bytes: running sequence, skip-through, start in nanoseconds of the monotonic clock. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(16);
  }

  readonly #words: Int32Array;
  readonly #start: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, 2);
    this.#start = new BigInt64Array(memory, 8, 1);
  }

  /** Called by the worker before a sample. @returns false if it must skip the sample */
  begin(sequence: number): boolean {
    if (sequence <= Atomics.load(this.#words, 1)) return false;
    Atomics.store(this.#start, 0, process.hrtime.bigint());
    Atomics.store(this.#words, 0, sequence);
    return true;
  }

  /** Called by the worker after a sample. */
  end(): void {
    Atomics.store(this.#words, 0, 0);
  }

  /** Called by the pool: other workers do the samples up to this one. */
  skipThrough(sequence: number): void {
    Atomics.store(this.#words, 1, sequence);
  }

  /** The sample that runs and for how many milliseconds, or undefined. */
  running(): { readonly sequence: number; readonly forMs: number } | undefined {
    const sequence = Atomics.load(this.#words, 0);
    const started = Atomics.load(this.#start, 0);
    // The two are not written together: if the sample has changed meanwhile, the next look finds it.
    if (sequence === 0 || Atomics.load(this.#words, 0) !== sequence) return undefined;
    return { sequence, forMs: Number(process.hrtime.bigint() - started) / 1e6 };
  }
}
