import { expect, it } from "vitest";
import { rewardArithmetic } from "./reward-arithmetic";

const judged = { accuracy: 0.5, format: 1, reward: 0.55 / 1.1 + 0.05 / 1.1, metrics: {}, additions: {} };

it("weighs accuracy and format by the run's ratios, else the sample's, else the method's", () => {
  expect(rewardArithmetic(judged, {}, undefined)).toMatchObject({
    terms: [
      { name: "accuracy", weight: 1, value: 0.5 },
      { name: "format", weight: 0.1, value: 1 },
    ],
    divisor: 1.1,
    agrees: true,
    accuracyTerms: null,
  });
  const sample = { accuracyRatio: 0.9, formatRatio: 0.1, relativeBoxes: true, boxRatios: null };
  expect(rewardArithmetic({ ...judged, reward: 0.55 }, {}, sample)).toMatchObject({
    divisor: 1,
    result: 0.55,
    agrees: true,
  });
  expect(
    rewardArithmetic(
      { ...judged, reward: 1.5 },
      { reward: { accuracyRatio: 1, formatRatio: 1, normalised: false } },
      sample,
    ),
  ).toMatchObject({ divisor: 1, result: 1.5, agrees: true });
  expect(rewardArithmetic({ ...judged, accuracy: null }, {}, sample)).toBeNull();
});

it("adds the overlong penalty and KL, and says when something else was counted", () => {
  const additions = { overlong: -0.25, kl: -0.0125 };
  const optimized = { ...judged, reward: judged.reward - 0.2625, additions };
  expect(rewardArithmetic(optimized, {}, undefined)).toMatchObject({
    additions: [
      { name: "overlong", value: -0.25 },
      { name: "kl", value: -0.0125 },
    ],
    agrees: true,
  });
  expect(rewardArithmetic({ ...optimized, reward: 0.9 }, {}, undefined)).toMatchObject({ agrees: false });
});

it("takes the accuracy of boxes apart by the sample's ratios, where they give it", () => {
  const sample = {
    accuracyRatio: 1,
    formatRatio: 0.1,
    relativeBoxes: true,
    boxRatios: { iou_max_label_first: 1, iou_max_iou_first: 0, iou_completeness: 0.3, map: 1 },
  };
  const metrics = { weighted_iou_score_max_label: 0.75, weighted_iou_score_max_iou: 0.8, weighted_map_score: 0.25 };
  expect(rewardArithmetic({ ...judged, metrics }, {}, sample)?.accuracyTerms).toEqual([
    { name: "IoU, label first", weight: 1, value: 0.75 },
    { name: "mAP", weight: 1, value: 0.25 },
  ]);
  expect(rewardArithmetic({ ...judged, accuracy: 0.7, metrics }, {}, sample)?.accuracyTerms).toBeNull();
});
