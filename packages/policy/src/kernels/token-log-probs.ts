/**
 * Log-probabilities of given tokens, and the entropy of the distributions they come from, straight from hidden states:
 * z = h Wᵀ / τ, L = logsumexp z, log p = z[target] - L, H = L - Σ p z, all in nats.
 * Backward: dz = g (1[target] - p) - e p (log p + H), with g and e the gradients of log p and H; then dh = dz W / τ and
 * dW = dzᵀ h / τ.
 *
 * [M, V] is never held: rows go through in chunks, and the backward pass computes each chunk's logits again.
 */
import * as tf from "@tensorflow/tfjs-core";
import { asFloat32, Bfloat16Matrix, freeCopy, type Matrix } from "./bfloat16-matrix";
import { withGradient } from "./custom-gradient";
import type { TokenLogProbsOptions } from "./token-log-probs-options";
import { heap } from "./wasm/heap";
import { tokenLogProbsOnHeap } from "./wasm/token-log-probs";

/** Logits of one chunk. */
const CHUNK_ELEMENTS = 1 << 24;

/**
 * @param hidden final hidden states of the positions that predict, [M, D]
 * @param head [V, D]
 * @param targets the tokens, [M]
 * @returns [M, 1], or [M, 2] with the entropy in the second column
 */
export function tokenLogProbs(
  hidden: tf.Tensor2D,
  head: Matrix,
  targets: Int32Array,
  options: TokenLogProbsOptions,
): tf.Tensor2D {
  if (heap()) return tokenLogProbsOnHeap(hidden, asFloat32(head), targets, options);
  const { temperature, entropy } = options;
  const rows = hidden.shape[0];
  const vocabulary = head.shape[0];
  const trainable = head instanceof tf.Variable;
  const chunk = Math.max(1, Math.floor(CHUNK_ELEMENTS / vocabulary));
  const chunks = Array.from(
    { length: Math.ceil(rows / chunk) },
    (_, i) => [i * chunk, Math.min(chunk, rows - i * chunk)] as const,
  );
  return withGradient<tf.Tensor2D>(trainable ? [hidden, head] : [hidden], (save) => {
    const weight = asFloat32(head);
    const value = stack(
      chunks.map(([start, count]) =>
        tf.tidy(() => {
          const { logP, hot } = distribution(
            hidden,
            weight,
            targets.subarray(start, start + count),
            start,
            temperature,
          );
          const chosen = tf.sum(tf.mul(logP, hot), 1, true) as tf.Tensor2D;
          return entropy ? tf.concat2d([chosen, entropyOf(logP)], 1) : chosen;
        }),
      ),
    );
    freeCopy(head, weight);
    save(head instanceof Bfloat16Matrix ? [hidden] : [hidden, head]);
    return {
      value,
      gradient: (dy, saved) => {
        const [hidden, kept] = saved as [tf.Tensor2D, tf.Tensor2D?];
        const weight = kept ?? asFloat32(head);
        const dHidden: tf.Tensor2D[] = [];
        let dHead: tf.Tensor2D | undefined;
        for (const [start, count] of chunks) {
          const [dh, dw] = tf.tidy(() => {
            const chunk = targets.subarray(start, start + count);
            const { logP, hot, states } = distribution(hidden, weight, chunk, start, temperature);
            const p: tf.Tensor2D = tf.exp(logP);
            const off = passing([hot], () => tf.sub(hot, p));
            let dz = passing([off], (): tf.Tensor2D => tf.mul(tf.slice2d(dy, [start, 0], [count, 1]), off));
            if (entropy) {
              const one = dz;
              dz = passing([one], () =>
                tf.sub(one, tf.mul(tf.slice2d(dy, [start, 1], [count, 1]), tf.mul(p, tf.add(logP, entropyOf(logP))))),
              );
            }
            tf.dispose([p, logP]);
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
        return [stack(dHidden), ...(dHead ? [dHead] : [])];
      },
    };
  });
}

/** @param targets those of the chunk, whose first row is `start` */
function distribution(hidden: tf.Tensor2D, head: tf.Tensor2D, targets: Int32Array, start: number, temperature: number) {
  const states = tf.slice2d(hidden, [start, 0], [targets.length, -1]);
  const logP = tf.tidy((): tf.Tensor2D => {
    const logits = tf.matMul(states, head, false, true);
    if (temperature === 1) return tf.logSoftmax(logits) as tf.Tensor2D;
    const scaled = passing([logits], () => tf.div(logits, temperature));
    return tf.logSoftmax(scaled) as tf.Tensor2D;
  });
  // Cast rather than asked for as float32: wasm's oneHot fills float tensors with the bits of integers.
  const hot = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), head.shape[0]), "float32") as tf.Tensor2D);
  return { logP, hot, states };
}

/** A result, after which its inputs are freed: each matrix of a chunk is 64 MiB, and a tidy frees none before its end. */
function passing<T extends tf.Tensor>(inputs: readonly tf.Tensor[], result: () => T): T {
  const value = tf.tidy(result);
  tf.dispose([...inputs]);
  return value;
}

/** -Σ p log p, [m, V] → [m, 1]. */
function entropyOf(logP: tf.Tensor2D): tf.Tensor2D {
  return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1, true)) as tf.Tensor2D;
}

function stack(parts: tf.Tensor2D[]): tf.Tensor2D {
  return parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0);
}
