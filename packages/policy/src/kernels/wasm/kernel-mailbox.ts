/**
 * The mailbox of a kernel thread: int32 words in the shared memory. The caller writes the arguments of a `decodeStep`,
 * raises ASKED and wakes the thread; the thread computes, raises DONE and wakes the caller.
 */
import type { KernelExports } from "./kernel-memory";
import type { WasmMemory } from "./wasm-api";

/** Arguments of one `decodeStep`. */
export type DecodeJob = Parameters<KernelExports["decodeStep"]>;

export const MAIL_WORDS = 16;

/** Which word holds what. The arguments are the last of them. */
export const STATE = 0;
export const ASKED = 1;
export const DONE = 2;
export const ARGUMENTS = 3;
export const ARGUMENT_COUNT = 7;

/** States. A thread starts in 0. */
export const UP = 1;
export const ENDED = 2;

/**
 * Looks at a mailbox before going to sleep: a wake-up costs some 50 µs, the sampling between two steps about as much.
 */
export const SPINS = 20_000;

/** What a kernel thread is started with. */
export interface KernelThreadData {
  /** The compiled kernels. */
  readonly module: object;
  readonly memory: WasmMemory;
  /** Address of its mailbox. */
  readonly mailbox: number;
}
