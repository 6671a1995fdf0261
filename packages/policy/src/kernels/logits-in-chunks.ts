/**
 * Distributions over the vocabulary from hidden states, some rows at a time: [M, V] is never held, and a backward pass
 * computes each chunk's logits again.
 */
import * as tf from "@tensorflow/tfjs-core";
import { asFloat32, Bfloat16Matrix, freeCopy, type Matrix } from "./bfloat16-matrix";
import { withGradient } from "./custom-gradient";

/** Logits of one chunk. */
const CHUNK_ELEMENTS = 1 << 24;

/** Rows that are computed together. */
export interface RowChunk {
  readonly start: number;
  readonly count: number;
}

export function rowChunks(rows: number, vocabulary: number): RowChunk[] {
  const most = Math.max(1, Math.floor(CHUNK_ELEMENTS / vocabulary));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => ({
    start: i * most,
    count: Math.min(most, rows - i * most),
  }));
}

/** The hidden states of a chunk. */
export function chunkStates(hidden: tf.Tensor2D, { start, count }: RowChunk): tf.Tensor2D {
  return tf.slice2d(hidden, [start, 0], [count, -1]);
}

/** log softmax of the logits over the temperature, [m, D] and [V, D] → [m, V]. */
export function logDistribution(states: tf.Tensor2D, head: tf.Tensor2D, temperature: number): tf.Tensor2D {
  return tf.tidy((): tf.Tensor2D => {
    const logits = tf.matMul(states, head, false, true);
    if (temperature === 1) return tf.logSoftmax(logits) as tf.Tensor2D;
    const scaled = passing([logits], () => tf.div(logits, temperature));
    return tf.logSoftmax(scaled) as tf.Tensor2D;
  });
}

/** A result, after which its inputs are freed: each matrix of a chunk is 64 MiB, and a tidy frees none before its end. */
export function passing<T extends tf.Tensor>(inputs: readonly tf.Tensor[], result: () => T): T {
  const value = tf.tidy(result);
  tf.dispose([...inputs]);
  return value;
}

/** Chunks below each other. */
function stackRows(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0);
}

/** What is computed from the distributions of some rows. */
export interface OverVocabulary {
  /** [m, V] → [m, C]. */
  value(logP: tf.Tensor2D, chunk: RowChunk): tf.Tensor2D;
  /**
   * The gradient dz of the chunk's logits over the temperature, [m, V], from dy [M, C]. Takes over and frees `logP`.
   */
  logitGradient(logP: tf.Tensor2D, chunk: RowChunk, dy: tf.Tensor2D): tf.Tensor2D;
}

/**
 * A function of each row's distribution, differentiable in the hidden states and, where it is trained, in the head:
 * dh = dz W / τ and dW = dzᵀ h / τ.
 *
 * @param hidden [M, D]
 * @param head [V, D]
 * @returns [M, C]
 */
export function overVocabulary(
  hidden: tf.Tensor2D,
  head: Matrix,
  temperature: number,
  { value, logitGradient }: OverVocabulary,
): tf.Tensor2D {
  const trainable = head instanceof tf.Variable;
  const chunks = rowChunks(hidden.shape[0], head.shape[0]);
  return withGradient<tf.Tensor2D>(trainable ? [hidden, head] : [hidden], (save) => {
    const weight = asFloat32(head);
    const found = stackRows(
      chunks.map((chunk) =>
        tf.tidy(() => value(logDistribution(chunkStates(hidden, chunk), weight, temperature), chunk)),
      ),
    );
    freeCopy(head, weight);
    save(head instanceof Bfloat16Matrix ? [hidden] : [hidden, head]);
    return {
      value: found,
      gradient: (dy, saved) => {
        const [states, kept] = saved as [tf.Tensor2D, tf.Tensor2D?];
        const matrix = kept ?? asFloat32(head);
        const dHidden: tf.Tensor2D[] = [];
        let dHead: tf.Tensor2D | undefined;
        for (const chunk of chunks) {
          const [dh, dw] = tf.tidy(() => {
            const own = chunkStates(states, chunk);
            let dz = logitGradient(logDistribution(own, matrix, temperature), chunk, dy);
            if (temperature !== 1) {
              const one = dz;
              dz = passing([one], () => tf.div(one, temperature));
            }
            return [tf.matMul(dz, matrix), ...(trainable ? [tf.matMul(dz, own, true, false)] : [])] as tf.Tensor2D[];
          }) as [tf.Tensor2D, tf.Tensor2D?];
          dHidden.push(dh);
          if (dw) {
            const sum: tf.Tensor2D = dHead ? tf.add(dHead, dw) : dw;
            if (dHead) tf.dispose([dHead, dw]);
            dHead = sum;
          }
        }
        return [stackRows(dHidden), ...(dHead ? [dHead] : [])];
      },
    };
  });
}
