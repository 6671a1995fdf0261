/**
 * Memory that tensors' values pass through on their way to the backend, one tensor after another.
 *
 * With an array for each tensor, arrays that are not collected yet would take memory beside the weights, up to a fifth
 * of them. This is one buffer: as large as the largest tensor, which comes first, and smaller with each that follows.
 * What a resizable ArrayBuffer gives up goes back to the system at once.
 */
import * as tf from "@tensorflow/tfjs-core";
import { resizableBuffer } from "./resizable-buffer";

/**
 * Values begin a word into the buffer. TensorFlow takes over memory whose address suits its vector units instead of
 * copying it, and a buffer begins on a page.
 */
const OFFSET = Float32Array.BYTES_PER_ELEMENT;

/** Makes tfjs-node, which takes a tensor's values at its first use only, take them now. */
export function placeNow(tensor: tf.Tensor): void {
  if (tf.getBackend() === "tensorflow")
    tf.slice(
      tensor,
      tensor.shape.map(() => 0),
      tensor.shape.map(() => 1),
    ).dispose();
}

/**
 * @param largest most values that will be asked for
 * @returns a function: number of values → an array in the same memory as the array before it (0 frees it), which may be
 *   asked for again only after `placeNow`; undefined on a backend that keeps the arrays that it gets
 */
export function passingMemory(largest: number): ((values: number) => Float32Array) | undefined {
  if (!backendCopies()) return undefined;
  const most = OFFSET + largest * Float32Array.BYTES_PER_ELEMENT;
  // Empty until its first use: memory that is given up is written with zeros before.
  const buffer = resizableBuffer(0, most);
  return (values) => {
    buffer.resize(values === 0 ? 0 : OFFSET + values * Float32Array.BYTES_PER_ELEMENT);
    return values === 0 ? new Float32Array(0) : new Float32Array(buffer, OFFSET, values);
  };
}

/** Whether a tensor keeps its values when the array it was made of changes; tried, because no backend promises it. */
function backendCopies(): boolean {
  const values = new Float32Array(resizableBuffer(OFFSET + 1024 * Float32Array.BYTES_PER_ELEMENT), OFFSET).fill(1);
  const tensor = tf.tensor1d(values);
  placeNow(tensor);
  values.fill(2);
  const copied = tensor.dataSync()[0] === 1;
  tensor.dispose();
  return copied;
}
