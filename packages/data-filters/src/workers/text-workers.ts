/**
 * Worker threads that compute texts from texts. They start with the first batch and end with `close`. Few texts are computed in this
 * thread, where a worker would take longer to start than they take.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { loadTextTask, type TextTask } from "./text-tasks";
import type { TextReply, TextRequest } from "./text-worker";
import { workerFile } from "./worker-file";

/** Fewer texts than this stay in this thread. */
const WORTH_A_WORKER = 4000;
/** Texts of one message; long enough that messages cost nothing, short enough that workers end together. */
const BATCH = 512;
/** Threads at most: each holds its own language database, some 60 MB in all. */
const MOST_THREADS = 8;
/** Batches that wait at a worker, so that it never waits for this thread. */
const AHEAD = 2;

interface Pending {
  resolve(values: readonly string[]): void;
  reject(error: Error): void;
}

/** One worker and what it owes. */
interface Thread {
  readonly worker: Worker;
  readonly pending: Pending[];
}

/** The worker threads of one run. */
export class TextWorkers {
  readonly #count: number;
  #threads: Thread[] = [];
  #failure: Error | undefined;

  /** @param count worker threads, of which at most 8 are used; by default one for each core */
  constructor(count: number = availableParallelism()) {
    this.#count = Math.min(count, MOST_THREADS);
  }

  /**
   * Computes one value for each text.
   *
   * @param expected how many texts there will be
   * @returns the values in the order of the texts, some at a time
   */
  async *compute(task: TextTask, texts: AsyncIterable<string>, expected: number): AsyncGenerator<readonly string[]> {
    const here = expected < WORTH_A_WORKER ? await loadTextTask(task) : undefined;
    const waiting: (Promise<readonly string[]> | readonly string[])[] = [];
    const send = (batch: readonly string[]): number =>
      waiting.push(here === undefined ? this.#send({ task, texts: batch }) : batch.map(here));
    let batch: string[] = [];
    for await (const text of texts) {
      if (batch.push(text) < BATCH) continue;
      send(batch);
      batch = [];
      while (waiting.length > this.#count * AHEAD) yield await (waiting.shift() as Promise<readonly string[]>);
    }
    if (batch.length > 0) send(batch);
    for (const one of waiting) yield await one;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#failure = new Error("the worker threads are closed");
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #send(request: TextRequest): Promise<readonly string[]> {
    const promise = new Promise<readonly string[]>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      let thread = this.#threads.reduce<Thread | undefined>(
        (least, one) => (least === undefined || one.pending.length < least.pending.length ? one : least),
        undefined,
      );
      if (thread === undefined || (thread.pending.length > 0 && this.#threads.length < this.#count))
        this.#threads.push((thread = this.#start()));
      thread.pending.push({ resolve, reject });
      thread.worker.postMessage(request, []);
    });
    // Whoever waits for an earlier batch has not looked at this one yet; the failure reaches him all the same.
    promise.catch(() => undefined);
    return promise;
  }

  #start(): Thread {
    const thread: Thread = { worker: new Worker(workerFile(), { execArgv: [] }), pending: [] };
    const fail = (error: Error): void => {
      const reason = (this.#failure ??= error);
      for (const { reject } of thread.pending.splice(0)) reject(reason);
    };
    thread.worker.on("message", (reply: TextReply) => {
      const one = thread.pending.shift();
      if ("values" in reply) one?.resolve(reply.values);
      else one?.reject(new Error(reply.error));
    });
    thread.worker.on("error", (error) => fail(error instanceof Error ? error : new Error(String(error))));
    thread.worker.on("exit", (code) => fail(new Error(`a worker thread ended with code ${code}`)));
    return thread;
  }
}
