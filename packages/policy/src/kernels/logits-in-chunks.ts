/**
 * Distributions over the vocabulary from hidden states, some rows at a time: [M, V] is never held, and a backward pass
 * computes each chunk's logits again.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Bfloat16Matrix, type Matrix } from "./bfloat16-matrix";
import { withGradient } from "./custom-gradient";
import { headProducts } from "./head-products";
import { chunkStates, stackRows } from "./row-chunks";
import { gradientAhead } from "./gradient-ahead";
import type { OverVocabulary, RowChunk } from "./over-vocabulary";

/** Logits of one chunk. */
const CHUNK_ELEMENTS = 1 << 24;
/** Logits that may stay for the backward pass. */
const KEPT_ELEMENTS = 1 << 26;

export function rowChunks(rows: number, vocabulary: number): RowChunk[] {
  const chunks = Math.ceil(rows / Math.max(1, Math.floor(CHUNK_ELEMENTS / vocabulary)));
  const most = Math.ceil(rows / chunks);
  return Array.from({ length: chunks }, (_, i) => ({ start: i * most, count: Math.min(most, rows - i * most) }));
}

/** log softmax of the logits over the temperature, [m, V] → [m, V]. Takes over and frees `logits`. */
export function logDistribution(logits: tf.Tensor2D, temperature: number): tf.Tensor2D {
  const scaled = temperature === 1 ? logits : passing([logits], (): tf.Tensor2D => tf.div(logits, temperature));
  return passing([scaled], () => tf.logSoftmax(scaled) as tf.Tensor2D);
}

/** A result, after which its inputs are freed: each matrix of a chunk is 64 MiB, and a tidy frees none before its end. */
export function passing<T extends tf.Tensor>(inputs: readonly tf.Tensor[], result: () => T): T {
  const value = tf.tidy(result);
  tf.dispose([...inputs]);
  return value;
}

/**
 * A function of each row's logits z = h Wᵀ, differentiable in the hidden states and, where it is trained, in the head:
 * dh = dz W and dW = dzᵀ h.
 *
 * @param hidden [M, D]
 * @param head [V, D]
 * @returns [M, C]
 */
export function overVocabulary(hidden: tf.Tensor2D, head: Matrix, task: OverVocabulary): tf.Tensor2D {
  const { oneDnn, sparesLogits, value, logitGradient } = task;
  const trainable = head instanceof tf.Variable;
  const products = headProducts(oneDnn);
  const chunks = rowChunks(hidden.shape[0], head.shape[0]);
  if (sparesLogits && !trainable) return gradientAhead(hidden, head, chunks, task);
  const keepsLogits = sparesLogits && hidden.shape[0] * head.shape[0] <= KEPT_ELEMENTS;
  return withGradient<tf.Tensor2D>(trainable ? [hidden, head] : [hidden], (save) => {
    const parts = chunks.map((chunk) =>
      tf.tidy(() => {
        const logits = products.logits(chunkStates(hidden, chunk), head);
        return [...value(logits, chunk), ...(keepsLogits ? [logits] : [])];
      }),
    );
    const keptPerChunk = parts[0]!.length - 1;
    save([hidden, ...(head instanceof Bfloat16Matrix ? [] : [head]), ...parts.flatMap(([, ...kept]) => kept)]);
    return {
      value: stackRows(parts.map(([found]) => found!)),
      gradient: (dy, saved) => {
        const [states, ...others] = saved as [tf.Tensor2D, ...tf.Tensor2D[]];
        const matrix = head instanceof Bfloat16Matrix ? head : others.shift()!;
        const dHidden: tf.Tensor2D[] = [];
        let dHead: tf.Tensor2D | undefined;
        for (const chunk of chunks) {
          const [dh, dw] = tf.tidy(() => {
            const own = chunkStates(states, chunk);
            const kept = others.splice(0, keptPerChunk);
            const dz = logitGradient(keepsLogits ? kept.pop()! : products.logits(own, matrix), chunk, dy, kept);
            return [products.back(dz, matrix), ...(trainable ? [products.weightGradient(dz, own)] : [])];
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
