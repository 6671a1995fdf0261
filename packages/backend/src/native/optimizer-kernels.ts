/**
 * Kernels "VTriuneAdamW" and "VTriuneSumOfSquares" of TensorFlow.js for the native backend, which @v-triune/grpo's optimizer
 * takes where they are registered.
 */
import * as tf from "@tensorflow/tfjs-core";

interface NativeBackend {
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(output: object): tf.TensorInfo;
  readonly binding: {
    readonly TF_ATTR_INT: number;
    executeOp(name: string, attributes: readonly object[], inputs: readonly number[], outputs: number): object[];
  };
}

/**
 * Both take at most 32 tensors (MOST_TENSORS of native/training/tasks.h), `count` of them, of any shapes; inputs in this
 * order, under any names.
 *
 * AdamW: all p, all g, all m, all v, and a row of constants for each (AdamWConstants of tasks.h), [count, 7]; all new p,
 * all new m, all new v. Sum of squares: the tensors; their sums, [count].
 */
export function registerOptimizerKernels(): void {
  register("VTriuneAdamW", (count) => 3 * count);
  register("VTriuneSumOfSquares", () => 1);
}

/** The kernel that runs the op of this name. */
function register(kernelName: string, outputs: (count: number) => number): void {
  tf.registerKernel({
    kernelName,
    backendName: "tensorflow",
    kernelFunc({ inputs, attrs, backend }) {
      const native = backend as unknown as NativeBackend;
      const count = attrs!["count"] as number;
      const ids = native.getInputTensorIds(Object.values(inputs) as tf.TensorInfo[]);
      const attribute = { name: "N", type: native.binding.TF_ATTR_INT, value: count };
      const results = native.binding.executeOp(kernelName, [attribute], ids, outputs(count));
      const tensors = results.map((output) => native.createOutputTensor(output));
      return tensors.length === 1 ? tensors[0]! : tensors;
    },
  });
}
