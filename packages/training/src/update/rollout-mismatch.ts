/**
 * How far the probabilities of the engine that drew the rollouts are from the trainer's, under verl's names. With old
 * and rollout the log-probabilities of each token, d = old - rollout, means over tokens unless said otherwise:
 *
 *   kl            mean(-d)                      k3_kl       mean(exp(d) - d - 1)
 *   ppl           mean over answers of exp(-mean log-probability); ppl_ratio: of exp(mean(-d)) of each answer
 *   chi2_token    mean(exp(2d)) - 1             chi2_seq    mean over answers of exp(2 Σ d) - 1
 *   probs_diff    |exp(old) - exp(rollout)|
 *
 * Log ratios are bounded to ±20 where they are exponentiated. Numbers as verl 0.9.1 (`compute_offpolicy_metrics`,
 * `calculate_debug_metrics`).
 */
import type { UpdateStats } from "@v-triune/grpo";
import type { BatchLogProbs } from "./batch-log-probs";

const BOUND = 20;

/** One answer's log-probabilities, [T] each. */
export interface LogProbPair {
  /** By the trainer, before the update. */
  readonly old: ArrayLike<number>;
  /** By the engine. */
  readonly rollout: ArrayLike<number>;
}

/** @returns nothing for no tokens */
export function mismatchMetrics(answers: readonly LogProbPair[]): Record<string, number> {
  const filled = answers.filter(({ old }) => old.length > 0);
  if (filled.length === 0) return {};
  const tokens = { count: 0, kl: 0, k3: 0, chi2: 0, diff: 0, squaredDiff: 0, largestDiff: 0 };
  const sequences = { training: 0, rollout: 0, ratio: 0, logDiff: 0, absLogDiff: 0, chi2: 0 };
  for (const { old, rollout } of filled) {
    let sumOld = 0;
    let sumRollout = 0;
    for (let t = 0; t < old.length; t++) {
      const [mine, theirs] = [old[t] as number, rollout[t] as number];
      const d = mine - theirs;
      const diff = Math.abs(Math.exp(mine) - Math.exp(theirs));
      sumOld += mine;
      sumRollout += theirs;
      tokens.kl -= d;
      tokens.k3 += Math.exp(d) - d - 1;
      tokens.chi2 += Math.exp(2 * bounded(d));
      tokens.diff += diff;
      tokens.squaredDiff += diff * diff;
      tokens.largestDiff = Math.max(tokens.largestDiff, diff);
    }
    tokens.count += old.length;
    const logDiff = (sumRollout - sumOld) / old.length;
    sequences.training += Math.exp(-sumOld / old.length);
    sequences.rollout += Math.exp(-sumRollout / old.length);
    sequences.ratio += Math.exp(logDiff);
    sequences.logDiff += logDiff;
    sequences.absLogDiff += Math.abs(logDiff);
    sequences.chi2 += Math.exp(2 * bounded(sumOld - sumRollout));
  }
  const { count } = tokens;
  const mean = tokens.diff / count;
  const n = filled.length;
  return {
    "rollout_corr/kl": tokens.kl / count,
    "rollout_corr/k3_kl": tokens.k3 / count,
    "rollout_corr/chi2_token": tokens.chi2 / count - 1,
    "rollout_corr/chi2_seq": sequences.chi2 / n - 1,
    "rollout_corr/training_ppl": sequences.training / n,
    "rollout_corr/rollout_ppl": sequences.rollout / n,
    "rollout_corr/ppl_ratio": sequences.ratio / n,
    "rollout_corr/log_ppl_diff": sequences.logDiff / n,
    "rollout_corr/log_ppl_abs_diff": sequences.absLogDiff / n,
    "training/rollout_probs_diff_mean": mean,
    "training/rollout_probs_diff_max": tokens.largestDiff,
    "training/rollout_probs_diff_std":
      count > 1 ? Math.sqrt(Math.max(0, (tokens.squaredDiff - count * mean * mean) / (count - 1))) : 0,
  };
}

/**
 * The metrics of a step; none for the trainer's own policy.
 *
 * @param batches positions of the answers of each update
 * @param masks 0 for tokens that an answer was shown. Default: none
 */
export function engineMismatch(
  { foreign = [], old }: BatchLogProbs,
  updates: readonly UpdateStats[],
  batches: readonly (readonly number[])[],
  masks: readonly (ArrayLike<number> | undefined)[] = [],
): Record<string, number> {
  // Without π_old of its own, an update is the only one and its forward pass gave it, for the rows that have a signal.
  const trainer = (answer: number): ArrayLike<number> | undefined =>
    old?.[answer] ?? updates[0]?.logProbs.get(batches[0]!.indexOf(answer));
  return mismatchMetrics(
    foreign.flatMap((rollout, answer) => {
      const mine = trainer(answer);
      if (!mine) return [];
      const mask = masks[answer];
      return [{ old: written(mine, mask), rollout: written(rollout, mask) }];
    }),
  );
}

/** The numbers of tokens that the model wrote. */
function written(values: ArrayLike<number>, mask: ArrayLike<number> | undefined): ArrayLike<number> {
  return mask ? Array.from(values).filter((_, t) => mask[t] === 1) : values;
}

const bounded = (value: number): number => Math.min(Math.max(value, -BOUND), BOUND);
