/** Whole runs whose samples are drawn by their difficulty: what they draw, and that an interrupted one ends the same. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSafetensors } from "@v-triune/policy";
import { type RewardSource, createFunctionRewardSource } from "@v-triune/rewards";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DIFFICULTY_DEFAULTS } from "../config/default-config";
import type { TrainingConfig } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-difficulty-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 4);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A tiny policy of random weights is never right, so a function of question and answer judges. */
const rewards = (): RewardSource =>
  createFunctionRewardSource(({ response, sample }) => {
    const text = `${response} ${JSON.stringify(sample)}`;
    let hash = 7;
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
    return Math.abs(hash) % 3 === 0 ? 1 : 0;
  });

const difficulty = { ...DIFFICULTY_DEFAULTS, floor: 0.1 };

function config(name: string, rollout: Partial<TrainingConfig["rollout"]> = {}): TrainingConfig {
  return {
    ...base,
    run: { ...base.run, name, folder: join(folder, name) },
    rollout: { ...base.rollout, ...rollout },
    data: { ...base.data, eval: [], sampling: { difficulty } },
    checkpoint: { every: 1, keep: null, keepBest: null },
  };
}

const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path));
const records = (name: string) =>
  read(name, "metrics.jsonl")
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { scope: string; name: string; metrics: Record<string, number> })
    .map((record) => ({
      ...record,
      metrics: Object.fromEntries(Object.entries(record.metrics).filter(([key]) => !/^(timing_s|perf)\//.test(key))),
    }));

/** Metrics, stored rollouts and every file of every checkpoint. */
function expectSame(name: string, whole: string): void {
  expect(records(name)).toEqual(records(whole));
  for (const file of readdirSync(join(folder, whole, "rollouts")))
    expect(read(name, "rollouts", file).equals(read(whole, "rollouts", file)), file).toBe(true);
  for (const step of readdirSync(join(folder, whole, "checkpoints")))
    for (const file of readdirSync(join(folder, whole, "checkpoints", step)))
      // What is ready says how long it took to make.
      if (file !== "state.json" && file !== "ready-rollouts.jsonl")
        expect(
          read(name, "checkpoints", step, file).equals(read(whole, "checkpoints", step, file)),
          `${step}/${file}`,
        ).toBe(true);
}

const run = (of: TrainingConfig, options: Parameters<typeof runTraining>[1] = {}) =>
  runTraining(of, { rewards: rewards(), ...options });

async function stopAfter(of: TrainingConfig, step: number): Promise<void> {
  const interruption = { requested: false };
  await run(of, {
    interruption,
    listen: (event) => (interruption.requested ||= event.type === "step" && event.summary.step === step),
  });
}

/** As after a kill: what was written after the checkpoint of step `at` is still there, later checkpoints are not. */
function killAt(whole: string, name: string, at: number, steps: number): void {
  cpSync(join(folder, whole), join(folder, name), { recursive: true });
  for (let step = at + 1; step <= steps; step++)
    rmSync(join(folder, name, "checkpoints", `step-00000${step}`), { recursive: true });
}

const cases: readonly (readonly [string, Partial<TrainingConfig["rollout"]>])[] = [
  ["plain", {}],
  ["async", { asyncLevel: 1 }],
  ["dynamic", { dynamicSampling: { enabled: true, maxRounds: 3 } }],
  ["async-dynamic", { asyncLevel: 1, dynamicSampling: { enabled: true, maxRounds: 3 } }],
];

describe.each(cases)("a run that draws by difficulty (%s)", (name, rollout) => {
  it("ends with the same bytes when it was stopped or killed, with one thread or two", async () => {
    await run(config(name, rollout));
    await stopAfter(config(`${name}-stopped`, rollout), 2);
    await run({ ...config(`${name}-stopped`, rollout), workers: 2 }, { resume: true });
    expectSame(`${name}-stopped`, name);
    killAt(name, `${name}-killed`, 1, 4);
    await run(config(`${name}-killed`, rollout), { resume: true });
    expectSame(`${name}-killed`, name);
  });
});

describe("a run that draws by difficulty", () => {
  it("counts its samples by band and source, and keeps what it knows of them in its checkpoints", async () => {
    const all = records("plain").filter(({ scope }) => scope === "all");
    expect(all).toHaveLength(4);
    const { length } = readSaved("plain", 4).answers;
    for (const [step, { metrics }] of all.entries()) {
      const pools = ["unseen", "below_band", "in_band", "above_band", "left_out"];
      expect(pools.reduce((sum, pool) => sum + metrics[`sampling/${pool}`]!, 0)).toBe(length);
      expect(metrics["sampling/draws"]).toBe(4);
      expect(metrics["sampling/unseen"]).toBeLessThanOrEqual(length - step);
      expect(metrics["sampling/signal_ratio"]).toBeCloseTo(1 - metrics["group/zero_signal_ratio"]!);
    }
    const bySource = records("plain").filter(({ scope }) => scope === "source");
    for (const { metrics } of bySource) expect(metrics["sampling/draws"]).toBe(metrics["group/count"]);
    const { answers } = readSaved("plain", 4);
    expect([...answers].filter((count) => count > 0)).toHaveLength(length - all.at(-1)!.metrics["sampling/unseen"]!);
  });

  it("draws in another order than a uniform run, which has no such file and no such numbers", async () => {
    const uniform = config("uniform");
    await run({ ...uniform, data: { ...uniform.data, sampling: null } });
    expect(existsSync(join(folder, "uniform/checkpoints/step-000004/difficulty.safetensors"))).toBe(false);
    const names = records("uniform").flatMap(({ metrics }) => Object.keys(metrics));
    expect(names.filter((name) => name.startsWith("sampling/"))).toEqual([]);
    const [file] = readdirSync(join(folder, "uniform", "rollouts"));
    expect(read("plain", "rollouts", file!).equals(read("uniform", "rollouts", file!))).toBe(false);
  });

  it("refuses floors that are more than all draws before it writes a step", async () => {
    const many = config("floors");
    const run_ = run({ ...many, data: { ...many.data, sampling: { difficulty: { ...difficulty, floor: 0.3 } } } });
    await expect(run_).rejects.toMatchObject({ name: "ConfigError", where: "data.sampling.difficulty.floor" });
  });

  it("does not go on with data that have another number of rows", async () => {
    killAt("plain", "other-data", 2, 4);
    const other = config("other-data");
    cpSync(join(folder, "train.parquet"), join(folder, "train-kept.parquet"));
    // The files changed under the same name.
    cpSync(join(folder, "eval.parquet"), join(folder, "train.parquet"));
    try {
      await expect(run(other, { resume: true })).rejects.toMatchObject({ name: "RunFolderError" });
    } finally {
      cpSync(join(folder, "train-kept.parquet"), join(folder, "train.parquet"));
    }
  });
});

function readSaved(name: string, step: number): { readonly answers: Float32Array } {
  const reader = openSafetensors(join(folder, name, "checkpoints", `step-00000${step}`, "difficulty.safetensors"));
  try {
    return { answers: reader.readFloat32("answers").slice() };
  } finally {
    reader.close();
  }
}
