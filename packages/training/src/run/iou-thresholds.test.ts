/** Whole runs whose IoU threshold is adaptive or belongs to sources and samples: what they judge at, and resuming. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RewardRequest, type RewardSource, createFunctionRewardSource } from "@v-triune/rewards";
import type { Sample } from "@v-triune/schema";
import { DEFAULT_ADAPTIVE_IOU, type AdaptiveIouState } from "@v-triune/verifiers";
import { EPSILON_RECALL, MEAN_IOU } from "@v-triune/verifiers/detection";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IouConfig, TrainingConfig } from "../config/training-config";
import { iouThresholds } from "../data/iou-thresholds";
import { tinyRun } from "../testing/tiny-run";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-iou-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 5);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A tiny policy of random weights draws no boxes, so a function of question and answer says how far they overlap. */
function rewards(seen: RewardRequest[] = [], metrics = true): RewardSource {
  return createFunctionRewardSource((request) => {
    seen.push(request);
    const text = `${request.response} ${request.sample.groundTruth}`;
    let hash = 7;
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
    const overlap = (Math.abs(hash) % 100) / 100;
    const hit = overlap >= Number(request.sample.params?.["epsilon"]) ? 1 : 0;
    return {
      status: "scored",
      reward: hit,
      accuracy: hit,
      format: 1,
      metrics: (metrics && request.verifier === "detection"
        ? { [MEAN_IOU]: overlap, [EPSILON_RECALL]: hit }
        : {}) as Record<string, number>,
    };
  });
}

/** Rises whenever the window of two groups is full. */
const eager: IouConfig = {
  schedule: "adaptive",
  ...DEFAULT_ADAPTIVE_IOU,
  window: 2,
  margin: 0,
  stages: [{ from: 0, rise: 0.05, accuracy: 0.3, deviation: 1 }],
  bySource: null,
};

function config(name: string, iou: IouConfig, rollout: Partial<TrainingConfig["rollout"]> = {}): TrainingConfig {
  return {
    ...base,
    run: { ...base.run, name, folder: join(folder, name) },
    rollout: { ...base.rollout, promptsPerStep: 6, ...rollout },
    update: { ...base.update, miniBatch: 6 },
    data: { ...base.data, eval: [] },
    reward: { ...base.reward, iou },
    checkpoint: { every: 1, keep: null, keepBest: null },
  };
}

interface Line {
  readonly step: number;
  readonly scope: string;
  readonly name: string;
  readonly metrics: Readonly<Record<string, number>>;
}
const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path));
const records = (name: string): Line[] =>
  read(name, "metrics.jsonl")
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line)
    .map((record) => ({
      ...record,
      metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
    }));
const saved = (name: string, step: number): Readonly<Record<string, AdaptiveIouState>> =>
  (JSON.parse(read(name, "checkpoints", `step-00000${step}`, "state.json").toString()) as { iou: never }).iou;

function expectSame(name: string, whole: string): void {
  expect(records(name)).toEqual(records(whole));
  for (let step = 1; step <= 5; step++) {
    expect(saved(name, step)).toEqual(saved(whole, step));
    const model = ["checkpoints", `step-00000${step}`, "model.safetensors"] as const;
    expect(read(name, ...model).equals(read(whole, ...model)), `${step}`).toBe(true);
  }
  for (const file of readdirSync(join(folder, whole, "rollouts")))
    expect(read(name, "rollouts", file).equals(read(whole, "rollouts", file)), file).toBe(true);
}

const run = (of: TrainingConfig, options: Parameters<typeof runTraining>[1] = {}) =>
  runTraining(of, { rewards: rewards(), ...options });

const cases: readonly (readonly [string, Partial<TrainingConfig["rollout"]>])[] = [
  ["plain", {}],
  ["async", { asyncLevel: 1 }],
  ["dynamic", { dynamicSampling: { enabled: true, maxRounds: 3 } }],
];

describe.each(cases)("a run with an adaptive IoU threshold (%s)", (name, rollout) => {
  it("ends with the same bytes when it was stopped or killed, with one thread or two", async () => {
    await run(config(name, eager, rollout));
    const interruption = { requested: false };
    await run(config(`${name}-stopped`, eager, rollout), {
      interruption,
      listen: (event) => (interruption.requested ||= event.type === "step" && event.summary.step === 2),
    });
    await run({ ...config(`${name}-stopped`, eager, rollout), workers: 2 }, { resume: true });
    expectSame(`${name}-stopped`, name);
    // As after a kill: what was written after the checkpoint is still there.
    cpSync(join(folder, name), join(folder, `${name}-killed`), { recursive: true });
    for (const step of [4, 5])
      rmSync(join(folder, `${name}-killed`, "checkpoints", `step-00000${step}`), { recursive: true });
    await run(config(`${name}-killed`, eager, rollout), { resume: true });
    expectSame(`${name}-killed`, name);
    // Something rose, or all of this shows nothing.
    expect(Object.values(saved(name, 5)).some(({ threshold }) => threshold > 0.3)).toBe(true);
  });
});

describe("thresholds", () => {
  it("are by source what the checkpoint before the step says, and stand in the metrics", () => {
    for (const { step, scope, name, metrics } of records("plain")) {
      if (scope !== "source") continue;
      const [before, after] = [step === 1 ? undefined : saved("plain", step - 1)[name], saved("plain", step)[name]];
      if (after === undefined) {
        expect(Object.keys(metrics).filter((key) => key.startsWith("reward/iou"))).toEqual([]);
        continue;
      }
      expect(metrics["reward/iou_epsilon"]).toBe(before?.threshold ?? 0.3);
      expect(metrics["reward/iou_next_epsilon"]).toBe(after.threshold);
      expect(metrics["reward/iou_window/groups"]).toBe(after.window.length);
    }
  });

  it("reach what judges as numbers, with the request to report overlaps", async () => {
    const seen: RewardRequest[] = [];
    const bySource = { demo_detect: { schedule: [{ until: 1, epsilon: "average" as const }] } };
    await run(config("requests", { ...eager, bySource }), { rewards: rewards(seen) });
    const of = (source: string) => seen.filter(({ sample }) => sample.dataSource === source);
    expect(new Set(of("demo_detect").map(({ sample }) => sample.params?.["epsilon"]))).toEqual(new Set(["average"]));
    const others = new Set(of("demo_ground").map(({ sample }) => sample.params?.["epsilon"]));
    expect(others.size).toBeGreaterThan(1);
    for (const epsilon of others) expect(epsilon).toBeGreaterThanOrEqual(0.3);
    expect(seen.every(({ sample }) => sample.params?.["report_overlap"] === true)).toBe(true);
  });

  it("of a sample go before those of its source, and follow the steps", () => {
    const bySource = { a: { schedule: [{ until: 1, epsilon: 0.7 }] } };
    const at = (step: number, source: string, own?: Sample["reward_model"]["verifier_parm"]["iou_schedule"]) => {
      const parm = own === undefined ? {} : { iou_schedule: own };
      const sample = { data_source: source, reward_model: { verifier_parm: parm } } as unknown as Sample;
      return iouThresholds(
        { ...eager, bySource },
        { step, steps: 10, states: { b: { threshold: 0.6, window: [] } } },
      )(sample);
    };
    const own = [
      { until: 0.5, epsilon: 0.1 },
      { until: 1, epsilon: 0.2 },
    ];
    expect([at(1, "a"), at(1, "b"), at(1, "c"), at(1, "constructor")]).toEqual([0.7, 0.6, 0.3, 0.3]);
    expect([at(5, "a", own), at(6, "a", own), at(1, "b", own), at(1, "b", null)]).toEqual([0.1, 0.2, 0.1, 0.6]);
  });

  it("of fixed stages are as before: no further parameter, metric or state", async () => {
    const seen: RewardRequest[] = [];
    const iou: IouConfig = { schedule: [{ until: 1, epsilon: 0.5 }], bySource: null };
    await run(config("fixed", iou), { rewards: rewards(seen) });
    expect(seen.some(({ sample }) => "report_overlap" in (sample.params ?? {}))).toBe(false);
    expect(saved("fixed", 5)).toBeUndefined();
    const named = records("fixed").filter(({ metrics }) => "reward/iou_epsilon" in metrics);
    expect(named.map(({ scope }) => scope)).toEqual(["all", "all", "all", "all", "all"]);
  });

  it("say so when what judges does not report overlaps", async () => {
    await expect(run(config("silent", eager), { rewards: rewards([], false) })).rejects.toMatchObject({
      name: "ConfigError",
      where: "reward.iou",
      found: expect.stringContaining("without them") as unknown,
    });
  });

  it("of a source that the data do not have are refused before the first step", async () => {
    const bySource = { demo_detct: { schedule: [{ until: 1, epsilon: 0.5 }] } };
    await expect(run(config("unknown", { ...eager, bySource }))).rejects.toMatchObject({
      name: "ConfigError",
      where: "reward.iou.bySource.demo_detct",
      fix: "write demo_detect",
    });
  });
});
