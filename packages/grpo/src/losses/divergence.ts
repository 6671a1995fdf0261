/**
 * How far a policy's distribution p is from a teacher's q at one position, over K tokens and, with `tail`, all others as
 * one more token:
 *
 *     alpha 0: KL(q ‖ p)     alpha 1: KL(p ‖ q)
 *     between: (1 - alpha) KL(p ‖ m) + alpha KL(q ‖ m)    with m = (1 - alpha) p + alpha q; 0.5 is Jensen-Shannon
 *
 * Without `tail` both distributions are divided by what they give the K tokens.
 *
 * Source: TRL 1.16.0 (experimental/sdpo/loss_utils.py, `compute_topk_self_distillation_loss`), which self-distillation with
 * cropped pictures (Vision-OPD, arXiv 2605.18740) uses with K = 100, alpha 0.5 and a tail. No deviation.
 */

/** What is compared. */
export interface DivergenceConfig {
  /** From 0, the teacher's side, to 1, the policy's. */
  readonly alpha: number;
  /** Whether the other tokens count as one more. */
  readonly tail: boolean;
}

export interface Divergence {
  readonly value: number;
  /** d value / d log p of each of the K tokens. */
  readonly gradient: Float64Array;
}

/** Largest log of the K tokens' sum: what is left for the others is above 0. */
const MOST = -1e-7;

/**
 * @param policy log p of the K tokens; those of the whole vocabulary sum to 1
 * @param teacher log q of the same tokens
 */
export function divergence(
  policy: ArrayLike<number>,
  teacher: ArrayLike<number>,
  { alpha, tail }: DivergenceConfig,
): Divergence {
  const count = policy.length;
  const own = tail ? withTail(policy) : normalized(policy);
  const theirs = tail ? withTail(teacher) : normalized(teacher);
  let value = 0;
  /** d value / d log p of each token of `own`, as if they were free. */
  const slope = new Float64Array(own.logs.length);
  for (let i = 0; i < slope.length; i++) {
    const [logP, logQ] = [own.logs[i]!, theirs.logs[i]!];
    const [p, q] = [Math.exp(logP), Math.exp(logQ)];
    if (alpha === 0) {
      value += q * (logQ - logP);
      slope[i] = -q;
    } else if (alpha === 1) {
      value += p * (logP - logQ);
      slope[i] = p * (logP - logQ + 1);
    } else {
      const logM = logSum(logP + Math.log(1 - alpha), logQ + Math.log(alpha));
      value += (1 - alpha) * p * (logP - logM) + alpha * q * (logQ - logM);
      slope[i] = (1 - alpha) * p * (logP - logM);
    }
  }
  const gradient = slope.slice(0, count);
  if (tail) {
    // The tail's probability is 1 - Σ p: d log p_tail / d log p_i = -p_i / p_tail.
    const passed = own.bounded ? 0 : slope[count]! / Math.exp(own.logs[count]!);
    for (let i = 0; i < count; i++) gradient[i]! -= passed * Math.exp(policy[i]!);
  } else {
    const sum = slope.reduce((a, b) => a + b, 0);
    for (let i = 0; i < count; i++) gradient[i]! -= sum * Math.exp(own.logs[i]!);
  }
  return { value, gradient };
}

/** With the log of what is left as one more entry. `bounded`: the K tokens have all of the probability. */
function withTail(logs: ArrayLike<number>): { readonly logs: Float64Array; readonly bounded: boolean } {
  const all = new Float64Array(logs.length + 1);
  all.set(Array.from(logs));
  const sum = logTotal(logs);
  all[logs.length] = Math.log(-Math.expm1(Math.min(sum, MOST)));
  return { logs: all, bounded: sum > MOST };
}

function normalized(logs: ArrayLike<number>): { readonly logs: Float64Array; readonly bounded: boolean } {
  const sum = logTotal(logs);
  return { logs: Float64Array.from(logs, (log) => log - sum), bounded: false };
}

function logTotal(logs: ArrayLike<number>): number {
  let total = -Infinity;
  for (let i = 0; i < logs.length; i++) total = logSum(total, logs[i]!);
  return total;
}

function logSum(a: number, b: number): number {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log1p(Math.exp(Math.min(a, b) - most));
}
