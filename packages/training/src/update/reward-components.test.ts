import type { Rollout } from "@v-triune/rollouts";
import { detectionVerifierParm, emptyVerifierParm, type DetRewardRatio } from "@v-triune/schema";
import { createDetectionVerifier } from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import type { AlgorithmConfig } from "../config/training-config";
import { rewardComponents } from "./reward-components";

const reward = { normalised: true, accuracyRatio: null, formatRatio: null, overlong: null };
const weights = (componentWeights: AlgorithmConfig["componentWeights"] = null) => ({ componentWeights });

function scored(
  { accuracy = 1, format = 1, metrics = {} as Readonly<Record<string, number>> },
  boxRatios?: Partial<Record<keyof DetRewardRatio, number>>,
): Pick<Rollout, "prompt" | "result"> {
  const rewardModel = {
    accuracy_ratio: 1,
    format_ratio: 0.25,
    verifier: boxRatios ? "detection" : "mathverify",
    verifier_parm: boxRatios ? detectionVerifierParm(boxRatios) : emptyVerifierParm(),
  };
  return {
    prompt: { sample: { reward_model: rewardModel } } as unknown as Rollout["prompt"],
    result: { index: 0, status: "scored", reward: 0, accuracy, format, metrics },
  };
}
/** Σ weight · value, which is the reward. */
const sum = (components: ReturnType<typeof rewardComponents>): number =>
  components.reduce((total, { value, weight }) => total + value * weight, 0);

describe("rewardComponents", () => {
  it("are accuracy and format by the sample's own ratios, and add up to its reward", () => {
    const components = rewardComponents(scored({ accuracy: 0.5, format: 1 }), { reward, algorithm: weights() });
    expect(components).toEqual([
      { name: "accuracy", value: 0.5, weight: 0.8 },
      { name: "format", value: 1, weight: 0.2 },
    ]);
    const bare = { ...reward, normalised: false, formatRatio: 0.5 };
    expect(rewardComponents(scored({}), { reward: bare, algorithm: weights() }).map(({ weight }) => weight)).toEqual([
      1, 0.5,
    ]);
  });

  it("are the parts of detection that have a ratio, whatever lowers the accuracy as a whole", () => {
    const ratios = { iou_max_label_first: 1, iou_completeness: 0.3, map: 0, map50: 0.5, map75: 0.5 };
    const box = "<answer>[{'bbox_2d': [0, 0, 10, 7], 'label': 'cat'}]</answer>";
    const gold = "<answer>[{'bbox_2d': [0, 0, 10, 10], 'label': 'cat'}]</answer>";
    const params = { ...detectionVerifierParm(ratios), det_verifier_normalized: false };
    const verdict = createDetectionVerifier({ epsilon: 0.5 }).verify(box, { groundTruth: gold, params: { ...params } });
    if (verdict.status !== "scored") throw new Error(JSON.stringify(verdict));
    const components = rewardComponents(scored(verdict, ratios), { reward, algorithm: weights() });
    expect(components.map(({ name, weight }) => [name, weight])).toEqual([
      ["iou_max_label_first", 0.4],
      ["map50", 0.2],
      ["map75", 0.2],
      ["format", 0.2],
    ]);
    expect(components.map(({ value }) => value)).toEqual([
      expect.closeTo(0.79, 12),
      expect.closeTo(1, 12),
      0,
      verdict.format,
    ]);
    const lowered = { ...verdict, accuracy: verdict.accuracy * 0.6 };
    const parts = rewardComponents(scored(lowered, ratios), { reward, algorithm: weights() });
    expect(sum(parts)).toBeCloseTo(0.8 * lowered.accuracy + 0.2 * lowered.format, 12);
    // A function of your own judges without naming parts.
    expect(rewardComponents(scored({}, ratios), { reward, algorithm: weights() }).map(({ name }) => name)).toEqual([
      "accuracy",
      "format",
    ]);
  });

  it("take the configured factors, accuracy's on each part of it", () => {
    const metrics = { weighted_iou_score_max_label: 0.5, weighted_map_score: 0.25 };
    const answer = scored({ accuracy: 0.375, metrics }, { iou_max_label_first: 1, map: 1 });
    const algorithm = weights({ accuracy: 2, map: 0.5, format: 0 });
    expect(rewardComponents(answer, { reward, algorithm })).toEqual([
      { name: "iou_max_label_first", value: 0.5, weight: 0.8 },
      { name: "map", value: 0.25, weight: 0.4 },
      { name: "format", value: 1, weight: 0 },
    ]);
  });

  it("include the length penalty, and are none without a score", () => {
    const overlong = { buffer: 4, penalty: 0.5 };
    const options = { reward: { ...reward, overlong }, algorithm: weights() };
    expect(rewardComponents({ ...scored({}), lengthPenalty: -0.25 }, options).at(-1)).toEqual({
      name: "overlong",
      value: -0.25,
      weight: 0.5,
    });
    const failed = { ...scored({}), result: { index: 0, status: "skipped" as const, reason: "gold" } };
    expect(rewardComponents(failed, options)).toEqual([]);
  });
});
