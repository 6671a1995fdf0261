/** `rmsNorm` as one op beside TensorFlow. */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "../custom-gradient";
import { runOwnOp } from "./own-ops";

export function rmsNormInOneOp(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const trainable = isTrainable(weight);
  return withGradient<tf.Tensor2D>(trainable ? [x, weight] : [x], (save) => {
    const [value, inverse] = runOwnOp("RmsNorm", [x, weight, tf.scalar(epsilon)], 2);
    save([x, weight, inverse!]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, saved) => runOwnOp("RmsNormGradient", [dy, ...saved], 2).slice(0, trainable ? 2 : 1),
    };
  });
}
