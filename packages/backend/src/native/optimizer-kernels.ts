/**
 * Kernels "VTriuneAdamW" and "VTriuneSumOfSquares" of TensorFlow.js for the native backend, which @v-triune/grpo's optimizer
 * takes where they are registered.
 */
import * as tf from "@tensorflow/tfjs-core";

interface NativeBackend {
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(output: object): tf.TensorInfo;
  readonly binding: {
    executeOp(name: string, attributes: readonly object[], inputs: readonly number[], outputs: number): object[];
  };
}

/**
 * AdamW: inputs p, g, m, v of one shape and `constants` (AdamWConstants of native/training/tasks.h); the new p, m and v.
 * Sum of squares: input x; a scalar.
 */
export function registerOptimizerKernels(): void {
  register("VTriuneAdamW", ["p", "g", "m", "v", "constants"], 3);
  register("VTriuneSumOfSquares", ["x"], 1);
}

/** The kernel that runs the op of this name. */
function register(kernelName: string, names: readonly string[], outputs: number): void {
  tf.registerKernel({
    kernelName,
    backendName: "tensorflow",
    kernelFunc({ inputs, backend }) {
      const native = backend as unknown as NativeBackend;
      const ids = native.getInputTensorIds(names.map((name) => (inputs as tf.NamedTensorInfoMap)[name]!));
      const results = native.binding.executeOp(kernelName, [], ids, outputs);
      const tensors = results.map((output) => native.createOutputTensor(output));
      return outputs === 1 ? tensors[0]! : tensors;
    },
  });
}
