/**
 * Every choice of the recipe in a real step of a real run: it must be accepted, compute, and leave finite numbers and
 * other weights.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetricRecord } from "@v-triune/monitor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import { PRESETS } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-recipe-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Input = Parameters<typeof resolveTrainingConfig>[0];
let base: Input;
beforeAll(async () => {
  const { model, data, reward, backend } = await tinyRun(folder, "base", 2);
  writeFileSync(join(folder, "pool.yaml"), "free:\n  think: [Think.]\n  answer: ['Put it in \\boxed{}.']\n");
  base = {
    model,
    data: { train: data.train, eval: null },
    rollout: { promptsPerStep: 4, n: 3, maxNewTokens: 8 },
    reward: { iou: reward.iou },
    // Random weights rarely earn a reward; the entropy term moves them all the same.
    algorithm: { entropyCoefficient: 0.01 },
    optimizer: { lr: 1e-3 },
    monitor: { rollouts: { every: null } },
    promptPool: { enabled: false },
    backend,
    workers: 1,
  } as unknown as Input;
});

/** Sections are merged key by key. */
function merged(over: Readonly<Record<string, unknown>>): Input {
  const sections = base as unknown as Readonly<Record<string, unknown>>;
  const both = Object.keys({ ...sections, ...over }).map((key) => {
    const [under, above] = [sections[key], over[key]];
    return [
      key,
      typeof under === "object" && typeof above === "object" ? { ...under, ...above } : (above ?? under),
    ] as const;
  });
  return Object.fromEntries(both) as unknown as Input;
}
let count = 0;

/** The last step's numbers for the run as a whole. */
async function lastStep(over: Record<string, unknown>): Promise<MetricRecord["metrics"]> {
  count += 1;
  const path = join(folder, `run-${count}`);
  const input = merged({ ...over, run: { steps: 1, seed: 5, folder: path } });
  await runTraining(resolveTrainingConfig(input, folder));
  const records = readFileSync(join(path, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MetricRecord);
  const { metrics } = records.findLast(({ scope, split }) => scope === "all" && split === "train")!;
  for (const [name, value] of Object.entries(metrics)) expect(Number.isFinite(value), `${name} is ${value}`).toBe(true);
  return metrics;
}
const moves = (metrics: MetricRecord["metrics"]): void => expect(metrics["actor/grad_norm"]).toBeGreaterThan(0);
const algorithm = (settings: object) => ({ algorithm: { entropyCoefficient: 0.01, ...settings } });

describe("the recipe, choice by choice", () => {
  it.each(["grpo", "dr-grpo", "rloo", "gdpo", "reinforce++", "reinforce++-baseline"])(
    "advantage %s, also by source",
    async (advantage) => {
      moves(await lastStep(algorithm({ advantage, perSource: true })));
    },
  );

  it.each(["ppo", "gspo", "cispo", "gmpo", "sapo"])("loss %s, with several updates a step", async (loss) => {
    const metrics = await lastStep({ ...algorithm({ loss }), update: { miniBatch: 2, epochs: 2 } });
    moves(metrics);
    expect(metrics["actor/ratio_mean"]).toBeGreaterThan(0);
  });

  it.each(["token-mean", "token-sum", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"])(
    "aggregation %s",
    async (aggregation) => {
      moves(await lastStep(algorithm({ aggregation })));
    },
  );

  it.each(["k1", "k2", "k3", "mse", "abs"])(
    "KL %s to the reference, in the loss and in the reward",
    async (estimator) => {
      expect(await lastStep(algorithm({ kl: { coefficient: 0.1, estimator, in: "loss" } }))).toHaveProperty([
        "actor/kl_loss",
      ]);
      expect(await lastStep(algorithm({ kl: { coefficient: 0.1, estimator, in: "reward" } }))).toHaveProperty([
        "actor/reward_kl_penalty",
      ]);
    },
  );

  it.each(["constant", "linear", "cosine"])("schedule %s after a warm-up", async (schedule) => {
    const metrics = await lastStep({ optimizer: { lr: 1e-3, schedule, warmupRatio: 0.5 }, update: { miniBatch: 1 } });
    expect(metrics["actor/lr/language"]).toBeLessThanOrEqual(1e-3);
  });

  it("trains the parts that are not frozen, each at its rate", async () => {
    const metrics = await lastStep({
      optimizer: {
        lr: 1e-3,
        warmupRatio: 0,
        groups: {
          vision: { freeze: false, lr: 1e-4 },
          connector: { freeze: false, lr: 5e-4 },
          language: { freeze: false },
        },
      },
    });
    expect(metrics).toMatchObject({
      "actor/lr/vision": expect.closeTo(1e-4, 9) as number,
      "actor/lr/connector": expect.closeTo(5e-4, 9) as number,
      "actor/lr/language": expect.closeTo(1e-3, 9) as number,
    });
    expect(metrics["actor/grad_norm/layer/vision.0"]).toBeGreaterThan(0);
  });

  it("learns otherwise where cut answers are masked", async () => {
    const [masked, all] = [await lastStep({ algorithm: { maskTruncated: true } }), await lastStep({})];
    expect(masked["response_length/clip_ratio"]).toBeGreaterThan(0.5);
    expect(masked["response_length/clip_ratio"]).toBe(all["response_length/clip_ratio"]);
    expect(masked["actor/grad_norm"]).not.toBe(all["actor/grad_norm"]);
  });

  it("penalizes long answers, samples until there is signal, reads a custom pool", async () => {
    const metrics = await lastStep({
      reward: { overlong: { buffer: 4, penalty: 1 } },
      rollout: { promptsPerStep: 4, n: 3, maxNewTokens: 8, dynamicSampling: { enabled: true, maxRounds: 2 } },
      promptPool: { enabled: true, file: "pool.yaml" },
    });
    expect(metrics).toHaveProperty(["reward/overlong/mean"]);
    expect(metrics["rollout/rounds"]).toBeGreaterThanOrEqual(1);
    expect(metrics).toHaveProperty(["rollout/stripped_image_tokens/mean"]);
  });

  it.each(PRESETS)("preset %s in small", async (preset) => {
    moves(await lastStep({ preset, rollout: { promptsPerStep: 4, n: 3, maxNewTokens: 8 }, update: { miniBatch: 2 } }));
  });
});
