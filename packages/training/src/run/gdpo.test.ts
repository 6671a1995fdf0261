/** Whole runs with algorithm.advantage: gdpo: what is learned from, and that an interrupted run ends the same. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type RewardSource, createFunctionRewardSource } from "@v-triune/rewards";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-gdpo-"));
let base: TrainingConfig;
beforeAll(async () => {
  base = await tinyRun(folder, "base", 3);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A tiny policy of random weights is never right, so a function of question and answer judges. */
const rewards = (): RewardSource =>
  createFunctionRewardSource(({ response, sample }) => {
    let hash = 7;
    for (const char of `${response} ${sample.groundTruth}`) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0;
    const [accuracy, format] = [(Math.abs(hash) % 11) / 10, Math.abs(hash >> 8) % 2];
    return { status: "scored", reward: (accuracy + 0.1 * format) / 1.1, accuracy, format, metrics: {} };
  });

const config = (name: string): TrainingConfig => ({
  ...base,
  run: { ...base.run, name, folder: join(folder, name) },
  data: { ...base.data, eval: [] },
  algorithm: { ...base.algorithm, advantage: "gdpo", componentWeights: { format: 3 }, entropyCoefficient: 0 },
  checkpoint: { every: 1, keep: null, keepBest: null },
});
const run = (of: TrainingConfig, options: Parameters<typeof runTraining>[1] = {}) =>
  runTraining(of, { rewards: rewards(), ...options });
const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path));

interface StoredRow {
  readonly prompt: number;
  readonly accuracy: number;
  readonly format: number;
  readonly advantage: number;
  readonly tokens: number;
}

async function storedRows(name: string, step: number): Promise<StoredRow[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const file = join(folder, name, `rollouts/step-00000${step}.parquet`);
  const reader = await connection.runAndReadAll(
    `SELECT group_index::INT AS prompt, accuracy::DOUBLE AS accuracy, format::DOUBLE AS format, ` +
      `advantage::DOUBLE AS advantage, response_tokens::INT AS tokens FROM '${file}'`,
  );
  return reader.getRowObjectsJson() as unknown as StoredRow[];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1));

describe("a run with gdpo", () => {
  it("learns from the normalized sum of normalized components, on the first step by -Σ A / Σ tokens", async () => {
    await run(config("whole"));
    const rows = await storedRows("whole", 1);
    expect(rows).toHaveLength(12);
    const scores = rows.map(({ prompt, accuracy, format }) => {
      const group = rows.filter((row) => row.prompt === prompt);
      const standing = (value: number, values: readonly number[]): number =>
        values.every((other) => other === values[0]) ? 0 : (value - mean(values)) / (deviation(values) + 1e-6);
      const [ofAccuracy, ofFormat] = [group.map((row) => row.accuracy), group.map((row) => row.format)];
      // The demonstration's samples have ratios of 0.9 and 0.1; the configuration counts format three times.
      return 0.9 * standing(accuracy, ofAccuracy) + 0.3 * standing(format, ofFormat);
    });
    for (const [index, { advantage }] of rows.entries())
      expect(advantage).toBeCloseTo((scores[index]! - mean(scores)) / (deviation(scores) + 1e-6), 5);
    const lines = read("whole", "metrics.jsonl").toString().trim().split("\n");
    const { metrics } = lines
      .map((line) => JSON.parse(line) as { step: number; scope: string; metrics: Record<string, number> })
      .find(({ step, scope }) => step === 1 && scope === "all")!;
    const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
    const weighted = rows.reduce((sum, row) => sum + row.advantage * row.tokens, 0);
    expect(metrics["actor/pg_loss"]).toBeCloseTo(-weighted / tokens, 5);
    expect(metrics["actor/grad_norm"]).toBeGreaterThan(0);
  });

  it("ends with the same bytes when it was stopped, with one thread or two", async () => {
    const interruption = { requested: false };
    await run(config("stopped"), { interruption, listen: ({ type }) => (interruption.requested ||= type === "step") });
    await run({ ...config("stopped"), workers: 2 }, { resume: true });
    for (const file of readdirSync(join(folder, "whole", "rollouts")))
      expect(read("stopped", "rollouts", file).equals(read("whole", "rollouts", file)), file).toBe(true);
    for (const file of ["model.safetensors", "optimizer.safetensors"]) {
      const path = ["checkpoints", "step-000003", file] as const;
      expect(read("stopped", ...path).equals(read("whole", ...path)), file).toBe(true);
    }
  });
});
