/** Rows of a matrix some at a time. */
import * as tf from "@tensorflow/tfjs-core";
import type { RowChunk } from "./over-vocabulary";

/** The hidden states of a chunk. */
export function chunkStates(hidden: tf.Tensor2D, { start, count }: RowChunk): tf.Tensor2D {
  return tf.slice2d(hidden, [start, 0], [count, -1]);
}

/** Chunks below each other. */
export function stackRows(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0);
}
