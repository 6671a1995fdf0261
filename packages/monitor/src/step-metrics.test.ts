import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Verdict } from "@v-triune/verifiers";
import { createStepMetrics, type RolloutRecord, type StepMetricsOptions } from "./step-metrics";
import type { MetricRecord } from "./metric-record";

const rollout = (over: Partial<RolloutRecord> & { accuracy?: number; format?: number } = {}): RolloutRecord => {
  const { accuracy = 1, format = 1, ...rest } = over;
  return {
    dataSource: "clevr",
    task: "counting",
    group: 0,
    verdict: { status: "scored", accuracy, format, metrics: {} },
    reward: accuracy,
    response: "three",
    responseTokens: 10,
    truncated: false,
    ...rest,
  };
};

function aggregate(records: readonly RolloutRecord[], options?: StepMetricsOptions): Map<string, MetricRecord> {
  const metrics = createStepMetrics(options);
  for (const record of records) metrics.add(record);
  return new Map(metrics.finish(1).map((record) => [`${record.scope} ${record.name}`, record]));
}

describe("createStepMetrics", () => {
  it("gives a record a source, a task, and one for all, in that order", () => {
    const metrics = createStepMetrics();
    metrics.add(rollout({ dataSource: "virl39k", task: "science" }));
    metrics.add(rollout({ dataSource: "virl39k", task: "chart" }));
    metrics.add(rollout());
    const records = metrics.finish(7, { "actor/pg_loss": 0.5 });
    expect(records.map(({ step, split, scope, name, task }) => [step, split, scope, name, task])).toEqual([
      [7, "train", "source", "virl39k", undefined],
      [7, "train", "source", "clevr", "counting"],
      [7, "train", "task", "science", "science"],
      [7, "train", "task", "chart", "chart"],
      [7, "train", "task", "counting", "counting"],
      [7, "train", "all", "all", undefined],
    ]);
    expect(records.at(-1)!.metrics["actor/pg_loss"]).toBe(0.5);
    expect(records[0]!.metrics["actor/pg_loss"]).toBeUndefined();
  });

  it("splits the variance of rewards into that within groups and that between them", () => {
    const all = aggregate([
      ...[0, 1, 1, 0].map((reward) => rollout({ group: 0, reward })),
      ...[1, 1, 1, 1].map((reward) => rollout({ group: 1, reward, dataSource: "gqa" })),
      rollout({ group: 1, reward: null, verdict: { status: "error", reason: "x" } }),
    ]);
    const of = (name: string) => all.get(name)!.metrics;
    expect(of("source clevr")["group/reward_variance_within"]).toBe(0.25);
    expect(of("source clevr")["group/reward_variance_between"]).toBe(0);
    expect(of("source gqa")["group/reward_variance_within"]).toBe(0);
    const { "group/reward_variance_within": within, "group/reward_variance_between": between } = of("all all");
    expect([within, between]).toEqual([0.125, 0.0625]);
    expect(within! + between!).toBeCloseTo(of("all all")["critic/rewards/std"]! ** 2, 12);
  });

  it("says how much of the batch teaches, and each source's share of the gradient", () => {
    const all = aggregate([
      rollout({ gradientWeight: 6 }),
      rollout({ gradientWeight: 0 }),
      rollout({ gradientWeight: 2, dataSource: "gqa", group: 1 }),
      rollout({ gradientWeight: 0, dataSource: "empty", group: 2 }),
    ]);
    const of = (name: string) => {
      const { "batch/effective_ratio": effective, "batch/gradient_share": share } = all.get(name)!.metrics;
      return [effective, share];
    };
    expect(of("source clevr")).toEqual([0.5, 0.75]);
    expect(of("source gqa")).toEqual([1, 0.25]);
    expect(of("source empty")).toEqual([0, 0]);
    expect(of("all all")).toEqual([0.5, 1]);
    // Nothing teaches: there is nothing to have a share of. Without weights, as in evaluation, there is neither.
    expect(aggregate([rollout({ gradientWeight: 0 })]).get("all all")!.metrics).not.toHaveProperty(
      "batch/gradient_share",
    );
    expect(Object.keys(aggregate([rollout()]).get("all all")!.metrics).some((name) => name.startsWith("batch/"))).toBe(
      false,
    );
  });

  it("is empty again after a step", () => {
    const metrics = createStepMetrics();
    metrics.add(rollout());
    metrics.finish(1);
    expect(metrics.finish(2)).toEqual([
      { step: 2, split: "train", scope: "all", name: "all", metrics: expect.objectContaining({ "rollouts/count": 0 }) },
    ]);
  });

  it("takes rewards over scored rollouts only: what was left out is counted, never a zero", () => {
    const all = aggregate([
      rollout({ reward: 0.8 }),
      rollout({ reward: 0.4, accuracy: 0 }),
      rollout({ verdict: { status: "skipped", reason: "the gold answer can't be parsed" }, reward: null }),
      rollout({ verdict: { status: "error", reason: "deadline" }, reward: null }),
      rollout({ verdict: { status: "error", reason: "deadline" }, reward: null }),
    ]).get("all all")!;
    expect(all.metrics["critic/rewards/mean"]).toBeCloseTo(0.6, 12);
    expect(all.metrics["critic/rewards/std"]).toBeCloseTo(0.2, 12);
    expect(all.metrics).toMatchObject({
      "critic/rewards/min": 0.4,
      "critic/rewards/max": 0.8,
      "reward/accuracy/mean": 0.5,
      "verdict/scored": 2,
      "verdict/skipped": 1,
      "verdict/error": 2,
      "verdict/error_ratio": 0.4,
      "correct/ratio": 0.5,
    });
    expect(all.reasons).toEqual({ "skipped: the gold answer can't be parsed": 1, "error: deadline": 2 });
  });

  it("counts answers whose boxes look like another convention, and averages them into nothing", () => {
    const doubtful = { status: "scored", accuracy: 0, format: 1, metrics: { other_box_convention: 1 } } as const;
    const inPart = { ...doubtful, metrics: { "boxes/other_box_convention": 1 } };
    const all = (...verdicts: Verdict[]) =>
      aggregate(verdicts.map((verdict) => rollout({ verdict, reward: 0 }))).get("all all")!.metrics;
    const plain = { ...doubtful, metrics: {} };
    const metrics = all(doubtful, inPart, plain, plain);
    expect(metrics).toMatchObject({ "boxes/other_convention": 2, "boxes/other_convention_ratio": 0.5 });
    expect(Object.keys(metrics).filter((name) => name.startsWith("verifier/"))).toEqual([]);
    expect(all(plain)).not.toHaveProperty(["boxes/other_convention"]);
  });

  it("counts an undecided answer as a wrong one, and apart", () => {
    const undecided = { status: "scored", accuracy: 0, format: 1, metrics: {}, reason: "undecided" } as const;
    const { metrics } = aggregate([rollout({ reward: 1 }), rollout({ verdict: undecided, reward: 0 })]).get("all all")!;
    expect(metrics).toMatchObject({
      "critic/rewards/mean": 0.5,
      "verdict/scored": 2,
      "verdict/undecided": 1,
      "verdict/undecided_ratio": 0.5,
      "verdict/error": 0,
    });
  });

  it("keeps free-text reasons from growing without bound", () => {
    const records = Array.from({ length: 100 }, (_, i) =>
      rollout({ verdict: { status: "error", reason: `line ${i}` }, reward: null }),
    );
    const { reasons } = aggregate(records).get("source clevr")!;
    expect(Object.keys(reasons!)).toHaveLength(21);
    expect(Object.values(reasons!).reduce((a, b) => a + b)).toBe(100);
  });

  it("splits length by correct and wrong, boxes at the stated threshold", () => {
    const boxes = (accuracy: number, responseTokens: number) =>
      rollout({ dataSource: "coco", task: "detection", accuracy, responseTokens });
    const records = [boxes(0.7, 30), boxes(0.5, 20), boxes(0.4, 5), rollout({ accuracy: 0.7, responseTokens: 9 })];
    const half = aggregate(records);
    expect(half.get("source coco")!.metrics).toMatchObject({
      "response_length/correct/mean": 25,
      "response_length/wrong/mean": 5,
    });
    expect(half.get("source coco")!.metrics["correct/ratio"]).toBeCloseTo(2 / 3, 12);
    // Anything but 1 is wrong where the answer is not a box.
    expect(half.get("source clevr")!.metrics["correct/ratio"]).toBe(0);
    expect(aggregate(records, { boxThreshold: 0.6 }).get("source coco")!.metrics["response_length/correct/mean"]).toBe(
      30,
    );
  });

  it("counts reflection among correct and wrong, and correctness with and without it", () => {
    const records = [
      rollout({ response: "Wait, let me re-check again. Three." }),
      rollout({ response: "three" }),
      rollout({ response: "four, I should verify", accuracy: 0 }),
      rollout({ response: "four", accuracy: 0 }),
      rollout({ response: "five", accuracy: 0 }),
    ];
    expect(aggregate(records).get("source clevr")!.metrics).toMatchObject({
      "reflection/ratio": 0.4,
      "reflection/ratio_correct": 0.5,
      "reflection/ratio_wrong": 1 / 3,
      "reflection/correct_with": 0.5,
      "reflection/correct_without": 1 / 3,
      "reflection/word/wait": 1,
      "reflection/word/re-check": 1,
      "reflection/word/check_again": 1,
      "reflection/word/verify": 1,
    });
  });

  it("tells groups without signal: equal rewards, or fewer than two scored", () => {
    const left = { verdict: { status: "skipped", reason: "x" } as const, reward: null };
    const records = [
      rollout({ group: "a", reward: 1 }),
      rollout({ group: "a", reward: 0 }),
      rollout({ group: "b", reward: 0.5 }),
      rollout({ group: "b", reward: 0.5 }),
      rollout({ group: "c", reward: 1 }),
      rollout({ group: "c", ...left }),
      rollout({ group: "d", ...left }),
    ];
    expect(aggregate(records).get("all all")!.metrics).toMatchObject({
      "group/count": 4,
      "group/zero_signal_ratio": 0.75,
    });
  });

  it("reports components, the verifier's own numbers, truncation and stripped tokens", () => {
    const all = aggregate([
      rollout({
        verdict: { status: "scored", accuracy: 1, format: 0.5, metrics: { map50: 0.5, "iou/mean": 0.25 } },
        components: { overlong: -0.5 },
        truncated: true,
        strippedTokens: 2,
        promptTokens: 7,
      }),
      rollout({
        verdict: { status: "scored", accuracy: 1, format: 1, metrics: { map50: 1 } },
        components: { overlong: 0 },
        strippedTokens: 0,
        promptTokens: 9,
      }),
    ]).get("all all")!;
    expect(all.metrics).toMatchObject({
      "verifier/map50/mean": 0.75,
      "verifier/iou/mean/mean": 0.25,
      "reward/overlong/mean": -0.25,
      "reward/format/mean": 0.75,
      "response_length/clip_ratio": 0.5,
      "rollout/stripped_image_tokens/mean": 1,
      "prompt_length/max": 9,
    });
  });

  it("counts numbers that are not finite instead of letting them spoil a mean", () => {
    const { metrics } = aggregate([rollout({ reward: Number.NaN }), rollout({ reward: 0.5 })]).get("all all")!;
    expect(metrics["critic/rewards/mean"]).toBe(0.5);
    expect(metrics["metrics/not_finite"]).toBe(1);
  });

  it("keeps the first correct and wrong answers as examples, shortened", () => {
    const metrics = createStepMetrics({ examplesPerSource: 1 });
    metrics.add(rollout({ response: "x".repeat(5000), sampleId: "s1" }));
    metrics.add(rollout({ response: "second" }));
    metrics.add(rollout({ response: "wrong", accuracy: 0 }));
    expect(metrics.examples().map(({ response, correct, sampleId }) => [response.length, correct, sampleId])).toEqual([
      [2000, true, "s1"],
      [5, false, undefined],
    ]);
    metrics.finish(1);
    expect(metrics.examples()).toEqual([]);
  });

  it("gives quantiles of the length as numpy does", () => {
    const { metrics } = aggregate([1, 2, 3, 10].map((responseTokens) => rollout({ responseTokens }))).get("all all")!;
    expect(metrics).toMatchObject({
      "response_length/p50": 2.5,
      "response_length/min": 1,
      "response_length/max": 10,
      "response_length/mean": 4,
    });
    expect(metrics["response_length/p90"]).toBeCloseTo(7.9, 12);
  });

  it("does not depend on the order of the rollouts, and all is the weighted mean of the sources", () => {
    const arbitrary = fc.array(
      fc.record({
        dataSource: fc.constantFrom("a", "b", "c"),
        accuracy: fc.constantFrom(0, 0.25, 1),
        group: fc.nat(5),
        responseTokens: fc.integer({ min: 1, max: 50 }),
        response: fc.constantFrom("wait", "no"),
      }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(arbitrary, (list) => {
        // A prompt belongs to one source.
        const records = list.map((entry) => rollout({ ...entry, group: `${entry.dataSource}${entry.group}` }));
        const forward = aggregate(records);
        const backward = aggregate([...records].reverse());
        for (const [key, record] of forward) {
          const other = backward.get(key)!.metrics;
          expect(Object.keys(other).sort()).toEqual(Object.keys(record.metrics).sort());
          for (const name in record.metrics) expect(other[name]).toBeCloseTo(record.metrics[name]!, 9);
        }
        const sources = [...forward.values()].filter(({ scope }) => scope === "source");
        const weighted =
          sources.reduce((sum, { metrics }) => sum + metrics["critic/rewards/mean"]! * metrics["verdict/scored"]!, 0) /
          records.length;
        expect(forward.get("all all")!.metrics["critic/rewards/mean"]).toBeCloseTo(weighted, 9);
      }),
      { numRuns: 50 },
    );
  });
});
