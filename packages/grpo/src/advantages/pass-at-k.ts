/**
 * Pass@k advantage: only the best rollout of a group is rewarded, by its lead over the second best (arXiv 2503.19595).
 *
 *   A_best = (r_1st - r_2nd) / (std + ε),   all others 0
 *
 * Same numbers as verl 0.9.1 (`compute_grpo_passk_outcome_advantage`), which refuses a group of one; here it gets 0,
 * since a group can shrink to one when its other verdicts were skipped.
 */
import { deviationOf, scoredGroups, type GroupId, type Reward } from "./groups";

/**
 * Pass@k advantages, [B] → [B], float64.
 * @param options.normalizeByStd divide by the group's deviation. Default true
 * @throws RangeError when lengths differ or a reward is not finite
 */
export function passAtKAdvantages(
  rewards: ArrayLike<Reward>,
  groups: ArrayLike<GroupId>,
  options: { readonly normalizeByStd?: boolean; readonly epsilon?: number } = {},
): Float64Array {
  const { normalizeByStd = true, epsilon = 1e-6 } = options;
  const advantages = new Float64Array(rewards.length);
  for (const group of scoredGroups(rewards, groups)) {
    if (group.rows.length < 2) continue;
    let best = 0;
    let second = -1;
    for (let k = 1; k < group.rewards.length; k++) {
      if (group.rewards[k]! > group.rewards[best]!) [best, second] = [k, best];
      else if (second < 0 || group.rewards[k]! > group.rewards[second]!) second = k;
    }
    const lead = group.rewards[best]! - group.rewards[second]!;
    if (lead === 0) continue;
    advantages[group.rows[best]!] = normalizeByStd ? lead / (deviationOf(group.rewards) + epsilon) : lead;
  }
  return advantages;
}
