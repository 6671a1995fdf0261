/**
 * SwiGLU (arXiv 2002.05202): y = silu(g) · u, silu(g) = g σ(g), on the packed output of the gate and up projections.
 * Backward: dg = dy u σ (1 + g (1 - σ)), du = dy g σ.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "./custom-gradient";
import { swigluInOneOp } from "./native/swiglu";
import { heap } from "./wasm/heap";
import { swigluOnHeap } from "./wasm/activations";

/**
 * @param packed gate and up side by side, [N, 2F]
 * @param inOneOp by an op of ours beside TensorFlow (`ModelWeights.inOneOp`)
 * @returns [N, F]
 */
export function swiglu(packed: tf.Tensor2D, inOneOp = false): tf.Tensor2D {
  if (heap()) return swigluOnHeap(packed);
  if (inOneOp) return swigluInOneOp(packed);
  return withGradient<tf.Tensor2D>([packed], (save) => {
    const [gate, up] = tf.split(packed, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const sigma = tf.sigmoid(gate);
    save([gate, up]);
    return {
      value: tf.mul(tf.mul(gate, sigma), up),
      gradient: (dy, saved) => {
        const [gate, up] = saved as [tf.Tensor2D, tf.Tensor2D];
        const sigma = tf.sigmoid(gate);
        const dySigma = tf.mul(dy, sigma);
        const dGate: tf.Tensor2D = tf.mul(tf.mul(dySigma, up), tf.add(tf.mul(gate, tf.sub(1, sigma)), 1));
        return [tf.concat2d([dGate, tf.mul(dySigma, gate) as tf.Tensor2D], 1)];
      },
    };
  });
}
