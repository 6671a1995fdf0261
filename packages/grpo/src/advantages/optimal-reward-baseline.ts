/**
 * OPO: the baseline that minimizes the variance of the gradient when a response's gradient norm grows with its length
 * (arXiv 2505.23585): rewards weighted by response length.
 *
 *   A_i = r_i - Σ_j l_j r_j / Σ_j l_j
 *
 * Same numbers as verl 0.9.1 (`compute_opo_outcome_advantage`), which lets a group of one keep its raw reward; here it
 * gets 0 unless `singleton: "reward"`.
 */
import { allEqual, meanOf, scoredGroups, type GroupId, type Reward } from "./groups";

/**
 * Length-weighted baseline advantages, [B] → [B], float64.
 * @param lengths response lengths in tokens, [B]
 * @throws RangeError when lengths differ or a reward is not finite
 */
export function optimalRewardBaselineAdvantages(
  rewards: ArrayLike<Reward>,
  groups: ArrayLike<GroupId>,
  lengths: ArrayLike<number>,
  options: { readonly singleton?: "zero" | "reward" } = {},
): Float64Array {
  if (lengths.length !== rewards.length) {
    throw new RangeError(`lengths must have one entry per reward, found ${lengths.length} for ${rewards.length}`);
  }
  const advantages = new Float64Array(rewards.length);
  for (const group of scoredGroups(rewards, groups)) {
    if (group.rows.length === 1) {
      if (options.singleton === "reward") advantages[group.rows[0]!] = group.rewards[0]!;
      continue;
    }
    if (allEqual(group.rewards)) continue;
    let tokens = 0;
    let weighted = 0;
    group.rows.forEach((row, k) => {
      tokens += lengths[row]!;
      weighted += lengths[row]! * group.rewards[k]!;
    });
    const baseline = tokens > 0 ? weighted / tokens : meanOf(group.rewards);
    group.rows.forEach((row, k) => (advantages[row] = group.rewards[k]! - baseline));
  }
  return advantages;
}
