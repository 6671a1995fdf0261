/**
 * Threads that run kernels on one shared memory beside the thread that asks (node:worker_threads). A call hands each of them
 * seven numbers in the memory itself and wakes it; who asks computes its own part and then waits for the rest.
 */
import { Worker } from "node:worker_threads";
import { kernelModule, type KernelExports } from "./kernel-memory";
import type { OwnMemory } from "./own-memory";

/** Arguments of one `decodeStep`. */
export type DecodeJob = Parameters<KernelExports["decodeStep"]>;

/** int32 of a thread's mailbox: state, calls asked for, calls done, then the arguments. */
const MAIL_WORDS = 16;
const [STATE, ASKED, DONE, ARGUMENTS] = [0, 1, 2, 3];
/** States; a thread starts in 0. */
const [UP, ENDED] = [1, 2];
/** Looks at a mailbox before going to sleep: a wake-up costs some 50 µs, a step's pause for sampling is of that order. */
const SPINS = 20_000;

const SOURCE = `
const { workerData: { module, memory, mailbox } } = require("node:worker_threads");
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;
const mail = new Int32Array(memory.buffer, mailbox, ${MAIL_WORDS});
let done = 0;
Atomics.store(mail, ${STATE}, ${UP});
for (;;) {
  for (let i = 0; i < ${SPINS} && Atomics.load(mail, ${ASKED}) === done; i++);
  Atomics.wait(mail, ${ASKED}, done);
  if (Atomics.load(mail, ${ASKED}) < 0) break;
  try {
    kernels.decodeStep(...mail.subarray(${ARGUMENTS}, ${ARGUMENTS + 7}));
  } catch {
    Atomics.store(mail, ${STATE}, ${ENDED});
  }
  Atomics.store(mail, ${DONE}, ++done);
  Atomics.notify(mail, ${DONE});
}`;

export class KernelThreads {
  readonly #workers: Worker[] = [];
  readonly #mailboxes: Int32Array[] = [];
  #closed = false;

  /** @param count threads besides the caller's; they start in the background and do nothing until they are up */
  constructor(
    readonly memory: OwnMemory,
    readonly count: number,
  ) {
    for (let i = 0; i < count; i++) {
      const address = memory.allocate(MAIL_WORDS);
      const mailbox = memory.ints(address, MAIL_WORDS);
      mailbox.fill(0);
      this.#mailboxes.push(mailbox);
      const worker = new Worker(SOURCE, {
        eval: true,
        execArgv: [],
        workerData: { module: kernelModule(true), memory: memory.memory, mailbox: address },
      });
      worker.on("error", () => Atomics.store(mailbox, STATE, ENDED));
      worker.unref();
      this.#workers.push(worker);
    }
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
}
