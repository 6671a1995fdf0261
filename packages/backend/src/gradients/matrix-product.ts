/**
 * The gradient of matMul, batches and broadcasting included.
 *
 *     C = A B      dA = dC Bᵀ, dB = Aᵀ dC      (the transposes of A and B accounted for)
 *
 * Against tfjs-core 4.22: a batch dimension that was broadcast ([6, 7, 5] × [5, 4]) is summed, where tfjs-core returns
 * a gradient of the wrong shape; and on the wasm backend, whose matMul is some 15 times slower with transposeA or
 * transposeB, an operand is transposed first.
 */
import * as tf from "@tensorflow/tfjs-core";
import { sumToShape } from "./sum-to-shape";

/** The entry for tfjs's BatchMatMul, the kernel behind `tf.matMul` and `tf.dot`. */
export const MATRIX_PRODUCT_GRADIENT: tf.GradConfig = {
  kernelName: "BatchMatMul",
  inputsToSave: ["a", "b"],
  gradFunc: (dy, saved, attributes) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const { transposeA, transposeB } = attributes as unknown as { transposeA: boolean; transposeB: boolean };
    const dC = dy as tf.Tensor;
    return {
      a: () => sumToShape(transposeA ? product(b, dC, transposeB, true) : product(dC, b, false, !transposeB), a.shape),
      b: () => sumToShape(transposeB ? product(dC, a, true, transposeA) : product(a, dC, !transposeA, false), b.shape),
    };
  },
};

function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  if (tf.getBackend() !== "wasm") return tf.matMul(a, b, transposeA, transposeB);
  return tf.matMul(transposeA ? transposeLast(a) : a, transposeB ? transposeLast(b) : b);
}

function transposeLast(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}
