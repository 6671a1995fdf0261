/**
 * Distributions over the vocabulary from hidden states, some rows at a time: [M, V] is never held, and a backward pass
 * computes each chunk's logits again.
 */
import * as tf from "@tensorflow/tfjs-core";

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
export function stackRows(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0);
}

/**
 * Gradients of the hidden states and, where it is trained, of the head from those of the logits: dh = dz W / τ and
 * dW = dzᵀ h / τ, chunk by chunk.
 *
 * @param logitGradient dz of a chunk, before the temperature, [m, V]
 */
export function headGradients(
  chunks: readonly RowChunk[],
  hidden: tf.Tensor2D,
  weight: tf.Tensor2D,
  { temperature, trainable }: { readonly temperature: number; readonly trainable: boolean },
  logitGradient: (chunk: RowChunk, states: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor[] {
  const dHidden: tf.Tensor2D[] = [];
  let dHead: tf.Tensor2D | undefined;
  for (const chunk of chunks) {
    const [dh, dw] = tf.tidy(() => {
      const states = chunkStates(hidden, chunk);
      let dz = logitGradient(chunk, states);
      if (temperature !== 1) {
        const one = dz;
        dz = passing([one], () => tf.div(one, temperature));
      }
      return [tf.matMul(dz, weight), ...(trainable ? [tf.matMul(dz, states, true, false)] : [])] as tf.Tensor2D[];
    }) as [tf.Tensor2D, tf.Tensor2D?];
    dHidden.push(dh);
    if (dw) {
      const sum: tf.Tensor2D = dHead ? tf.add(dHead, dw) : dw;
      if (dHead) tf.dispose([dHead, dw]);
      dHead = sum;
    }
  }
  return [stackRows(dHidden), ...(dHead ? [dHead] : [])];
}
