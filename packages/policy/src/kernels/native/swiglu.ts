/** `swiglu` as one op beside TensorFlow. */
import type * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "../custom-gradient";
import { runOwnOp } from "./own-ops";

export function swigluInOneOp(packed: tf.Tensor2D): tf.Tensor2D {
  return withGradient<tf.Tensor2D>([packed], (save) => {
    save([packed]);
    return {
      value: runOwnOp("Swiglu", [packed], 1)[0] as tf.Tensor2D,
      gradient: (dy, saved) => runOwnOp("SwigluGradient", [dy, ...saved], 1),
    };
  });
}
