/**
 * y[i] = x[index[i]], and 0 where index[i] is -1. Backward adds up: dx[r] = Σ dy[i] over index[i] = r.
 *
 * This one operation embeds tokens, puts visual features into their places, picks the positions that predict and
 * spreads results over [B, T]. tf.gather's own gradient is UnsortedSegmentSum, which wasm lacks.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Bfloat16Matrix, type Matrix } from "./bfloat16-matrix";
import { withGradient } from "./custom-gradient";
import { heap } from "./wasm/heap";
import { gatherRowsOnHeap } from "./wasm/gather-rows";

/**
 * @param x [M, D]
 * @param index rows of x, or -1 for a row of zeros, [K]
 * @returns [K, D]
 */
export function gatherRows(x: Matrix, index: Int32Array): tf.Tensor2D {
  if (heap()) return gatherRowsOnHeap(x, index);
  if (x instanceof Bfloat16Matrix) return withoutGaps(index, (rows) => x.rows(rows));
  const rows = x.shape[0];
  // Sequences of one length lie in order already: nothing is moved, and nothing has to be added up on the way back.
  if (index.length === rows && index.every((row, i) => row === i)) return tf.reshape(x, [rows, x.shape[1]]);
  return withGradient<tf.Tensor2D>([x], () => ({
    value: withoutGaps(index, (rows) => tf.gather(x, tf.tensor1d(rows, "int32"))),
    gradient: (dy) => [scatterAddRows(dy, index, rows)],
  }));
}

/** Picks rows, where those of -1 are zeros. @param pick given rows of the matrix only */
function withoutGaps(index: Int32Array, pick: (rows: Int32Array) => tf.Tensor2D): tf.Tensor2D {
  if (!index.includes(-1)) return pick(index);
  return tf.tidy(() =>
    tf.mul(
      pick(index.map((row) => Math.max(0, row))),
      tf.tensor2d(
        Float32Array.from(index, (row) => (row < 0 ? 0 : 1)),
        [index.length, 1],
      ),
    ),
  );
}

/** dx[r] = Σ dy[i] over index[i] = r, [K, D] → [rows, D]; rows that nothing points to are 0. */
function scatterAddRows(dy: tf.Tensor2D, index: Int32Array, rows: number): tf.Tensor2D {
  const segments = tf.tensor1d(
    index.map((row) => (row < 0 ? rows : row)),
    "int32",
  );
  if (tf.getKernel("UnsortedSegmentSum", tf.getBackend())) {
    // Tokens have no gaps: an embedding's gradient, as large as the embedding, is not copied.
    if (!index.includes(-1)) return tf.unsortedSegmentSum(dy, segments, rows) as tf.Tensor2D;
    return tf.slice2d(tf.unsortedSegmentSum(dy, segments, rows + 1) as tf.Tensor2D, [0, 0], [rows, dy.shape[1]]);
  }
  // In blocks of rows, so that the one-hot matrix stays small: [K, block]ᵀ [K, D].
  const block = Math.max(1, Math.min(rows, Math.floor((1 << 22) / Math.max(1, index.length))));
  const parts: tf.Tensor2D[] = [];
  for (let start = 0; start < rows; start += block) {
    const count = Math.min(block, rows - start);
    const hot = tf.cast(
      tf.equal(tf.expandDims(tf.range(start, start + count, 1, "int32"), 1), tf.expandDims(segments, 0)),
      "float32",
    ) as tf.Tensor2D;
    parts.push(tf.matMul(hot, dy));
  }
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0);
}
