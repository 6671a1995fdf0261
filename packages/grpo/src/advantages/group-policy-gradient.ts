/**
 * GPG: centered rewards, scaled up by the share of rollouts that carry a reward at all (arXiv 2504.02546), used with
 * the plain policy-gradient loss of `losses/policy-gradient.ts`.
 *
 *   A_i = α (r_i - mean) / F,    α = B / #{r ≠ 0},    F = 1
 *
 * Same numbers as verl 0.9.1 (`compute_gpg_outcome_advantage`). B counts scored rollouts here; verl has no unscored
 * ones. A group of one gets 0 unless `singleton: "reward"` (verl: α r / F).
 */
import { allEqual, meanOf, scoredGroups, type GroupId, type Reward } from "./groups";

/**
 * GPG advantages, [B] → [B], float64.
 * @param options.normalizer F. Default 1
 * @throws RangeError when lengths differ or a reward is not finite
 */
export function groupPolicyGradientAdvantages(
  rewards: ArrayLike<Reward>,
  groups: ArrayLike<GroupId>,
  options: { readonly normalizer?: number; readonly singleton?: "zero" | "reward" } = {},
): Float64Array {
  const { normalizer = 1, singleton = "zero" } = options;
  const advantages = new Float64Array(rewards.length);
  const scored = scoredGroups(rewards, groups);
  let count = 0;
  let nonZero = 0;
  for (const group of scored) {
    count += group.rows.length;
    nonZero += group.rewards.filter((reward) => reward !== 0).length;
  }
  const scale = count / Math.max(1, nonZero) / normalizer;
  for (const group of scored) {
    if (group.rows.length === 1) {
      if (singleton === "reward") advantages[group.rows[0]!] = scale * group.rewards[0]!;
      continue;
    }
    if (allEqual(group.rewards)) continue;
    const mean = meanOf(group.rewards);
    group.rows.forEach((row, k) => (advantages[row] = scale * (group.rewards[k]! - mean)));
  }
  return advantages;
}
