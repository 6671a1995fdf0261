/**
 * GELU in its exact form (arXiv 1606.08415): y = x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2, as the patch merger uses it.
 * Backward: dx = dy (Φ(x) + x φ(x)), φ the normal density.
 *
 * tf.erf is Abramowitz and Stegun 7.1.26 on most backends, good to 1.5e-7 absolute, which is enough for float32.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "./custom-gradient";
import { heap } from "./wasm/heap";
import { geluOnHeap } from "./wasm/activations";

/** @param x [N, D] */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  if (heap()) return geluOnHeap(x);
  return withGradient<tf.Tensor2D>([x], (save) => {
    const phi = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
    save([x, phi]);
    return {
      value: tf.mul(x, phi),
      gradient: (dy, saved) => {
        const [x, phi] = saved as [tf.Tensor2D, tf.Tensor2D];
        const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return [tf.mul(dy, tf.add(phi, tf.mul(x, density)))];
      },
    };
  });
}
