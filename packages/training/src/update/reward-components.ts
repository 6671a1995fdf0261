/**
 * The components of a scored answer's reward, for `algorithm.advantage: gdpo`, with the sample's own ratios as weights:
 *
 *     accuracy               α_acc                   format    α_fmt          overlong    the penalty's size
 *     a part of detection    α_acc · ratio / Σ ratios
 *
 * and all of them divided by α_acc + α_fmt where the reward is (`reward.normalised`). The parts of detection, those with
 * a ratio above 0 in `det_reward_ratio`, take the place of accuracy and sum up to it; what lowers accuracy as a whole,
 * such as repeated boxes, lowers each. Answers to a sample have the same components, so that they can be compared.
 */
import type { Rollout } from "@v-triune/rollouts";
import type { DetRewardRatio } from "@v-triune/schema";
import { DEFAULT_DETECTION_RATIOS, readDetectionParams, type DetectionRatios } from "@v-triune/verifiers/detection";
import type { AlgorithmConfig, ComponentName, RewardConfig } from "../config/training-config";

export interface WeightedComponent {
  readonly name: ComponentName;
  readonly value: number;
  readonly weight: number;
}

export interface ComponentOptions {
  readonly reward: Pick<RewardConfig, "normalised" | "accuracyRatio" | "formatRatio" | "overlong">;
  readonly algorithm: Pick<AlgorithmConfig, "componentWeights">;
}

/** The parts of detection's accuracy: the ratio and the metric of each (detection-reward.ts). */
const DETECTION_PARTS = [
  ["iou_max_label_first", "iouMaxLabelFirst", "weighted_iou_score_max_label"],
  ["iou_max_iou_first", "iouMaxIouFirst", "weighted_iou_score_max_iou"],
  ["map", "map", "weighted_map_score"],
  ["map50", "map50", "weighted_map50_score"],
  ["map75", "map75", "weighted_map75_score"],
] as const satisfies readonly (readonly [ComponentName, keyof DetectionRatios, string])[];

/** @returns none for an answer without a score */
export function rewardComponents(
  { prompt, result, lengthPenalty }: Pick<Rollout, "prompt" | "result" | "lengthPenalty">,
  { reward, algorithm }: ComponentOptions,
): WeightedComponent[] {
  if (result.status !== "scored") return [];
  const { accuracy_ratio, format_ratio, verifier, verifier_parm: params } = prompt.sample.reward_model;
  const accuracyRatio = reward.accuracyRatio ?? accuracy_ratio;
  const formatRatio = reward.formatRatio ?? format_ratio;
  const divisor = reward.normalised ? accuracyRatio + formatRatio : 1;
  const parts = verifier === "detection" ? detectionParts(result, ratiosOf(params.det_reward_ratio)) : undefined;
  const factors = algorithm.componentWeights ?? {};
  const component = (name: ComponentName, value: number, weight: number): WeightedComponent => ({
    name,
    value,
    weight: weight * (factors[name] ?? 1),
  });
  const ofAccuracy = (accuracyRatio / divisor) * (parts ? (factors.accuracy ?? 1) : 1);
  return [
    ...(parts ?? [{ name: "accuracy" as const, value: result.accuracy, share: 1 }]).map(({ name, value, share }) =>
      component(name, value, ofAccuracy * share),
    ),
    component("format", result.format, formatRatio / divisor),
    ...(lengthPenalty === undefined ? [] : [component("overlong", lengthPenalty, reward.overlong?.penalty ?? 1)]),
  ];
}

type Scored = Extract<Rollout["result"], { readonly status: "scored" }>;

/** A sample that was scored has ratios that can be read. */
function ratiosOf(ratios: DetRewardRatio): DetectionRatios {
  const params = readDetectionParams({ det_reward_ratio: ratios });
  return params.issues === undefined ? params.value.ratios : DEFAULT_DETECTION_RATIOS;
}

/** @returns undefined where the verdict does not name its parts, as one by a function of your own */
function detectionParts(
  { accuracy, metrics }: Pick<Scored, "accuracy" | "metrics">,
  ratios: DetectionRatios,
): { readonly name: ComponentName; readonly value: number; readonly share: number }[] | undefined {
  const used = DETECTION_PARTS.filter(([, ratio]) => ratios[ratio] > 0);
  if (used.some(([, , metric]) => metrics[metric] === undefined)) return undefined;
  const sum = used.reduce((total, [, ratio]) => total + ratios[ratio], 0);
  const score = used.reduce((total, [, ratio, metric]) => total + ratios[ratio] * metrics[metric]!, 0) / sum;
  const lowered = score > 0 ? accuracy / score : 0;
  // By rounding alone: equal values of a part stay equal.
  const scale = Math.abs(lowered - 1) < 1e-9 ? 1 : lowered;
  return used.map(([name, ratio, metric]) => ({ name, value: metrics[metric]! * scale, share: ratios[ratio] / sum }));
}
