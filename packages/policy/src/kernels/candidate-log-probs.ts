/**
 * Log-probabilities of K tokens at each position, and which K are the likeliest, straight from hidden states:
 * z = h Wᵀ / τ, log p_k = z[k] - logsumexp z. Backward: dz = Σ_k g_k (1[k] - p), with g_k the gradient of log p_k.
 *
 * A distillation compares distributions by them (`divergence` of @v-triune/grpo).
 */
import * as tf from "@tensorflow/tfjs-core";
import { asFloat32, freeCopy, type Matrix } from "./bfloat16-matrix";
import { logDistribution, overVocabulary, passing, rowChunks } from "./logits-in-chunks";
import type { RowChunk } from "./over-vocabulary";
import { chunkStates } from "./row-chunks";

/** K tokens of each position, flat [M · K], and their log-probabilities. */
export interface TopTokens {
  readonly ids: Int32Array;
  readonly logProbs: Float32Array;
}

/** Options of `candidateLogProbs`. */
export interface CandidateOptions {
  /** τ, divides the logits. */
  readonly temperature: number;
  /** Whether oneDNN computes the products (`ModelWeights.inOneOp`). Default false. */
  readonly oneDnn?: boolean;
}

/**
 * @param hidden final hidden states of the positions that predict, [M, D]
 * @param head [V, D]
 * @param ids the tokens, different ones at each position, flat [M · K]
 * @returns [M, K]
 * @throws RangeError for a token outside of the vocabulary
 */
export function candidateLogProbs(
  hidden: tf.Tensor2D,
  head: Matrix,
  ids: Int32Array,
  { temperature, oneDnn = false }: CandidateOptions,
): tf.Tensor2D {
  const [rows, vocabulary] = [hidden.shape[0], head.shape[0]];
  const count = ids.length / rows;
  const strange = ids.find((id) => id < 0 || id >= vocabulary);
  if (strange !== undefined) throw new RangeError(`candidateLogProbs: token ${strange} of ${vocabulary}`);
  return overVocabulary(hidden, head, {
    oneDnn,
    sparesLogits: false,
    value(logits, chunk) {
      const flat = tf.reshape(logDistribution(logits, temperature), [-1]);
      return [tf.reshape(tf.gather(flat, places(ids, chunk, count, vocabulary)), [-1, count])];
    },
    logitGradient(logits, chunk, dy) {
      const logP = logDistribution(logits, temperature);
      const p = passing([logP], (): tf.Tensor2D => tf.exp(logP));
      return passing([p], () => {
        const own = tf.slice2d(dy, [chunk.start, 0], [chunk.count, -1]);
        const spread = tf.scatterND(tf.expandDims(places(ids, chunk, count, vocabulary), 1), tf.reshape(own, [-1]), [
          chunk.count * vocabulary,
        ]);
        const dz: tf.Tensor2D = tf.sub(tf.reshape(spread, [chunk.count, vocabulary]), tf.mul(tf.sum(own, 1, true), p));
        return temperature === 1 ? dz : tf.div(dz, temperature);
      });
    },
  });
}

/**
 * The K likeliest tokens of each position, the likeliest first; without a gradient.
 *
 * @param hidden [M, D]
 * @param head [V, D]
 */
export function topTokens(hidden: tf.Tensor2D, head: Matrix, count: number, temperature: number): TopTokens {
  const [rows, vocabulary] = [hidden.shape[0], head.shape[0]];
  const ids = new Int32Array(rows * count);
  const logProbs = new Float32Array(rows * count);
  const weight = asFloat32(head);
  for (const chunk of rowChunks(rows, vocabulary)) {
    const { values, indices } = tf.tidy(() =>
      tf.topk(logDistribution(tf.matMul(chunkStates(hidden, chunk), weight, false, true), temperature), count),
    );
    ids.set(indices.dataSync() as Int32Array, chunk.start * count);
    logProbs.set(values.dataSync() as Float32Array, chunk.start * count);
    tf.dispose([values, indices]);
  }
  freeCopy(head, weight);
  return { ids, logProbs };
}

/** Where a chunk's tokens lie in its flat [m · V]. */
function places(ids: Int32Array, { start, count: rows }: RowChunk, count: number, vocabulary: number): tf.Tensor1D {
  const own = ids.subarray(start * count, (start + rows) * count);
  return tf.tensor1d(
    own.map((id, i) => Math.floor(i / count) * vocabulary + id),
    "int32",
  );
}
