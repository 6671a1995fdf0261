/**
 * Turns what a backend says when memory runs out into an OutOfMemoryError that names the tensor.
 *
 * TensorFlow says "OOM when allocating tensor with shape[7,8] and type float on .. by allocator .." (status 8,
 * RESOURCE_EXHAUSTED). tfjs-backend-wasm says nothing of the kind: its allocator returns address 0 or the WebAssembly
 * memory refuses to grow, and the next access fails with a RangeError or a RuntimeError.
 */
import { OutOfMemoryError } from "./backend-error";

const TENSORFLOW_OOM = /OOM when allocating tensor with shape\[([\d,]*)\] and type (\w+) on (\S+) by allocator (\w+)/;
const EXHAUSTED = /Invalid TF_Status: 8\b|RESOURCE_EXHAUSTED|failed to allocate|std::bad_alloc|out of memory/i;
const WASM_OOM =
  /cannot enlarge memory|memory access out of bounds|Aborted\(OOM\)|offset is out of bounds|Array buffer allocation failed/i;

/** Where an error came from, for the message. */
export interface AllocationContext {
  readonly backend: string;
  /** The kernel that was running, for example "MatMul". */
  readonly kernel?: string;
  /** The shape asked for, where the caller knows it. */
  readonly shape?: readonly number[];
}

/**
 * The OutOfMemoryError for an error that means "no memory", or undefined for any other error.
 *
 * @param error whatever was thrown by a tfjs call
 */
export function asOutOfMemory(error: unknown, context: AllocationContext): OutOfMemoryError | undefined {
  if (error instanceof OutOfMemoryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const told = TENSORFLOW_OOM.exec(message);
  const exhausted =
    context.backend === "wasm" ? WASM_OOM.test(message) || EXHAUSTED.test(message) : EXHAUSTED.test(message);
  if (told === null && !exhausted) return undefined;
  const shape = told === null ? context.shape : (told[1] ?? "").split(",").filter(Boolean).map(Number);
  const tensor =
    shape === undefined ? "a tensor" : `a tensor of shape [${shape.join(", ")}] (${formatBytes(4 * product(shape))})`;
  return new OutOfMemoryError({
    backend: context.backend,
    kernel: context.kernel,
    shape,
    what: `The ${context.backend} backend has no memory left for ${tensor}.`,
    where:
      context.kernel && `kernel ${context.kernel}${told === null ? "" : `, device ${told[3]}, allocator ${told[4]}`}`,
    found: message.split("\n").slice(0, 3).join(" ").slice(0, 300),
    fix:
      context.backend === "wasm"
        ? "use smaller micro-batches or shorter sequences, or the native backend (npx v-triune native install): " +
          "WebAssembly addresses at most 4 GiB"
        : "use smaller micro-batches or shorter sequences, or free memory on the device",
    cause: error,
  });
}

/** Runs a function and rethrows a failure for want of memory as an OutOfMemoryError. */
export function withOutOfMemory<T>(context: AllocationContext, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asOutOfMemory(error, context) ?? error;
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

/** Bytes as a short text with one decimal, for example "1.5 GiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
