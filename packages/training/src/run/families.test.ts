/** Every model family trains, resumes to the same bytes, shares its work among threads and trains an adapter. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { demoFamilies, writeFamilyRun } from "@v-triune/demo-tasks";
import { openSafetensors } from "@v-triune/policy";
import { afterAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfig } from "../config/training-config";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-families-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function runOf(family: (typeof demoFamilies)[number], name: string, steps: number): Promise<TrainingConfig> {
  const config = resolveTrainingConfig(await writeFamilyRun(folder, family, name, steps));
  return { ...config, data: { ...config.data, eval: [] } };
}

const weightsOf = (run: TrainingConfig, step: number, file = "model.safetensors") =>
  readFileSync(join(run.run.folder, "checkpoints", `step-${String(step).padStart(6, "0")}`, file));

describe.each(demoFamilies)("%s", (family) => {
  it(
    "resumes to the bytes of an uninterrupted run, under the names of its checkpoints",
    { timeout: 120_000 },
    async () => {
      const whole = await runOf(family, "whole", 3);
      const result = await runTraining(whole);
      expect(result).toMatchObject({ step: 3, interrupted: false });
      const parts = await runOf(family, "parts", 3);
      const interruption = { requested: false };
      await runTraining(parts, {
        interruption,
        listen: (event) => void (event.type === "step" && event.summary.step === 2 && (interruption.requested = true)),
      });
      expect(await runTraining(parts, { resume: true })).toMatchObject({ step: 3 });
      expect(weightsOf(parts, 3).equals(weightsOf(whole, 3))).toBe(true);
      const reader = openSafetensors(join(whole.run.folder, "checkpoints/step-000003"));
      const towers = {
        qwen2_vl: "visual.merger.ln_q.bias",
        qwen2_5_vl: "visual.blocks.0.mlp.gate_proj.bias",
        qwen3_vl: "model.visual.deepstack_merger_list.1.norm.bias",
      };
      expect(reader.names).toContain(towers[family]);
      reader.close();
    },
  );

  it("shares its work among threads", { timeout: 120_000 }, async () => {
    const shared = { ...(await runOf(family, "threads", 1)), workers: 2 as const };
    expect(await runTraining(shared)).toMatchObject({ step: 1 });
    const alone = await runOf(family, "alone", 1);
    await runTraining(alone);
    expect(weightsOf(shared, 1).equals(weightsOf(alone, 1))).toBe(true);
  });

  it("trains an adapter and resumes it", { timeout: 120_000 }, async () => {
    const adapter = {
      rank: 2,
      alpha: 4,
      targetModules: ["q_proj", "qkv", { qwen2_vl: "fc1", qwen2_5_vl: "up_proj", qwen3_vl: "linear_fc1" }[family]],
    };
    const withAdapter = async (name: string) => {
      const config = await runOf(family, name, 2);
      const { vision } = config.optimizer.groups;
      const groups = { ...config.optimizer.groups, vision: { ...vision, freeze: false } };
      return { ...config, model: { ...config.model, adapter }, optimizer: { ...config.optimizer, groups } };
    };
    const [whole, parts] = [await withAdapter("adapter"), await withAdapter("adapter-parts")];
    await runTraining(whole);
    const interruption = { requested: false };
    await runTraining(parts, {
      interruption,
      listen: (event) => void (event.type === "step" && event.summary.step === 1 && (interruption.requested = true)),
    });
    await runTraining(parts, { resume: true });
    const file = "adapter_model.safetensors";
    expect(weightsOf(parts, 2, file).equals(weightsOf(whole, 2, file))).toBe(true);
    const reader = openSafetensors(join(whole.run.folder, "checkpoints/step-000002", file));
    const inTower = reader.names.filter((name) => name.includes(".model.visual.blocks.0."));
    expect(inTower.length).toBeGreaterThanOrEqual(4);
    expect(inTower.some((name) => name.includes("lora_B") && reader.readFloat32(name).some((v) => v !== 0))).toBe(true);
    reader.close();
  });

  it("leaves no tensor behind, with its tower trained", { timeout: 120_000 }, async () => {
    const run = await runOf(family, "leaks", 10);
    const { groups } = run.optimizer;
    const trained = { vision: { ...groups.vision, freeze: false }, connector: { ...groups.connector, freeze: false } };
    const counts: number[] = [];
    const before = tf.memory().numTensors;
    await runTraining(
      { ...run, optimizer: { ...run.optimizer, groups: { ...groups, ...trained } } },
      { listen: ({ type }) => type === "step" && counts.push(tf.memory().numTensors) },
    );
    expect(counts).toHaveLength(10);
    // The optimizer's moments come with the first step.
    expect(new Set(counts.slice(1)).size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });
});
