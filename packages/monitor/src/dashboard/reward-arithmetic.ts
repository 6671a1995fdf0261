/**
 * The reward of a rollout term by term: R = (α_acc·R_acc + α_fmt·R_fmt) / (α_acc + α_fmt), or the bare sum (arXiv 2505.18129 §3.1). The weights
 * are the run's where it sets them, else the sample's. Where this does not give the stored reward (a reward function of the user's own,
 * a further term) it says so instead of explaining something else.
 */
import { configValue } from "./config-value";
import type { RewardArithmetic, RewardTerm } from "./dashboard-api";

/** What a sample of the data set says about its reward. */
export interface SampleReward {
  readonly accuracyRatio: number | null;
  readonly formatRatio: number | null;
  /** Of `verifier_parm.det_verifier_normalized`. */
  readonly relativeBoxes: boolean;
  /** The leaves of `det_reward_ratio`; null for other verifiers. */
  readonly boxRatios: Readonly<Record<string, number>> | null;
}

/** Ratios are stored as 32-bit floats. */
const TOLERANCE = 1e-4;

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/**
 * @param sample undefined where the data set can't be read: then the method's defaults are taken, 1.0 and 0.1
 * @returns null for a rollout that was not scored
 */
export function rewardArithmetic(
  judged: { readonly accuracy: number | null; readonly format: number | null; readonly reward: number | null; readonly metrics: Readonly<Record<string, number>> },
  config: unknown,
  sample: SampleReward | undefined,
): RewardArithmetic | null {
  const { accuracy, format, reward } = judged;
  if (accuracy === null || format === null || reward === null) return null;
  const accuracyWeight = number(configValue(config, ["reward", "accuracyRatio"])) ?? sample?.accuracyRatio ?? 1;
  const formatWeight = number(configValue(config, ["reward", "formatRatio"])) ?? sample?.formatRatio ?? 0.1;
  const terms: RewardTerm[] = [
    { name: "accuracy", weight: accuracyWeight, value: accuracy },
    { name: "format", weight: formatWeight, value: format },
  ];
  const normalised = configValue(config, ["reward", "normalised"]) !== false;
  const divisor = normalised && accuracyWeight + formatWeight > 0 ? accuracyWeight + formatWeight : 1;
  const result = terms.reduce((sum, { weight, value }) => sum + weight * value, 0) / divisor;
  return { terms, divisor, result, agrees: Math.abs(result - reward) <= TOLERANCE };
}
