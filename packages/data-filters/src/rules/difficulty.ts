/**
 * The difficulty filter (arXiv 2505.18129, section 4.1): what a model always solves teaches it nothing, and boxes that it never
 * or always finds neither.
 *
 * Reasoning keeps 0 ≤ pass rate < 1 over 8 rollouts of the stronger model. Boxes keep a cumulative IoU reward (ε = 0.5) of
 * 2..10 over 16 rollouts; with another number of rollouts the sum is scaled to 16.
 *
 * pass@k is estimated without bias from n ≥ k rollouts of which c are correct (arXiv 2107.03374, eq. 1):
 * 1 - C(n - c, k) / C(n, k).
 */
import type { FilterRule } from "./filter-rule";

/** Drops rows that are too easy or too hard for the model whose rollouts were read. */
export function difficulty({
  minPass = 0,
  maxPass = 1,
  minReward = 2,
  maxReward = 10,
  rollouts = 16,
  require = false,
}: {
  /** Least pass rate, inclusive. */
  minPass?: number;
  /** Largest pass rate, exclusive. */
  maxPass?: number;
  minReward?: number;
  maxReward?: number;
  /** Rollouts that the reward limits are for. */
  rollouts?: number;
  /** Drop rows without a judged rollout, too. */
  require?: boolean;
} = {}): FilterRule {
  const cumulative = `mean_accuracy * ${rollouts}`;
  const boxes = `${cumulative} < ${minReward} OR ${cumulative} > ${maxReward}`;
  const others = `mean_accuracy < ${minPass} OR mean_accuracy >= ${maxPass}`;
  return {
    name: "difficulty",
    reason: `outside pass rate ${minPass} ≤ p < ${maxPass}, or cumulative box reward ${minReward}..${maxReward} over ${rollouts} rollouts`,
    scope: "row",
    needs: ["rollouts"],
    parameters: { minPass, maxPass, minReward, maxReward, rollouts, require },
    sql: () =>
      `CASE WHEN coalesce(rollout_count, 0) = 0 THEN ${require} WHEN task IN ('detection', 'grounding') THEN ${boxes} ELSE ${others} END`,
  };
}

/**
 * The unbiased estimate of pass@k.
 *
 * ```ts
 * passAtK(8, 2, 1) // 0.25
 * ```
 * @param n rollouts
 * @param c correct ones among them
 * @throws RangeError unless 0 ≤ c ≤ n and 1 ≤ k ≤ n
 */
export function passAtK(n: number, c: number, k: number): number {
  if (!(c >= 0 && c <= n && k >= 1 && k <= n))
    throw new RangeError(`passAtK(${n}, ${c}, ${k}): 0 ≤ c ≤ n and 1 ≤ k ≤ n expected`);
  if (n - c < k) return 1;
  let missAll = 1;
  for (let i = n - c + 1; i <= n; i++) missAll *= 1 - k / i;
  return 1 - missAll;
}
