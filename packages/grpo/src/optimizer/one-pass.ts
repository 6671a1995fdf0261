/** Whether a step is computed by kernels that a backend has beside the operations of TensorFlow.js. */
import * as tf from "@tensorflow/tfjs-core";

/** Tensors that a kernel takes at once (MOST_TENSORS of packages/backend/native/training/tasks.h). */
export const MOST_TENSORS = 32;

/** See `AdamWOptions.computeWith`. */
export type ComputeWith = "auto" | "kernels" | "backend";

/** @param kernel its name in TensorFlow.js */
export function takesOnePass(kernel: string, computeWith: ComputeWith = "auto"): boolean {
  return computeWith !== "backend" && tf.getKernel(kernel, tf.getBackend()) !== undefined;
}

/**
 * Items in lists of at most {@link MOST_TENSORS}. Where a list has several, their tensors have at most `most` numbers.
 *
 * @param sizeOf numbers of an item. Default 0
 */
export function inLists<Item>(items: readonly Item[], sizeOf: (item: Item) => number = () => 0, most = 0): Item[][] {
  const lists: Item[][] = [];
  let size = 0;
  for (const item of items) {
    size += sizeOf(item);
    const list = lists.at(-1);
    if (list && list.length < MOST_TENSORS && size <= most) list.push(item);
    else {
      lists.push([item]);
      size = sizeOf(item);
    }
  }
  return lists;
}

/** Tensors as a kernel's inputs, which are read in this order. */
export function namedInputs(tensors: readonly tf.Tensor[]): tf.NamedTensorMap {
  return Object.fromEntries(tensors.map((tensor, i) => [`input${i}`, tensor]));
}
