/** One computing thread as the run's thread sees it: jobs go in, results come back, and its end is told. */
import type { Worker } from "node:worker_threads";
import type { ComputeJob, ComputeSetup, FromComputeThread, ToComputeThread } from "./compute-protocol";
import { errorFromPlain } from "../threads/plain-error";
import type { KnownFeatures } from "../threads/shared-prompts";

/** The thread has ended by itself; what it was computing can be computed elsewhere, with the same result. */
export class ThreadLostError extends Error {
  override readonly name = "ThreadLostError";
}

type Result<Type extends ComputeJob["type"]> = Extract<
  FromComputeThread,
  { type: Type extends "generate" ? "generated" : Type }
>;

interface Waiting {
  readonly resolve: (message: FromComputeThread) => void;
  readonly reject: (error: Error) => void;
  readonly onMessage: (message: FromComputeThread) => void;
}

export class ComputeWorker {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready: Promise<void>;
  #lost: ThreadLostError | undefined;
  #nextJob = 0;

  /** @param onMessage called after anything that the thread says, its end included */
  constructor(
    thread: Worker,
    setup: ComputeSetup,
    readonly onMessage: () => void,
  ) {
    this.#thread = thread;
    let failure: unknown;
    this.#ready = new Promise((resolve, reject) => {
      this.#thread.on("message", (message: FromComputeThread) => {
        if (message.type === "ready") resolve();
        else this.#receive(message);
        onMessage();
      });
      this.#thread.on("error", (error) => (failure = error));
      this.#thread.on("exit", (code) => {
        const reason = failure instanceof Error ? failure.message : `exit code ${code}`;
        this.#lost = new ThreadLostError(`a computing thread has ended: ${reason}`, { cause: failure });
        reject(this.#lost);
        for (const { reject: give } of this.#waiting.values()) give(this.#lost);
        this.#waiting.clear();
        onMessage();
      });
    });
    this.#post({ type: "setup", setup });
  }

  /** @throws ThreadLostError when it did not start */
  ready(): Promise<void> {
    return this.#ready;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Gives the thread a job; jobs are done one after another.
   *
   * @param onMessage told of what comes before the result
   * @returns the result's message, and how to call the job off
   */
  ask<Type extends ComputeJob["type"]>(
    work: Extract<ComputeJob, { type: Type }>,
    { version, features }: { readonly version: number; readonly features: KnownFeatures },
    onMessage: (message: FromComputeThread) => void = () => undefined,
  ): {
    readonly result: Promise<Result<Type>>;
    readonly cancel: () => void;
    /** Tells the thread what follows a turn that it asked for. */
    readonly tell: (message: Omit<Extract<ToComputeThread, { type: "continuation" }>, "type" | "job">) => void;
  } {
    const job = this.#nextJob++;
    const result = new Promise<FromComputeThread>((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#waiting.set(job, { resolve, reject, onMessage });
      this.#post({ job, version, features, work });
    }) as Promise<Result<Type>>;
    // The caller looks at it when the others are done; until then, mark the rejection as handled.
    result.catch(() => undefined);
    return {
      result,
      cancel: () => this.#post({ type: "cancel", job }),
      tell: (message) => this.#post({ ...message, type: "continuation", job }),
    };
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #post(message: ToComputeThread): void {
    this.#thread.postMessage(message, []);
  }

  #receive(message: Exclude<FromComputeThread, { type: "ready" }>): void {
    if (message.type === "turn") return;
    const waiting = this.#waiting.get(message.job);
    if (!waiting) return;
    if (message.type === "completions" || message.type === "turn-ended") return waiting.onMessage(message);
    this.#waiting.delete(message.job);
    if (message.type === "failed") waiting.reject(errorFromPlain(message.error));
    else waiting.resolve(message);
  }
}
