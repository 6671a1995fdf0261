/**
 * The reward of a rollout term by term: R = (α_acc·R_acc + α_fmt·R_fmt) / (α_acc + α_fmt), or the bare sum (arXiv
 * 2505.18129 §3.1), and what training adds to that (overlong penalty, KL). The weights are the run's where it sets
 * them, else the sample's. The accuracy of boxes is itself a weighted mean: Σ ratio_k·score_k / Σ ratio_k over two
 * matchings and three mAPs. Where this does not give the stored number (a reward function of the user's own) it says so
 * instead of explaining something else.
 */
import { configValue } from "../config-value";
import type { RewardArithmetic, RewardTerm } from "../dashboard-api";
import { finite, numbers } from "./row-values";

/** What a sample of the data set says about its reward. */
export interface SampleReward {
  readonly accuracyRatio: number | null;
  readonly formatRatio: number | null;
  /** Of `verifier_parm.det_verifier_normalized`. */
  readonly relativeBoxes: boolean;
  /** The leaves of `det_reward_ratio`; null for other verifiers. */
  readonly boxRatios: Readonly<Record<string, number>> | null;
}

/** @param value of the sample's `reward_model`, unchecked */
export function sampleReward(value: unknown): SampleReward {
  const ratio = (key: string): number | null => finite(configValue(value, [key]));
  const ratios = configValue(value, ["verifier_parm", "det_reward_ratio"]);
  return {
    accuracyRatio: ratio("accuracy_ratio"),
    formatRatio: ratio("format_ratio"),
    relativeBoxes: configValue(value, ["verifier_parm", "det_verifier_normalized"]) !== false,
    boxRatios: ratios !== null && typeof ratios === "object" ? numbers(ratios) : null,
  };
}

/** Ratios are stored as 32-bit floats. */
const TOLERANCE = 1e-4;

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/**
 * @param sample undefined where the data set can't be read: then the method's defaults are taken, 1.0 and 0.1
 * @returns null for a rollout that was not scored
 */
export function rewardArithmetic(
  judged: {
    readonly accuracy: number | null;
    readonly format: number | null;
    readonly reward: number | null;
    readonly metrics: Readonly<Record<string, number>>;
    readonly additions: Readonly<Record<string, number>>;
  },
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
  const additions = Object.entries(judged.additions).map(([name, value]) => ({ name, value }));
  const result = weightedSum(terms) / divisor + additions.reduce((sum, { value }) => sum + value, 0);
  return {
    terms,
    divisor,
    additions,
    result,
    agrees: Math.abs(result - reward) <= TOLERANCE,
    accuracyTerms: boxAccuracy(accuracy, judged.metrics, sample?.boxRatios ?? null),
  };
}

const weightedSum = (terms: readonly RewardTerm[]): number =>
  terms.reduce((sum, { weight, value }) => sum + weight * value, 0);

/** The verifier's number that each ratio of the sample weighs. */
const BOX_SCORES: Readonly<Record<string, readonly [metric: string, name: string]>> = {
  iou_max_label_first: ["weighted_iou_score_max_label", "IoU, label first"],
  iou_max_iou_first: ["weighted_iou_score_max_iou", "IoU, IoU first"],
  map: ["weighted_map_score", "mAP"],
  map50: ["weighted_map50_score", "mAP50"],
  map75: ["weighted_map75_score", "mAP75"],
};

function boxAccuracy(
  accuracy: number,
  metrics: Readonly<Record<string, number>>,
  ratios: SampleReward["boxRatios"],
): readonly RewardTerm[] | null {
  const terms = Object.entries(BOX_SCORES).flatMap(([ratio, [metric, name]]): RewardTerm[] => {
    const weight = ratios?.[ratio] ?? 0;
    const value = metrics[metric];
    return weight > 0 && value !== undefined ? [{ name, weight, value }] : [];
  });
  const total = terms.reduce((sum, { weight }) => sum + weight, 0);
  return total > 0 && Math.abs(weightedSum(terms) / total - accuracy) <= TOLERANCE ? terms : null;
}
