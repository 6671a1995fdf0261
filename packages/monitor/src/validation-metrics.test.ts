import { describe, expect, it } from "vitest";
import { expectedBest, majorityScore, validationMetrics } from "./validation-metrics";

describe("expectedBest", () => {
  it("is the mean over all draws with replacement", () => {
    const values = [0, 0.25, 0.5, 1];
    for (const k of [1, 2, 3]) {
      const draws: number[] = [];
      const draw = (left: number, best: number): void => {
        if (left === 0) draws.push(best);
        else for (const value of values) draw(left - 1, Math.max(best, value));
      };
      draw(k, -Infinity);
      const mean = draws.reduce((a, b) => a + b) / draws.length;
      const best = expectedBest(values, k);
      expect(best.mean).toBeCloseTo(mean, 12);
      expect(best.std).toBeCloseTo(
        Math.sqrt(draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length),
        12,
      );
    }
  });
});

describe("majorityScore", () => {
  it("is certain for one answer and repeats itself for a seed", () => {
    expect(majorityScore([1, 1], ["3", "3"], 4)).toEqual({ mean: 1, std: 0 });
    const scores = [1, 0, 0, 1];
    const answers = ["3", "4", "5", "3"];
    expect(majorityScore(scores, answers, 4, { seed: 1 })).toEqual(majorityScore(scores, answers, 4, { seed: 1 }));
  });

  it("comes near the exact probability", () => {
    // Two votes of [right, wrong] each drawn with 1/2: the first drawn wins a tie, so right wins with 1/2.
    expect(majorityScore([1, 0], ["a", "b"], 2, { bootstrap: 20_000 }).mean).toBeCloseTo(0.5, 1);
    // Three votes of right with 2/3: P(at least 2 of 3) = 20/27.
    expect(majorityScore([1, 1, 0], ["a", "a", "b"], 3, { bootstrap: 20_000 }).mean).toBeCloseTo(20 / 27, 1);
  });
});

describe("validationMetrics", () => {
  const samples = [
    { dataSource: "coco", task: "detection", scores: [0.5, 0.7, 0.9, 0.9] },
    { dataSource: "coco", task: "detection", scores: [null, null, null, null] },
    { dataSource: "clevr", task: "counting", scores: [1, 0, null, 1], answers: ["3", "4", null, "3"] },
    { dataSource: "clevr", task: "counting", scores: [0, 0, 0, 0], answers: ["1", "2", "3", "3"] },
  ];
  const records = validationMetrics(10, samples);
  const named = (name: string) => records.find((record) => record.name === name)!.metrics;

  it("has mean, deviation, best, worst and majority by source", () => {
    expect(records.map(({ scope, name, split, step }) => [scope, name, split, step])).toEqual([
      ["source", "coco", "eval", 10],
      ["source", "clevr", "eval", 10],
      ["task", "detection", "eval", 10],
      ["task", "counting", "eval", 10],
      ["all", "all", "eval", 10],
    ]);
    expect(named("coco")["acc/mean@4"]).toBeCloseTo(0.75, 12);
    expect(named("coco")["acc/std@4"]).toBeCloseTo(Math.sqrt(0.0275), 12);
    expect(named("coco")["acc/best@2/mean"]).toBeCloseTo(0.5 / 16 + (0.7 * 3) / 16 + (0.9 * 12) / 16, 12);
    expect(named("coco")["acc/worst@4/mean"]).toBeLessThan(named("coco")["acc/worst@2/mean"]!);
    expect(named("clevr")["acc/mean@4"]).toBeCloseTo(1 / 3, 12);
    expect(named("coco")["acc/maj@4/mean"]).toBeUndefined();
  });

  it("counts samples without a score and leaves them out", () => {
    expect(named("coco")).toMatchObject({ "samples/count": 2, "samples/unscored": 1 });
  });

  it("gives the mean over samples and the one over sources", () => {
    expect(named("all")["acc/mean@4"]).toBeCloseTo((0.75 + 2 / 3 + 0) / 3, 12);
    expect(named("all")["acc/source_mean@4"]).toBeCloseTo((0.75 + 1 / 3) / 2, 12);
  });

  it("is mean@1 alone for one greedy answer", () => {
    const [record] = validationMetrics(0, [{ dataSource: "a", task: "t", scores: [1] }]);
    expect(record!.metrics).toEqual({ "samples/count": 1, "samples/unscored": 0, "acc/mean@1": 1 });
  });

  it("refuses answers that do not match the scores", () => {
    expect(() => validationMetrics(0, [{ dataSource: "a", task: "t", scores: [1], answers: [] }])).toThrow(
      /0 answers for 1 scores/,
    );
  });
});
