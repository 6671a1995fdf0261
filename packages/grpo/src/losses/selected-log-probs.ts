/**
 * log p of chosen tokens, and the entropy of each distribution, from logits: each one operation on the tape that keeps
 * the probabilities and nothing else.
 *
 *   z = logits / τ;   log p_y = z_y - logsumexp(z);   H = logsumexp(z) - Σ p z
 *   d log p_y / dz = onehot(y) - p;                   dH / dz = -p (log p + H)
 *
 * For a custom Policy. They bring their own derivatives, so they need no registered gradients of tfjs (which
 * `@tensorflow/tfjs-core` alone does not have). Same numbers as verl 0.9.1 (`logprobs_from_logits`,
 * `entropy_from_logits`).
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";

/**
 * @example selectedLogProbs(logits, Int32Array.of(3, 1)) // [2]
 * @param logits [N, V]
 * @param ids the chosen token of each row, N of them
 * @param temperature divides the logits. Default 1
 * @returns log p of each row's token, [N]
 * @throws RangeError when an id is outside the vocabulary or the counts differ
 */
export function selectedLogProbs(logits: Tensor2D, ids: Int32Array, temperature = 1): Tensor1D {
  const [count, vocabulary] = logits.shape;
  if (ids.length !== count)
    throw new RangeError(`ids must have one entry per row of logits (${count}), found ${ids.length}`);
  const outside = ids.findIndex((id) => id < 0 || id >= vocabulary);
  if (outside >= 0)
    throw new RangeError(`ids[${outside}] must lie below the vocabulary size ${vocabulary}, found ${ids[outside]}`);
  // tfjs-backend-wasm 4.22 writes integer bits when oneHot is asked for float32, so the cast is a step of its own.
  const choice = () => tf.cast(tf.oneHot(tf.tensor1d(ids, "int32"), vocabulary), "float32") as Tensor2D;
  return rowOperation(logits, temperature, (softmax) => ({
    value: tf.sub(tf.sum(tf.mul(choice(), softmax.shifted), 1), tf.reshape(softmax.logTotal, [count])),
    save: [],
    byLogits: (dy, probabilities) => tf.mul(dy, tf.sub(choice(), probabilities)),
  }));
}

/**
 * @param logits [N, V]; -inf (or anything far below the others) is a token that cannot occur
 * @param temperature divides the logits. Default 1
 * @returns entropy of each row's distribution in nats, [N]
 */
export function tokenEntropies(logits: Tensor2D, temperature = 1): Tensor1D {
  const [count] = logits.shape;
  return rowOperation(logits, temperature, ({ shifted, logTotal, probabilities }) => {
    // A token without probability would give 0 · -inf; it is left out of the sum.
    const weighted = tf.where(tf.equal(probabilities, 0), tf.zerosLike(probabilities), tf.mul(probabilities, shifted));
    const entropy = tf.sub(logTotal, tf.sum(weighted, 1, true)); // [N, 1]
    return {
      value: tf.reshape(entropy, [count]),
      save: [entropy],
      byLogits: (dy, p, [h]) => tf.mul(dy, tf.neg(tf.mul(p, tf.add(tf.log(tf.maximum(p, SMALLEST)), h!)))),
    };
  });
}

const SMALLEST = 1e-37;

interface Softmax {
  /** z - max z, [N, V] */
  readonly shifted: Tensor2D;
  /** log Σ exp(shifted), [N, 1] */
  readonly logTotal: Tensor2D;
  readonly probabilities: Tensor2D;
}

interface RowResult {
  readonly value: Tensor;
  readonly save: Tensor[];
  /** [N, 1], [N, V] → [N, V]: the derivative by z. */
  readonly byLogits: (dy: Tensor, probabilities: Tensor, saved: Tensor[]) => Tensor;
}

function rowOperation(logits: Tensor2D, temperature: number, compute: (softmax: Softmax) => RowResult): Tensor1D {
  const operation = tf.customGrad((...args: (Tensor | tf.GradSaveFunc)[]) => {
    const input = args[0] as Tensor2D;
    const save = args[1] as tf.GradSaveFunc;
    const scaled = temperature === 1 ? input : tf.div<Tensor2D>(input, temperature);
    const shifted = tf.sub<Tensor2D>(scaled, tf.max(scaled, 1, true));
    const exponentials = tf.exp(shifted);
    const total = tf.sum<Tensor2D>(exponentials, 1, true);
    const probabilities = tf.div<Tensor2D>(exponentials, total);
    const result = compute({ shifted, logTotal: tf.log(total), probabilities });
    save([probabilities, ...result.save]);
    return {
      value: result.value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const byScaled = result.byLogits(tf.reshape(dy, [-1, 1]), saved[0]!, saved.slice(1));
        return temperature === 1 ? byScaled : tf.div(byScaled, temperature);
      },
    };
  });
  return operation(logits) as Tensor1D;
}
