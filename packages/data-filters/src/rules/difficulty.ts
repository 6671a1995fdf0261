/**
 * The difficulty filter (arXiv 2505.18129, section 4.1): a model learns nothing from what it always solves, and nothing
 * from boxes that it never or always finds.
 *
 * Reasoning samples with a pass rate 0 ≤ p < 1 over 8 rollouts of the stronger model stay. Boxes with a cumulative IoU
 * reward (ε = 0.5) of 2..10 over 16 rollouts stay; with another number of rollouts the sum is scaled to 16.
 *
 * The estimate of pass@k from n ≥ k rollouts, c of them correct, is unbiased (arXiv 2107.03374, eq. 1):
 * 1 - C(n - c, k) / C(n, k).
 */
import type { FilterRule } from "./filter-rule";

/** Drops rows that are too easy or too hard for the model that made the rollouts. */
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
  /** Number of rollouts that the reward limits refer to. */
  rollouts?: number;
  /** Whether rows without a judged rollout are dropped. */
  require?: boolean;
} = {}): FilterRule {
  const cumulative = `mean_accuracy * ${rollouts}`;
  const boxes = `${cumulative} < ${minReward} OR ${cumulative} > ${maxReward}`;
  const others = `mean_accuracy < ${minPass} OR mean_accuracy >= ${maxPass}`;
  return {
    name: "difficulty",
    reason:
      `outside pass rate ${minPass} ≤ p < ${maxPass}, ` +
      `or cumulative box reward ${minReward}..${maxReward} over ${rollouts} rollouts`,
    scope: "row",
    // Answers with boxes are judged in the size of their picture.
    needs: ["size", "rollouts"],
    parameters: { minPass, maxPass, minReward, maxReward, rollouts, require },
    sql: () =>
      `CASE WHEN coalesce(rollout_count, 0) = 0 THEN ${require}
        WHEN task IN ('detection', 'grounding') THEN ${boxes} ELSE ${others} END`,
  };
}

/**
 * The unbiased estimate of pass@k.
 *
 * ```ts
 * passAtK(8, 2, 1) // 0.25
 * ```
 * @param n number of rollouts
 * @param c number of correct ones
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
