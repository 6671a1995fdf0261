/**
 * Worker threads that compute texts from texts. They start with the first batch and end with `close`. A few texts are
 * computed in this thread: a worker would take longer to start.
 */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { loadTextTask, type TextTask } from "./text-tasks";
import type { TextReply, TextRequest } from "./text-worker";

/** Fewer texts than this stay in this thread. */
const WORTH_A_WORKER = 4000;
/** Texts per message: enough that messages cost nothing, few enough that workers end together. */
const BATCH = 512;
/** Most threads: each holds its own language database, some 60 MB in all. */
const MOST_THREADS = 8;
/** Batches that wait at a worker, so that it never waits for this thread. */
const AHEAD = 2;

interface Pending {
  resolve(values: readonly string[]): void;
  reject(error: Error): void;
}

/** One worker and the batches that it has not answered. */
interface Thread {
  readonly worker: Worker;
  readonly pending: Pending[];
}

/** The worker threads of one run. */
export class TextWorkers {
  readonly #count: number;
  #threads: Thread[] = [];
  #failure: Error | undefined;

  /** @param count worker threads, at most 8. Default: one per core. */
  constructor(count: number = availableParallelism()) {
    this.#count = Math.min(count, MOST_THREADS);
  }

  /**
   * Computes one value per text.
   *
   * @param expected the number of texts that will come
   * @returns the values in the order of the texts, some at a time
   * @throws what `texts` throws, and the error of a text that cannot be computed
   */
  async *compute(task: TextTask, texts: AsyncIterable<string>, expected: number): AsyncGenerator<readonly string[]> {
    const compute = expected < WORTH_A_WORKER ? await inThisThread(task) : await this.#inWorkers(task);
    const waiting: (Promise<readonly string[]> | readonly string[])[] = [];
    const send = (batch: readonly string[]): number => waiting.push(compute(batch));
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

  async #inWorkers(task: TextTask): Promise<(texts: readonly string[]) => Promise<readonly string[]>> {
    const file = await entryFile({
      source: new URL("./text-worker.ts", import.meta.url),
      built: () => pathToFileURL(createRequire(import.meta.url).resolve("@v-triune/data-filters/text-worker")),
    });
    return (texts) => this.#send(file, { task, texts });
  }

  #send(file: URL, request: TextRequest): Promise<readonly string[]> {
    const promise = new Promise<readonly string[]>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      let thread = this.#threads.reduce<Thread | undefined>(
        (least, one) => (least === undefined || one.pending.length < least.pending.length ? one : least),
        undefined,
      );
      if (thread === undefined || (thread.pending.length > 0 && this.#threads.length < this.#count))
        this.#threads.push((thread = this.#start(file)));
      thread.pending.push({ resolve, reject });
      thread.worker.postMessage(request, []);
    });
    // A caller that still waits for an earlier batch has no handler on this one yet. It gets the rejection when it
    // comes to it.
    promise.catch(() => undefined);
    return promise;
  }

  #start(file: URL): Thread {
    const thread: Thread = { worker: new Worker(file, { execArgv: [] }), pending: [] };
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

async function inThisThread(task: TextTask): Promise<(texts: readonly string[]) => readonly string[]> {
  const compute = await loadTextTask(task);
  return (texts) => texts.map(compute);
}
