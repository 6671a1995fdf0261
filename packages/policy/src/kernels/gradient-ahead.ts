/**
 * A function of each row's logits with a head that is not trained, whose gradient is known before the loss is: of the first
 * column of [M, C], d value / d hidden is a vector for each row, which the forward pass computes while the logits are there.
 * Kept is [M, D] instead of logits, [M, V], for the same two products. (Chunks of Liger's fused cross-entropy, arXiv
 * 2410.10989, have the loss at hand; here it may be any, as the vectors are only scaled by its derivatives.)
 *
 * Gradients of the second column, entropies, are seldom wanted: where they are, the logits are computed once more.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Matrix } from "./bfloat16-matrix";
import { withGradient } from "./custom-gradient";
import { headProducts } from "./head-products";
import type { OverVocabulary, RowChunk } from "./over-vocabulary";
import { chunkStates, stackRows } from "./row-chunks";

/**
 * @param hidden [M, D]
 * @param head [V, D], a constant, which outlives the backward pass
 * @returns [M, C]
 */
export function gradientAhead(
  hidden: tf.Tensor2D,
  head: Matrix,
  chunks: readonly RowChunk[],
  { oneDnn, value, logitGradient }: OverVocabulary,
): tf.Tensor2D {
  const products = headProducts(oneDnn);
  // Without a tape nobody asks for gradients.
  const recorded = tf.engine().state.gradientDepth > 0;
  return withGradient<tf.Tensor2D>([hidden], (save) => {
    const parts = chunks.map((chunk) =>
      tf.tidy(() => {
        const logits = products.logits(chunkStates(hidden, chunk), head);
        const [found, ...kept] = value(logits, chunk);
        if (!recorded) return { found, kept: [] };
        const dz = logitGradient(logits, chunk, firstColumn(hidden.shape[0], found.shape[1]), kept);
        return { found, kept, slope: products.back(dz, head) };
      }),
    );
    const columns = parts[0]!.found.shape[1];
    const again = columns === 1 ? [] : [hidden, ...parts.flatMap(({ kept }) => kept)];
    if (recorded) save([stackRows(parts.map(({ slope }) => slope!)), ...again]);
    return {
      value: stackRows(parts.map(({ found }) => found)),
      gradient: (dy, [slopes, states, ...kept]) => {
        const first = tf.mul(tf.slice2d(dy, [0, 0], [-1, 1]), slopes as tf.Tensor2D) as tf.Tensor2D;
        const others = columns === 1 ? undefined : withoutFirstColumn(dy);
        if (!others) return [first];
        const each = kept.length / chunks.length;
        const more = chunks.map((chunk, i) =>
          tf.tidy(() => {
            const own = kept.slice(i * each, (i + 1) * each) as tf.Tensor2D[];
            const logits = products.logits(chunkStates(states as tf.Tensor2D, chunk), head);
            return products.back(logitGradient(logits, chunk, others, own), head);
          }),
        );
        return [tf.add(first, stackRows(more))];
      },
    };
  });
}

/** [rows, columns] of ones in the first column and zeros besides. */
function firstColumn(rows: number, columns: number): tf.Tensor2D {
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => (i % columns === 0 ? 1 : 0)),
    [rows, columns],
  );
}

/** dy with zeros in its first column; undefined where nothing else is left. */
function withoutFirstColumn(dy: tf.Tensor2D): tf.Tensor2D | undefined {
  const values = dy.dataSync().map((value, i) => (i % dy.shape[1] === 0 ? 0 : value));
  return values.some((value) => value !== 0) ? tf.tensor2d(values, dy.shape) : undefined;
}
