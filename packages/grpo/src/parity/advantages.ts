/**
 * advantages.json: every estimator against verl's. Two differences are intended and checked as such: groups of equal
 * rewards must give exactly 0 (verl's float32 gives noise), and a case that verl refuses is passed over.
 */
import { groupAdvantages } from "../advantages/group-relative";
import { generalizedAdvantages } from "../advantages/generalized-advantage";
import { groupPolicyGradientAdvantages } from "../advantages/group-policy-gradient";
import { leaveOneOutAdvantages } from "../advantages/leave-one-out";
import { optimalRewardBaselineAdvantages } from "../advantages/optimal-reward-baseline";
import { passAtKAdvantages } from "../advantages/pass-at-k";
import { reinforcePlusPlusAdvantages, reinforcePlusPlusBaselineAdvantages } from "../advantages/reinforce-plus-plus";
import { remaxAdvantages } from "../advantages/remax";
import { flatten, type Comparison, type GoldenNumbers } from "./comparison";
import { lossTolerance, readCases, type GoldenBatch, type GoldenCase } from "./loss-batches";

/**
 * Rows where verl divides float32 rounding by its epsilon: equal rewards in the group, or one return for the whole
 * batch.
 */
function noiseRows(estimator: string, batch: GoldenBatch, found: Estimate): Set<number> {
  if (estimator.startsWith("grpo")) return rowsOfEqualGroups(batch);
  if (!estimator.startsWith("reinforce")) return new Set();
  const values = Array.from(found.returns ?? found.advantages).filter((_, i) => batch.mask[i] !== 0);
  return values.every((value) => value === values[0]) ? new Set(batch.groups.keys()) : new Set();
}

interface Estimate {
  readonly advantages: ArrayLike<number>;
  readonly returns?: ArrayLike<number>;
}

/** Compares every case of advantages.json. */
export function compareAdvantages(
  folder: string,
  batches: ReadonlyMap<string, GoldenBatch>,
  comparison: Comparison,
): void {
  for (const golden of readCases(folder, "advantages.json")) {
    if (golden.error !== undefined) continue;
    const batch = batches.get(golden.batch)!;
    const estimator = golden.function
      .split(".")
      .at(-1)!
      .replace(/^compute_|_(outcome_)?advantage(_return)?$/g, "");
    const found = estimate(estimator, golden, batch);
    const expected = flatten(golden["advantages"] as GoldenNumbers);
    const where = `${golden.batch} ${JSON.stringify(golden["args"])}`;
    const equal = noiseRows(estimator, batch, found);
    for (const row of equal) {
      const values = Array.from(found.advantages).slice(row * batch.width, (row + 1) * batch.width);
      comparison.error(`advantages ${estimator}: equal rewards give 0`, where, Math.max(...values.map(Math.abs)), 0);
    }
    const kept = (values: ArrayLike<number>) =>
      Array.from(values).filter((_, i) => !equal.has(Math.floor(i / batch.width)));
    comparison.close(
      `advantages ${estimator}`,
      where,
      kept(found.advantages),
      kept(expected),
      lossTolerance(golden.batch),
    );
    if (golden["returns"] !== undefined && found.returns) {
      const returns = flatten(golden["returns"] as GoldenNumbers);
      comparison.close(`returns ${estimator}`, where, found.returns, returns, lossTolerance(golden.batch));
    }
  }
}

function scores(batch: GoldenBatch): number[] {
  return Array.from({ length: batch.rows }, (_, row) =>
    batch.tokenRewards.slice(row * batch.width, (row + 1) * batch.width).reduce((a, b) => a + b, 0),
  );
}

function rowsOfEqualGroups(batch: GoldenBatch): Set<number> {
  const rewards = scores(batch);
  const rows = new Set<number>();
  batch.groups.forEach((group, row) => {
    const members = batch.groups.flatMap((other, i) => (other === group ? [i] : []));
    if (members.length > 1 && members.every((i) => rewards[i] === rewards[row])) rows.add(row);
  });
  return rows;
}

function estimate(name: string, golden: GoldenCase, batch: GoldenBatch): Estimate {
  const args = golden["args"] as Record<string, unknown>;
  const rewards = scores(batch);
  const { groups } = batch;
  const rows = (values: ArrayLike<number>): Estimate => ({
    advantages: batch.mask.map((m, i) => m * values[Math.floor(i / batch.width)]!),
  });
  const singleton = name.endsWith("vectorized") ? ("zero" as const) : ("reward" as const);
  switch (name) {
    case "grpo":
    case "grpo_vectorized":
      return rows(
        groupAdvantages(rewards, groups, {
          normalizeByStd: args["norm_adv_by_std_in_grpo"] as boolean,
          epsilon: args["epsilon"] as number,
          singleton: "reward",
        }),
      );
    case "rloo":
    case "rloo_vectorized":
      return rows(leaveOneOutAdvantages(rewards, groups, { singleton }));
    case "opo": {
      const lengths = rewards.map((_, row) =>
        batch.mask.slice(row * batch.width, (row + 1) * batch.width).reduce((a, b) => a + b, 0),
      );
      return rows(optimalRewardBaselineAdvantages(rewards, groups, lengths, { singleton }));
    }
    case "gpg":
      return rows(groupPolicyGradientAdvantages(rewards, groups, { normalizer: args["f_norm"] as number, singleton }));
    case "grpo_passk":
      return rows(passAtKAdvantages(rewards, groups, { normalizeByStd: args["norm_adv_by_std_in_grpo"] as boolean }));
    case "reinforce_plus_plus":
      return reinforcePlusPlusAdvantages(batch, batch.tokenRewards, args["gamma"] as number);
    case "reinforce_plus_plus_baseline":
      return { advantages: reinforcePlusPlusBaselineAdvantages(batch, rewards, groups, { singleton }) };
    case "remax":
      return remaxAdvantages(batch, batch.tokenRewards, args["reward_baselines"] as number[]);
    case "gae":
      return generalizedAdvantages(
        batch,
        batch.tokenRewards,
        batch.logProbs.map((lp) => 0.1 * lp),
        { gamma: args["gamma"] as number, lambda: args["lam"] as number },
      );
    default:
      throw new Error(`advantages.json has a case of "${golden.function}", which this check does not know`);
  }
}
