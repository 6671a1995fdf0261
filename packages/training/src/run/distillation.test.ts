/** Whole runs with a teacher: that the policy comes nearer to it, and that an interrupted run ends the same. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFunctionRewardSource } from "@v-triune/rewards";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DistillationConfig, TrainingConfig } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import { runTraining } from "./run-training";

const DEFAULTS = { updateRate: 0.05, picture: "whole", divergence: null } as const;
const folder = mkdtempSync(join(tmpdir(), "v-triune-distillation-"));
const teacher = join(folder, "teacher/checkpoints/step-000001");
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 4);
  // Other random weights, as a model folder.
  await runTraining({ ...config("teacher"), run: { ...config("teacher").run, seed: 77, steps: 1 } });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(name: string, distillation: Partial<DistillationConfig> | null = null): TrainingConfig {
  const settings = distillation && { teacher, weight: 1, rewards: false, clamp: null, ...DEFAULTS, ...distillation };
  return {
    ...base,
    run: { ...base.run, name, folder: join(folder, name) },
    data: { ...base.data, eval: [] },
    algorithm: { ...base.algorithm, entropyCoefficient: 0, distillation: settings },
    optimizer: { ...base.optimizer, lr: 3e-3, groups: groupsAt(3e-3) },
    checkpoint: { every: 1, keep: null, keepBest: null },
  };
}
const groupsAt = (lr: number): TrainingConfig["optimizer"]["groups"] => ({
  vision: { lr, freeze: true },
  connector: { lr, freeze: true },
  language: { lr, freeze: false },
});
const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path));
const steps = (name: string): Readonly<Record<string, number>>[] =>
  read(name, "metrics.jsonl")
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { scope: string; metrics: Record<string, number> })
    .filter(({ scope }) => scope === "all")
    .map(({ metrics }) => metrics);

describe("a run with a teacher", () => {
  it.each([
    ["whole", null, "kl"],
    ["over the likeliest tokens", { over: "policy", topK: 8, alpha: 0.5, tail: true }, "divergence"],
    ["over the teacher's likeliest tokens", { over: "teacher", topK: 8, alpha: 0, tail: true }, "divergence"],
  ] as const)(
    "comes nearer to it without a reward, %s, also with one answer per prompt",
    async (name, divergence, by) => {
      const whole = config(name, { divergence });
      // Nothing judges: the verdicts are all faults.
      const rewards = createFunctionRewardSource(() => Promise.reject(new Error("nobody judges")));
      const longer = {
        ...whole,
        run: { ...whole.run, steps: 12 },
        rollout: { ...whole.rollout, n: 1, promptsPerStep: 16 },
      };
      await runTraining({ ...longer, update: { ...longer.update, miniBatch: 16 } }, { rewards });
      const found = steps(name).map((metrics) => metrics[`distillation/${by}`]!);
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(found).toHaveLength(12);
      expect(mean(found.slice(0, 3))).toBeGreaterThan(0);
      expect(mean(found.slice(-3))).toBeLessThan(0.8 * mean(found.slice(0, 3)));
      expect(steps(name)[0]!["actor/grad_norm"]).toBeGreaterThan(0);
    },
  );

  it.each<[string, Partial<DistillationConfig>]>([
    ["by the written token", { rewards: true, weight: 0.5, clamp: 2 }],
    [
      "by itself, over the likeliest tokens",
      {
        teacher: "self",
        rewards: true,
        updateRate: 0.3,
        divergence: { over: "policy", topK: 8, alpha: 0.5, tail: true },
      },
    ],
  ])("ends with the same bytes when it was stopped, with one thread or two, %s", async (name, settings) => {
    const [even, stopped] = [`even ${name}`, `stopped ${name}`];
    await runTraining(config(even, settings));
    const interruption = { requested: false };
    await runTraining(config(stopped, settings), {
      interruption,
      listen: ({ type }) => (interruption.requested ||= type === "step"),
    });
    await runTraining({ ...config(stopped, settings), workers: 2 }, { resume: true });
    for (const file of readdirSync(join(folder, even, "rollouts")))
      expect(read(stopped, "rollouts", file).equals(read(even, "rollouts", file)), file).toBe(true);
    const checkpoint = ["checkpoints", "step-000004"] as const;
    const saved = readdirSync(join(folder, even, ...checkpoint)).filter((file) => file.endsWith(".safetensors"));
    expect(saved.includes("teacher.safetensors")).toBe(settings.teacher === "self");
    for (const file of saved)
      expect(read(stopped, ...checkpoint, file).equals(read(even, ...checkpoint, file)), file).toBe(true);
    const own = steps(even);
    expect(own[0]!["distillation/taught"]).toBe(1);
    // At first the teacher is the policy itself; then it lags behind.
    if (settings.teacher === "self") {
      expect(Math.abs(own[0]!["distillation/divergence"]!)).toBeLessThan(1e-6);
      expect(own.at(-1)!["distillation/divergence"]).toBeGreaterThan(1e-6);
    }
  });

  it("refuses a teacher with other tokens, or none at all, before the first step", async () => {
    const other = join(folder, "other-teacher");
    cpSync(teacher, other, { recursive: true });
    const file = join(other, "tokenizer.json");
    const tokenizer = JSON.parse(readFileSync(file, "utf8")) as { added_tokens: unknown[] };
    writeFileSync(file, JSON.stringify({ ...tokenizer, added_tokens: tokenizer.added_tokens.slice(1) }));
    await expect(runTraining(config("refused", { teacher: other }))).rejects.toMatchObject({
      where: expect.stringContaining("algorithm.distillation.teacher") as unknown,
    });
    await expect(runTraining(config("missing", { teacher: join(folder, "none") }))).rejects.toThrow(/none/);
  });
});
