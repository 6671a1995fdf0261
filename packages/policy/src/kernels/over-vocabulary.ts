/** What `overVocabulary` is given to compute. */
import type * as tf from "@tensorflow/tfjs-core";

/** Rows that are computed together. */
export interface RowChunk {
  readonly start: number;
  readonly count: number;
}

/** What is computed from the logits of some rows. */
export interface OverVocabulary {
  /** Whether oneDNN computes the products (`ModelWeights.inOneOp`). */
  readonly oneDnn: boolean;
  /** Whether `value` leaves the logits as they are, so that up to 256 MiB of them may stay for the backward pass. */
  readonly sparesLogits: boolean;
  /** [m, V] → [m, C], and what of it the gradient needs. */
  value(logits: tf.Tensor2D, chunk: RowChunk): readonly [tf.Tensor2D, ...tf.Tensor2D[]];
  /** The gradient dz of the chunk's logits, [m, V], from dy [M, C]. Takes over and frees `logits`. */
  logitGradient(logits: tf.Tensor2D, chunk: RowChunk, dy: tf.Tensor2D, kept: readonly tf.Tensor2D[]): tf.Tensor2D;
}
