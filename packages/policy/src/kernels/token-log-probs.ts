/**
 * Log-probabilities of given tokens, and the entropy of the distributions they come from, straight from hidden states:
 * z = h Wᵀ / τ, L = logsumexp z, log p = z[target] - L, H = L - Σ p z, all in nats.
 * Backward: dz = g (1[target] - p) - e p (log p + H), with g and e the gradients of log p and H; then dh = dz W / τ and
 * dW = dzᵀ h / τ.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Matrix } from "./bfloat16-matrix";
import { logDistribution, overVocabulary, passing } from "./logits-in-chunks";
import { tokenLogProbsInOneOp } from "./native/token-log-probs";
import type { RowChunk } from "./over-vocabulary";
import type { TokenLogProbsOptions } from "./token-log-probs-options";
import { heap } from "./wasm/heap";
import { tokenLogProbsOnHeap } from "./wasm/token-log-probs";

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
  if (heap()) return tokenLogProbsOnHeap(hidden, head, targets, options);
  const { temperature, entropy, inOneOp } = options;
  const vocabulary = head.shape[0];
  if (inOneOp) return overVocabulary(hidden, head, tokenLogProbsInOneOp(targets, vocabulary, options));
  return overVocabulary(hidden, head, {
    oneDnn: false,
    sparesLogits: false,
    value(logits, chunk) {
      const logP = logDistribution(logits, temperature);
      const hot = oneHot(targets, chunk, vocabulary);
      const chosen = tf.sum(tf.mul(logP, hot), 1, true) as tf.Tensor2D;
      return [entropy ? tf.concat2d([chosen, entropyOf(logP)], 1) : chosen];
    },
    logitGradient(logits, chunk, dy) {
      const { start, count } = chunk;
      const logP = logDistribution(logits, temperature);
      const hot = oneHot(targets, chunk, vocabulary);
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
      if (temperature === 1) return dz;
      const scaled = dz;
      return passing([scaled], () => tf.div(scaled, temperature));
    },
  });
}

function oneHot(targets: Int32Array, { start, count }: RowChunk, vocabulary: number): tf.Tensor2D {
  // Cast rather than asked for as float32: wasm's oneHot fills float tensors with the bits of integers.
  return tf.tidy(() => {
    const own = tf.tensor1d(targets.subarray(start, start + count), "int32");
    return tf.cast(tf.oneHot(own, vocabulary), "float32") as tf.Tensor2D;
  });
}

/** -Σ p log p, [m, V] → [m, 1]. */
function entropyOf(logP: tf.Tensor2D): tf.Tensor2D {
  return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1, true)) as tf.Tensor2D;
}
