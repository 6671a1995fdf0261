/** A thread of `KernelThreads`: runs the jobs that arrive in its mailbox until it is told to end. */
import { workerData } from "node:worker_threads";
import {
  ARGUMENT_COUNT,
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
import type { KernelExports } from "./kernel-memory";
import { wasmApi } from "./wasm-api";

const { module, memory, mailbox } = workerData as KernelThreadData;
const kernels = new wasmApi.Instance(module, { env: { memory } }).exports as KernelExports;
const mail = new Int32Array(memory.buffer, mailbox, MAIL_WORDS);

function waitForJob(done: number): boolean {
  for (let i = 0; i < SPINS && Atomics.load(mail, ASKED) === done; i++);
  // The notice of a job that the loop above already saw may come later, and wakes without a new job.
  while (Atomics.load(mail, ASKED) === done) Atomics.wait(mail, ASKED, done);
  return Atomics.load(mail, ASKED) >= 0;
}

Atomics.store(mail, STATE, UP);
for (let done = 0; waitForJob(done);) {
  try {
    kernels.decodeStep(...(mail.subarray(ARGUMENTS, ARGUMENTS + ARGUMENT_COUNT) as unknown as DecodeJob));
  } catch {
    // The caller runs the job again and meets the error itself.
    Atomics.store(mail, STATE, ENDED);
  }
  Atomics.store(mail, DONE, ++done);
  Atomics.notify(mail, DONE);
}
