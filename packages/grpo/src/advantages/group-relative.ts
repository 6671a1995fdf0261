/**
 * Group-relative advantages: a rollout is judged against the other answers to its own prompt.
 *
 *   GRPO     A_i = (r_i - mean) / (std + ε)     std with n - 1, ε = 1e-6      arXiv 2402.03300 eq. 2
 *   Dr.GRPO  A_i = r_i - mean                                                 arXiv 2503.20783
 *
 * Same numbers as verl 0.9.1 (`compute_grpo_outcome_advantage`), with these deviations: float64 throughout; equal
 * rewards give exactly 0 (verl's float32 gives rounding noise divided by 1e-6, up to 0.0075 for seven rewards of 0.1);
 * a group of one gives 0 (verl passes the raw reward through, which rewards a lone rollout for being alone).
 * `singleton: "reward"` is verl's form.
 */
import { allEqual, deviationOf, meanOf, scoredGroups, type GroupId, type Reward } from "./groups";

/** Settings of {@link groupAdvantages}. */
export interface GroupAdvantageOptions {
  /** Divide by the group's standard deviation (GRPO, the default) or not (`false`: Dr.GRPO). */
  readonly normalizeByStd?: boolean;
  /** Added to the standard deviation. Default 1e-6. */
  readonly epsilon?: number;
  /** What a group with a single scored rollout gets: 0 (the default) or its reward / (1 + ε), as verl does. */
  readonly singleton?: "zero" | "reward";
}

/**
 * Standardizes rewards inside each prompt group (GRPO, arXiv 2402.03300 eq. 2).
 * A group whose rewards are all equal carries no signal: its advantages are exactly 0, not noise / epsilon.
 *
 * @example groupAdvantages([1, 0, null, 1], ["a", "a", "a", "a"]) // [0.577, -1.155, 0, 0.577]
 * @param rewards one score per rollout, `null` where there is none, [B]
 * @param groups the prompt each rollout answers, [B]; groups may differ in size
 * @returns advantages, [B], float64; 0 for unscored rollouts
 * @throws RangeError when the two lengths differ or a reward is not finite
 */
export function groupAdvantages(
  rewards: ArrayLike<Reward>,
  groups: ArrayLike<GroupId>,
  options: GroupAdvantageOptions = {},
): Float64Array {
  const { normalizeByStd = true, epsilon = 1e-6, singleton = "zero" } = options;
  const advantages = new Float64Array(rewards.length);
  for (const group of scoredGroups(rewards, groups)) {
    if (group.rows.length === 1) {
      if (singleton === "reward") advantages[group.rows[0]!] = group.rewards[0]! / (normalizeByStd ? 1 + epsilon : 1);
      continue;
    }
    if (allEqual(group.rewards)) continue;
    const mean = meanOf(group.rewards);
    const scale = normalizeByStd ? 1 / (deviationOf(group.rewards) + epsilon) : 1;
    group.rows.forEach((row, k) => (advantages[row] = (group.rewards[k]! - mean) * scale));
  }
  return advantages;
}
