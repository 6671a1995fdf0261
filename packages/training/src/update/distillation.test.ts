import { describe, expect, it } from "vitest";
import { advantagesBesideDivergence, distillationMetrics, distilledAdvantages } from "./distillation";

const old = [Float32Array.of(-1, -2), Float32Array.of(-3)];
const teacher = [Float32Array.of(-0.5, -4), Float32Array.of(-1)];
const settings = { weight: 1, rewards: false, clamp: null };

describe("distilledAdvantages", () => {
  it("are the teacher's log-probabilities less the policy's, whatever the rewards are", () => {
    const found = distilledAdvantages([5, null], { old, teacher }, settings);
    expect(found.map((values) => [...(values as Float64Array)])).toEqual([[0.5, -2], [2]]);
  });

  it("are bounded, weighed and added to the rewards' where these count", () => {
    const options = { ...settings, rewards: true, weight: 0.5, clamp: 1 };
    const found = distilledAdvantages([2, null], { old, teacher }, options);
    expect([[...(found[0] as Float64Array)], found[1]]).toEqual([[2.25, 1.5], null]);
    const perToken = distilledAdvantages([Float64Array.of(1, 2), 0], { old, teacher }, options);
    expect(perToken.map((values) => [...(values as Float64Array)])).toEqual([[1.25, 1.5], [0.5]]);
  });
});

describe("an answer that nobody teaches", () => {
  const untaught = { old, teacher: [undefined, teacher[1]] };
  it("learns from rewards alone, or takes no part", () => {
    const beside = distilledAdvantages([2, 1], untaught, { ...settings, rewards: true });
    expect([beside[0], [...(beside[1] as Float64Array)]]).toEqual([2, [3]]);
    expect(distilledAdvantages([2, 1], untaught, settings)[0]).toBeNull();
    const candidates = [undefined, { ids: Int32Array.of(1), logProbs: Float32Array.of(0) }];
    expect(advantagesBesideDivergence([2, 1], { candidates }, { rewards: true })).toEqual([2, 1]);
    expect(advantagesBesideDivergence([2, null], { candidates }, { rewards: false })).toEqual([null, 0]);
    expect(distillationMetrics({ ...untaught })).toEqual({
      "distillation/taught": 0.5,
      "distillation/kl": -2,
      "distillation/abs_loss": 2,
    });
    expect(distillationMetrics({ candidates })).toEqual({ "distillation/taught": 0.5 });
  });
});

describe("distillationMetrics", () => {
  it("estimate the KL by the tokens, and say how far they are apart", () => {
    expect(distillationMetrics({ old, teacher })).toEqual({
      "distillation/taught": 1,
      "distillation/kl": (-0.5 + 2 - 2) / 3,
      "distillation/abs_loss": (0.5 + 2 + 2) / 3,
    });
    expect(distillationMetrics({ old })).toEqual({});
  });
});
