import { DEFAULT_IOU_SCHEDULE, iouThreshold } from "./index";
import { describe, expect, it } from "vitest";
import { RewardRatioError, composeReward } from "./compose-reward";

describe("composeReward", () => {
  it.each([
    { accuracy: 1, format: 1, ratios: [1, 0.1], normalized: 1, sum: 1.1 },
    { accuracy: 1, format: 0, ratios: [1, 0.1], normalized: 1 / 1.1, sum: 1 },
    { accuracy: 0, format: 1, ratios: [1, 0.1], normalized: 0.1 / 1.1, sum: 0.1 },
    { accuracy: 0.5, format: 1, ratios: [0.5, 0.5], normalized: 0.75, sum: 0.75 },
    { accuracy: 0.3, format: 1, ratios: [1, 0], normalized: 0.3, sum: 0.3 },
    { accuracy: 1, format: 0.75, ratios: [0, 0.5], normalized: 0.75, sum: 0.375 },
  ])(
    "accuracy $accuracy, format $format, ratios $ratios gives $normalized, as a sum $sum",
    ({ accuracy, format, ratios: [accuracyRatio, formatRatio], normalized, sum }) => {
      const judged = { accuracy, format };
      expect(composeReward(judged, { accuracyRatio, formatRatio })).toBeCloseTo(normalized, 15);
      expect(composeReward(judged, { accuracyRatio, formatRatio, normalized: false })).toBeCloseTo(sum, 15);
    },
  );

  it("weighs 1 to 0.1 when a sample states no ratio", () => {
    expect(composeReward({ accuracy: 1, format: 0 })).toBeCloseTo(1 / 1.1, 15);
    expect(composeReward({ accuracy: 1, format: 0 }, { accuracyRatio: null, formatRatio: undefined })).toBeCloseTo(
      1 / 1.1,
      15,
    );
  });

  it("refuses ratios that make no reward", () => {
    expect(() => composeReward({ accuracy: 1, format: 0 }, { accuracyRatio: -1 })).toThrow(RewardRatioError);
    expect(() => composeReward({ accuracy: 1, format: 0 }, { formatRatio: Number.NaN })).toThrow(/format_ratio[^]*NaN/);
    expect(() => composeReward({ accuracy: 1, format: 0 }, { accuracyRatio: 0, formatRatio: 0 })).toThrow("0 in both");
    expect(composeReward({ accuracy: 1, format: 0 }, { accuracyRatio: 0, formatRatio: 0, normalized: false })).toBe(0);
  });
});

describe("iouThreshold", () => {
  it.each([
    [0, 0.85],
    [10, 0.85],
    [11, 0.95],
    [25, 0.95],
    [26, 0.99],
    [100, 0.99],
    [120, 0.99],
  ])("at step %d of 100 is %d", (step, epsilon) => expect(iouThreshold(DEFAULT_IOU_SCHEDULE, step, 100)).toBe(epsilon));

  it("takes other schedules, and says what is wrong with one", () => {
    expect(
      iouThreshold(
        [
          { until: 0.5, epsilon: 0.5 },
          { until: 1, epsilon: 0.75 },
        ],
        60,
        100,
      ),
    ).toBe(0.75);
    expect(() =>
      iouThreshold(
        [
          { until: 0.5, epsilon: 0.5 },
          { until: 0.4, epsilon: 0.75 },
        ],
        1,
        2,
      ),
    ).toThrow(/stage 1, until\s+expected: more than 0\.5\s+found: +0\.4/);
    expect(() => iouThreshold([{ until: 1, epsilon: 95 }], 1, 2)).toThrow(/stage 0, epsilon[^]*found: +95/);
    expect(() => iouThreshold(DEFAULT_IOU_SCHEDULE, 1, 0)).toThrow("step 1 of 0");
  });
});
