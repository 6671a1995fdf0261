import { describe, expect, it } from "vitest";
import type { MetricRecord } from "../metric-record";
import { type EvaluationPoint, forgettingOf } from "./forgetting";
import { learningProgress } from "./learning-progress";
import { createRunTrends } from "./run-trends";

const step = (accuracy: number, tokens = 1000, rollouts = 8) => ({ accuracy, tokens, rollouts });

describe("learningProgress", () => {
  it("is the slope over thousands of tokens, exact on a line whatever the steps cost", () => {
    // Middles of the steps at 0.5, 2, 4.5, 6.5 and 7.5 thousand tokens.
    const tokens = [1000, 2000, 3000, 1000, 1000];
    const middles = [0.5, 2, 4.5, 6.5, 7.5];
    const found = learningProgress(middles.map((x, i) => step(0.1 + 0.02 * x, tokens[i])));
    expect(found?.slope).toBeCloseTo(0.02, 12);
    expect(found?.error).toBeCloseTo(0, 9);
  });

  it("weighs a step by its rollouts and says how uncertain it is", () => {
    const level = [0.2, 0.6, 0.2, 0.6, 0.2, 0.6].map((accuracy) => step(accuracy));
    const { slope, error } = learningProgress(level)!;
    // By hand: x = .5 .. 5.5, Sxy = 0.6, Sxx = 17.5; residuals around it sum to 0.2194.
    expect(slope).toBeCloseTo(0.6 / 17.5, 12);
    expect(error).toBeCloseTo(Math.sqrt((0.24 - 0.6 ** 2 / 17.5) / (4 * 17.5)), 12);
    const heavy = level.map((point, i) => ({ ...point, rollouts: i === 5 ? 800 : 8 }));
    expect(learningProgress(heavy)!.slope).toBeGreaterThan(slope);
  });

  it("needs five steps and tokens", () => {
    expect(learningProgress(Array.from({ length: 4 }, () => step(1)))).toBeUndefined();
    expect(learningProgress(Array.from({ length: 6 }, () => step(1, 0)))).toBeUndefined();
  });
});

describe("forgettingOf", () => {
  const history = (sources: Record<string, readonly number[]>, samples = 1000) =>
    new Map(
      Object.entries(sources).map(([name, values]): [string, EvaluationPoint[]] => [
        name,
        values.map((accuracy, i) => ({ step: 5 * i, accuracy, samples })),
      ]),
    );

  it("measures the drop from the best evaluation, and what the others gained since then", () => {
    const found = forgettingOf("a", history({ a: [0.5, 0.8, 0.6], b: [0.1, 0.2, 0.5], c: [0.4, 0.4, 0.5] }));
    expect(found).toEqual({
      drop: expect.closeTo(0.2, 12),
      othersGain: expect.closeTo(0.2, 12),
      certainDrop: expect.closeTo(0.2, 12),
    });
  });

  it.each([
    ["the others fell too", { a: [0.8, 0.6], b: [0.5, 0.4] }, 1000],
    ["chance may explain it", { a: [0.8, 0.6], b: [0.1, 0.5] }, 50],
    ["the number of samples is not known", { a: [0.8, 0.6], b: [0.1, 0.5] }, 0],
    ["nothing fell", { a: [0.6, 0.8], b: [0.1, 0.5] }, 1000],
    ["there is no other source", { a: [0.8, 0.6] }, 1000],
  ])("is not certain when %s", (_, sources, samples) => {
    expect(forgettingOf("a", history(sources, samples))?.certainDrop).toBe(0);
  });

  it("says nothing of a first evaluation", () => {
    expect(forgettingOf("a", history({ a: [0.5] }))).toBeUndefined();
    expect(forgettingOf("b", history({ a: [0.5] }))).toBeUndefined();
  });
});

describe("createRunTrends", () => {
  const train = (at: number, name: string, accuracy: number): MetricRecord => ({
    step: at,
    split: "train",
    scope: "source",
    name,
    metrics: { "reward/accuracy/mean": accuracy, "response_length/mean": 100 + at, "rollouts/count": 8 },
  });
  const evaluation = (at: number, name: string, accuracy: number): MetricRecord => ({
    step: at,
    split: "eval",
    scope: "source",
    name,
    metrics: { "acc/mean@4": accuracy, "samples/count": 500 },
  });
  const steps = Array.from({ length: 30 }, (_, i) => [
    ...["a", "b"].map((name, k) => train(i + 1, name, ((i * (7 + k)) % 10) / 10)),
    ...(i % 5 === 0 ? ["a", "b"].map((name, k) => evaluation(i + 1, name, k === 0 ? 0.9 - i / 50 : i / 50)) : []),
  ]);

  it("goes on after an interruption with the same numbers", () => {
    const whole = createRunTrends();
    const all = steps.map((records) => whole.add(records));
    const resumed = createRunTrends();
    // As a file has them: one by one, with what was added to them.
    for (const record of all.slice(0, 17).flat()) resumed.observe([record]);
    expect(steps.slice(17).map((records) => resumed.add(records))).toEqual(all.slice(17));
  });

  it("adds to sources alone, and only what the steps before allow", () => {
    const trends = createRunTrends();
    const all = steps.map((records) => trends.add(records));
    const names = (records: readonly MetricRecord[], split: string): string[] =>
      records.filter((record) => record.split === split).flatMap(({ metrics }) => Object.keys(metrics));
    expect(names(all[3]!, "train").some((name) => name.startsWith("progress/"))).toBe(false);
    expect(names(all[4]!, "train").filter((name) => name.startsWith("progress/"))).toHaveLength(4);
    expect(names(all[0]!, "eval").some((name) => name.startsWith("forgetting/"))).toBe(false);
    const last = all[25]!.find(({ split, name }) => split === "eval" && name === "a")!;
    expect(last.metrics["forgetting/certain_drop"]).toBeCloseTo(0.5, 12);
    const overall: MetricRecord = { ...train(31, "all", 1), scope: "all" };
    expect(trends.add([overall])).toEqual([overall]);
  });

  it("replaces the evaluation of a step that is evaluated again", () => {
    const trends = createRunTrends();
    trends.observe([evaluation(0, "a", 0.9), evaluation(0, "b", 0.1), evaluation(5, "a", 0.2)]);
    const [again] = trends.add([evaluation(5, "a", 0.8), evaluation(5, "b", 0.1)]);
    expect(again!.metrics["forgetting/drop"]).toBeCloseTo(0.1, 12);
  });
});
