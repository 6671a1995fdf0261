/**
 * RLOO: the baseline of a rollout is the mean reward of the *other* rollouts of its prompt (arXiv 2402.14740).
 *
 *   A_i = r_i - Σ_{j≠i} r_j / (n - 1) = (r_i - mean) · n / (n - 1)
 *
 * verl 0.9.1 has two forms that differ only for a group of one: `compute_rloo_outcome_advantage` passes the raw reward
 * through, the vectorized one gives 0. Zero is the default here: without another rollout there is no baseline.
 */
import { allEqual, meanOf, scoredGroups, type GroupId, type Reward } from "./groups";

/**
 * Leave-one-out advantages, [B] → [B], float64; unscored rollouts and groups of equal rewards get exactly 0.
 * @param options.singleton what a lone scored rollout gets: 0 or its reward. Default 0
 * @throws RangeError when lengths differ or a reward is not finite
 */
export function leaveOneOutAdvantages(
  rewards: ArrayLike<Reward>,
  groups: ArrayLike<GroupId>,
  options: { readonly singleton?: "zero" | "reward" } = {},
): Float64Array {
  const advantages = new Float64Array(rewards.length);
  for (const group of scoredGroups(rewards, groups)) {
    const n = group.rows.length;
    if (n === 1) {
      if (options.singleton === "reward") advantages[group.rows[0]!] = group.rewards[0]!;
      continue;
    }
    if (allEqual(group.rewards)) continue;
    const mean = meanOf(group.rewards);
    group.rows.forEach((row, k) => (advantages[row] = ((group.rewards[k]! - mean) * n) / (n - 1)));
  }
  return advantages;
}
