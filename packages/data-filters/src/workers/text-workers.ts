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
/** Characters from which a message is sent with fewer texts. */
const BATCH_CHARACTERS = 2 ** 20;
/** V8's limits in a worker, MB. Without them its heap grows to several times what it needs. */
const HEAP = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };
/** Most threads: each holds its own language database, some 100 MB in all. */
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
    let characters = 0;
    for await (const text of texts) {
      characters += text.length;
      if (batch.push(text) < BATCH && characters < BATCH_CHARACTERS) continue;
      send(batch);
      batch = [];
      characters = 0;
      while (waiting.length > this.#count * AHEAD) yield await (waiting.shift() as Promise<readonly string[]>);
    }
    if (batch.length > 0) send(batch);
    for (const one of waiting) yield await one;
  }

  /** The number of threads that are started at most. */
  get count(): number {
    return this.#count;
  }

  /** Ends the threads, for good. */
  async close(): Promise<void> {
    this.#failure = new Error("the worker threads are closed");
    await this.rest();
  }

  /** Ends the threads and frees their memory. The next texts start others. */
  async rest(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    const reason = this.#failure ?? new Error("the worker thread was ended");
    await Promise.all(
      threads.map(async ({ worker, pending }) => {
        // Its end is not a failure of the other threads.
        worker.removeAllListeners("exit");
        for (const { reject } of pending.splice(0)) reject(reason);
        await worker.terminate();
      }),
    );
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
    const thread: Thread = { worker: new Worker(file, { execArgv: [], resourceLimits: HEAP }), pending: [] };
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
