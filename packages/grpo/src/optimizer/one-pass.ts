/** Whether a step is computed by kernels that a backend has beside the operations of TensorFlow.js. */
import * as tf from "@tensorflow/tfjs-core";

/** See `AdamWOptions.computeWith`. */
export type ComputeWith = "auto" | "kernels" | "backend";

/** By "auto" steps over fewer parameters keep the numbers that the backend's own operations give. */
const SMALL_PARAMETERS = 1 << 23;

/**
 * @param kernel its name in TensorFlow.js
 * @param parameters all that are trained
 */
export function takesOnePass(
  kernel: string,
  parameters: readonly { readonly variable: tf.Tensor }[],
  computeWith: ComputeWith = "auto",
): boolean {
  if (computeWith === "backend" || tf.getKernel(kernel, tf.getBackend()) === undefined) return false;
  return (
    computeWith === "kernels" || parameters.reduce((sum, { variable }) => sum + variable.size, 0) > SMALL_PARAMETERS
  );
}
