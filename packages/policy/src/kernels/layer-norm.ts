/**
 * LayerNorm (arXiv 1607.06450): y = (x - μ) · rsqrt(σ² + ε) · w + b, with the row's mean μ and variance σ².
 * Backward, with r = rsqrt(..), n = (x - μ) r and d = dy · w: dx = r (d - mean(d) - n mean(d n)), dw = Σ dy n, db = Σ
 * dy.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "./custom-gradient";
import { heap } from "./wasm/heap";
import { layerNormOnHeap } from "./wasm/layer-norm";

/**
 * @param x [N, D]
 * @param weight [D]
 * @param bias [D]
 * @returns [N, D]
 */
export function layerNorm(x: tf.Tensor2D, weight: tf.Tensor1D, bias: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  if (heap()) return layerNormOnHeap(x, weight, bias, epsilon);
  const trained = [weight, bias].map(isTrainable);
  const inputs = [x, ...[weight, bias].filter((_, i) => trained[i])];
  return withGradient<tf.Tensor2D>(inputs, (save) => {
    const centered = tf.sub(x, tf.mean(x, 1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon));
    const normal = tf.mul(centered, scale);
    save([normal, scale]);
    return {
      value: tf.add(tf.mul(normal, weight), bias),
      gradient: (dy, saved) => {
        const [normal, scale] = saved as [tf.Tensor2D, tf.Tensor2D];
        const d = tf.mul(dy, weight);
        const along = tf.mul(normal, tf.mean(tf.mul(d, normal), 1, true));
        const dx = tf.mul(scale, tf.sub(tf.sub(d, tf.mean(d, 1, true)), along));
        return [dx, ...(trained[0] ? [tf.sum(tf.mul(dy, normal), 0)] : []), ...(trained[1] ? [tf.sum(dy, 0)] : [])];
      },
    };
  });
}
