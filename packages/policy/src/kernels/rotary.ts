/**
 * Rotary position embedding (RoFormer, arXiv 2104.09864), rotate-half form: with a head's two halves (a, b) and angles
 * θ, (a, b) → (a cos θ - b sin θ, b cos θ + a sin θ). A rotation's gradient is the rotation by -θ.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "./custom-gradient";

/** Cosine and sine of each token's angles, [N, headDim / 2] each; owned by the caller that made them. */
export interface RotaryTable {
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

/**
 * @param x heads side by side, [N, heads · headDim]
 * @returns the same shape
 */
export function rotate(x: tf.Tensor2D, table: RotaryTable, headDim: number): tf.Tensor2D {
  return withGradient<tf.Tensor2D>([x], (save) => {
    save([table.cos, table.sin]);
    return {
      value: turn(x, table, headDim, 1),
      gradient: (dy, [cos, sin]) => [turn(dy, { cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D }, headDim, -1)],
    };
  });
}

function turn(x: tf.Tensor2D, table: RotaryTable, headDim: number, direction: 1 | -1): tf.Tensor2D {
  const [tokens, width] = x.shape;
  const half = headDim / 2;
  const cos = tf.reshape(table.cos, [tokens, 1, half]);
  const sin = tf.mul(tf.reshape(table.sin, [tokens, 1, half]), direction);
  const [a, b] = tf.split(tf.reshape(x, [tokens, width / headDim, headDim]), 2, 2) as [tf.Tensor, tf.Tensor];
  return tf.reshape(tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], 2), [
    tokens,
    width,
  ]);
}
