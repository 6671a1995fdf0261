/**
 * Memory that the backend takes over with a tensor's values, where it otherwise copies them into its own.
 *
 * TensorFlow takes memory over whose address suits its vector units. On processors for which it turns oneDNN on, its own is an
 * allocator that doubles with each piece and keeps a table of 1/32 of every piece: weights of 7.2 GB made it 0.5 GB.
 */
import * as tf from "@tensorflow/tfjs-core";
import { placeNow } from "./passing-memory";
import { resizableBuffer } from "./resizable-buffer";

/** Below this a page for each tensor would cost more than it saves. */
const LEAST_VALUES = 1 << 18;

/**
 * @returns a function: number of values → an array for one constant tensor, which must not change once the tensor is made;
 *   undefined for few values. Itself undefined on a backend that copies
 */
export function takenMemory(): ((values: number) => Float32Array | undefined) | undefined {
  if (!backendTakesOver()) return undefined;
  return (values) => (values < LEAST_VALUES ? undefined : onPages(values));
}

/** Whether a tensor shares the memory of an array that begins on a page; tried, because no backend promises it. */
function backendTakesOver(): boolean {
  const values = onPages(1024).fill(1);
  const tensor = tf.tensor1d(values);
  placeNow(tensor);
  values.fill(2);
  const shared = tf.getBackend() === "tensorflow" && tensor.dataSync()[0] === 2;
  tensor.dispose();
  return shared;
}

function onPages(values: number): Float32Array {
  return new Float32Array(resizableBuffer(values * Float32Array.BYTES_PER_ELEMENT));
}
