/**
 * GDPO: each component of the reward is normalized inside its group before they are added, so that a component with a
 * large spread does not drown the others, and answers that differ in one component differ in their advantages
 * (arXiv 2601.05242).
 *
 *   z_ik = (r_ik - mean_k) / (std_k + ε)      over the group of i, std with n - 1
 *   s_i  = Σ_k w_ik z_ik
 *   A_i  = (s_i - mean(s)) / (std(s) + ε)     over the batch
 *
 * Same numbers as TRL 1.16.0 (`multi_objective_aggregation="normalize_then_sum"`, ε = 1e-4 there) and, with
 * {@link decoupledScores} whitened over the tokens instead of the rows, as verl 0.9.1 (`compute_gdpo_outcome_advantage`,
 * ε = 1e-6). A component that does not apply to an answer is null and left out of mean, deviation and sum, as in TRL.
 *
 * Deviations: float64 throughout; a component whose values are equal in a group adds exactly 0 there, and an answer with
 * s = 0 gets exactly 0: it is at the mean of its group, and must not be moved by the mean of the batch, which differs
 * from 0 by rounding or by components that do not apply. A weight may differ from answer to answer.
 */
import { groupAdvantages } from "./group-relative";
import { deviationOf, meanOf, type GroupId, type Reward } from "./groups";

/** One component of the reward over a batch. */
export interface RewardComponent {
  /** [B]; null where the component does not apply or was not scored. */
  readonly rewards: ArrayLike<Reward>;
  /** Of the whole component, or of each answer, [B]. */
  readonly weights: number | ArrayLike<number>;
}

/** Settings of {@link decoupledAdvantages}. */
export interface DecoupledOptions {
  /** Added to each standard deviation. Default 1e-6. */
  readonly epsilon?: number;
  /** False for an answer that takes no part in the mean and deviation of the batch, [B]. Default: all do. */
  readonly counted?: ArrayLike<boolean>;
}

/**
 * Weighted sums of the normalized components, [B], float64; 0 for an answer without any.
 *
 * @param options.singleton what a group with a single scored answer adds: 0 (the default) or its reward / (1 + ε), as
 *   verl does
 * @throws RangeError when lengths differ or a reward is not finite
 */
export function decoupledScores(
  components: readonly RewardComponent[],
  groups: ArrayLike<GroupId>,
  options: Pick<DecoupledOptions, "epsilon"> & { readonly singleton?: "zero" | "reward" } = {},
): Float64Array {
  const scores = new Float64Array(groups.length);
  for (const { rewards, weights } of components) {
    if (typeof weights !== "number" && weights.length !== groups.length)
      throw new RangeError(`weights must have one entry per answer (${groups.length}), found ${weights.length}`);
    const normalized = groupAdvantages(rewards, groups, options);
    for (let i = 0; i < scores.length; i++)
      scores[i] = scores[i]! + (typeof weights === "number" ? weights : weights[i]!) * normalized[i]!;
  }
  return scores;
}

/**
 * GDPO advantages, [B], float64; 0 for an answer without a score.
 *
 * @example
 * decoupledAdvantages([{ rewards: [1, 0, 0, 1], weights: 1 }, { rewards: [1, 1, 0, 0], weights: 0.1 }], [0, 0, 1, 1])
 * @throws RangeError when lengths differ or a reward is not finite
 */
export function decoupledAdvantages(
  components: readonly RewardComponent[],
  groups: ArrayLike<GroupId>,
  options: DecoupledOptions = {},
): Float64Array {
  const { epsilon = 1e-6, counted } = options;
  const scores = decoupledScores(components, groups, { epsilon });
  const isCounted = (row: number): boolean =>
    (counted?.[row] ?? true) && components.some(({ rewards }) => rewards[row] !== null);
  const batch = Array.from(scores).filter((_, row) => isCounted(row));
  const mean = meanOf(batch);
  const scale = 1 / (deviationOf(batch) + epsilon);
  return scores.map((score) => (score === 0 ? 0 : (score - mean) * scale));
}
