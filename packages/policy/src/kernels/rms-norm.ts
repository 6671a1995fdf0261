/**
 * RMSNorm (arXiv 1910.07467) as Qwen2 computes it: y = x · rsqrt(mean(x²) + ε) · w.
 * Backward, with r = rsqrt(..), n = x r and d = dy · w: dx = r (d - n mean(d n)), dw = Σ dy n.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "./custom-gradient";
import { rmsNormInOneOp } from "./native/rms-norm";
import { heap } from "./wasm/heap";
import { rmsNormOnHeap } from "./wasm/rms-norm";

/**
 * @param x [N, D]
 * @param weight [D]
 * @param inOneOp by an op of ours beside TensorFlow (`ModelWeights.inOneOp`)
 * @returns [N, D]
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number, inOneOp = false): tf.Tensor2D {
  if (heap()) return rmsNormOnHeap(x, weight, epsilon);
  if (inOneOp) return rmsNormInOneOp(x, weight, epsilon);
  const trainable = isTrainable(weight);
  return withGradient<tf.Tensor2D>(trainable ? [x, weight] : [x], (save) => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon));
    const normal = tf.mul(x, scale);
    save([normal, scale]);
    return {
      value: tf.mul(normal, weight),
      gradient: (dy, saved) => {
        const [normal, scale] = saved as [tf.Tensor2D, tf.Tensor2D];
        const d = tf.mul(dy, weight);
        const dx = tf.mul(scale, tf.sub(d, tf.mul(normal, tf.mean(tf.mul(d, normal), 1, true))));
        return trainable ? [dx, tf.sum(tf.mul(dy, normal), 0)] : [dx];
      },
    };
  });
}
