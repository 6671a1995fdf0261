/**
 * Threads that run kernels on one shared memory beside the caller's thread (node:worker_threads). Each has a mailbox in
 * the memory itself; the caller computes a part of its own and then waits for the others.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { entryFile } from "@v-triune/node-kit/entry-file";
import {
  ARGUMENTS,
  ASKED,
  DONE,
  ENDED,
  MAIL_WORDS,
  SPINS,
  STATE,
  UP,
  type DecodeJob,
  type KernelThreadData,
} from "./kernel-mailbox";
import { kernelModule } from "./kernel-memory";
import type { OwnMemory } from "./own-memory";

export class KernelThreads {
  readonly #mailboxes: Int32Array[] = [];
  #closed = false;

  /** @param count threads besides the caller's; they start in the background and do nothing until they are up */
  constructor(
    readonly memory: OwnMemory,
    readonly count: number,
  ) {
    const addresses = Array.from({ length: count }, () => memory.allocate(MAIL_WORDS));
    for (const address of addresses) {
      const mailbox = memory.ints(address, MAIL_WORDS);
      mailbox.fill(0);
      this.#mailboxes.push(mailbox);
    }
    // Threads that cannot start are left out: the caller computes their part.
    this.#start(addresses).catch(() => this.close());
  }

  /** Threads that can take a job now, the caller's included. */
  get ready(): number {
    return 1 + this.#mailboxes.filter((mailbox) => Atomics.load(mailbox, STATE) === UP).length;
  }

  /** Runs at most `ready` jobs at once, the first of them here; returns when all are done. */
  run(jobs: readonly DecodeJob[]): void {
    const { kernels } = this.memory;
    const up = this.#mailboxes.filter((mailbox) => Atomics.load(mailbox, STATE) === UP);
    const given = jobs.slice(1, 1 + up.length);
    given.forEach((job, i) => {
      const mailbox = up[i]!;
      mailbox.set(job, ARGUMENTS);
      Atomics.add(mailbox, ASKED, 1);
      Atomics.notify(mailbox, ASKED);
    });
    for (const job of [...jobs.slice(0, 1), ...jobs.slice(1 + given.length)]) kernels.decodeStep(...job);
    given.forEach((job, i) => {
      const mailbox = up[i]!;
      const asked = Atomics.load(mailbox, ASKED);
      for (let spin = 0; spin < SPINS && Atomics.load(mailbox, DONE) !== asked; spin++);
      for (let done = Atomics.load(mailbox, DONE); done !== asked; done = Atomics.load(mailbox, DONE))
        Atomics.wait(mailbox, DONE, done);
      // A kernel that fails there fails here too, with its own message.
      if (Atomics.load(mailbox, STATE) === ENDED) kernels.decodeStep(...job);
    });
  }

  /** Ends the threads; the memory stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const mailbox of this.#mailboxes) {
      Atomics.store(mailbox, STATE, ENDED);
      Atomics.store(mailbox, ASKED, -1);
      Atomics.notify(mailbox, ASKED);
    }
  }

  async #start(addresses: readonly number[]): Promise<void> {
    const file = await entryFile({
      source: new URL("./kernel-thread.ts", import.meta.url),
      built: () => {
        const root = dirname(createRequire(import.meta.url).resolve("@v-triune/policy/package.json"));
        return pathToFileURL(join(root, "dist/kernels/wasm/kernel-thread.js"));
      },
    });
    if (this.#closed) return;
    addresses.forEach((address, i) => {
      const workerData: KernelThreadData = {
        module: kernelModule(true)!,
        memory: this.memory.memory,
        mailbox: address,
      };
      const worker = new Worker(file, { execArgv: [], workerData });
      worker.on("error", () => Atomics.store(this.#mailboxes[i]!, STATE, ENDED));
      worker.unref();
    });
  }
}
