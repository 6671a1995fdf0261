/** A kernel "VTriuneAdamW" of TensorFlow.js for the native backend, which @v-triune/grpo's AdamW takes where it is registered. */
import * as tf from "@tensorflow/tfjs-core";

interface NativeBackend {
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(output: object): tf.TensorInfo;
  readonly binding: {
    executeOp(name: string, attributes: readonly object[], inputs: readonly number[], outputs: number): object[];
  };
}

/**
 * Inputs p, g, m, v of one shape and `constants` (AdamWConstants of native/training/tasks.h); the new p, m and v, flat.
 */
export function registerAdamW(): void {
  tf.registerKernel({
    kernelName: "VTriuneAdamW",
    backendName: "tensorflow",
    kernelFunc({ inputs, backend }) {
      const native = backend as unknown as NativeBackend;
      const { p, g, m, v, constants } = inputs as tf.NamedTensorInfoMap;
      const ids = native.getInputTensorIds([p!, g!, m!, v!, constants!]);
      return native.binding.executeOp("VTriuneAdamW", [], ids, 3).map((output) => native.createOutputTensor(output));
    },
  });
}
