/**
 * Products with the output head. A head in bfloat16 is widened to float32 some rows at a time: of a vocabulary of
 * 151,936 tokens and 2,048 hidden numbers all of it would be 1.2 GB.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Bfloat16Matrix, type Matrix } from "./bfloat16-matrix";
import { oneDnnProduct } from "./native/own-ops";

/** Numbers of the head that are float32 at a time: 64 MiB. */
const WIDENED_ELEMENTS = 1 << 24;

export interface HeadProducts {
  /** z = h Wᵀ, [m, D] → [m, V]. */
  logits(hidden: tf.Tensor2D, head: Matrix): tf.Tensor2D;
  /** dh = dz W, [m, V] → [m, D]. */
  back(dz: tf.Tensor2D, head: Matrix): tf.Tensor2D;
  /** dW = dzᵀ h, [V, D]. */
  weightGradient(dz: tf.Tensor2D, hidden: tf.Tensor2D): tf.Tensor2D;
}

/** @param oneDnn whether oneDNN multiplies (`ModelWeights.inOneOp`) */
export function headProducts(oneDnn: boolean): HeadProducts {
  const multiply = oneDnn ? oneDnnProduct : tf.matMul<tf.Tensor2D>;
  return {
    logits(hidden, head) {
      if (!(head instanceof Bfloat16Matrix)) return multiply(hidden, head, false, true);
      const parts = blocksOf(head).map(([start, count]) =>
        tf.tidy(() => multiply(hidden, head.slice(start, count), false, true)),
      );
      return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 1);
    },
    back(dz, head) {
      if (!(head instanceof Bfloat16Matrix)) return multiply(dz, head, false, false);
      const parts = blocksOf(head).map(([start, count]) =>
        tf.tidy(() => multiply(tf.slice2d(dz, [0, start], [-1, count]), head.slice(start, count), false, false)),
      );
      return tf.addN(parts);
    },
    weightGradient: (dz, hidden) => multiply(dz, hidden, true, false),
  };
}

/** Start and number of rows of equal blocks, each widened to `WIDENED_ELEMENTS` at most. */
function blocksOf({ shape: [rows, columns] }: Bfloat16Matrix): (readonly [number, number])[] {
  const blocks = Math.ceil((rows * columns) / WIDENED_ELEMENTS);
  const most = Math.ceil(rows / blocks);
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => [i * most, Math.min(most, rows - i * most)]);
}
