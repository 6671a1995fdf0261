/** Whether a step is computed by kernels that a backend has beside the operations of TensorFlow.js. */
import * as tf from "@tensorflow/tfjs-core";

/** See `AdamWOptions.computeWith`. */
export type ComputeWith = "auto" | "kernels" | "backend";

/** @param kernel its name in TensorFlow.js */
export function takesOnePass(kernel: string, computeWith: ComputeWith = "auto"): boolean {
  return computeWith !== "backend" && tf.getKernel(kernel, tf.getBackend()) !== undefined;
}
