/** Every model family trains, resumes to the same bytes, shares its work among threads and trains an adapter. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSafetensors } from "@v-triune/policy";
import { afterAll, describe, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import { runTraining } from "./run-training";

const folder = mkdtempSync(join(tmpdir(), "v-triune-families-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Json = Readonly<Record<string, unknown>>;

/** The demonstration's sizes as a config.json of each family. */
const families: Readonly<Record<string, (demo: Json) => Json>> = {
  qwen2_vl: ({ vision_config, ...text }) => {
    const { depth, num_heads, hidden_size, out_hidden_size } = vision_config as Record<string, number>;
    return {
      ...text,
      architectures: ["Qwen2VLForConditionalGeneration"],
      model_type: "qwen2_vl",
      vision_config: {
        depth,
        num_heads,
        embed_dim: hidden_size,
        hidden_size: out_hidden_size,
        mlp_ratio: 2,
        patch_size: 14,
      },
    };
  },
  qwen3_vl: (demo) => {
    const { vision_config, image_token_id, video_token_id, ...text } = demo;
    const { depth, num_heads, hidden_size, out_hidden_size } = vision_config as Record<string, number>;
    const { vision_start_token_id, vision_end_token_id } = text;
    return {
      architectures: ["Qwen3VLForConditionalGeneration"],
      model_type: "qwen3_vl",
      tie_word_embeddings: true,
      image_token_id,
      video_token_id,
      vision_start_token_id,
      vision_end_token_id,
      text_config: { ...text, head_dim: 12, rope_scaling: { mrope_interleaved: true, mrope_section: [2, 2, 2] } },
      vision_config: {
        depth,
        num_heads,
        hidden_size,
        out_hidden_size,
        intermediate_size: 64,
        patch_size: 16,
        num_position_embeddings: 16,
        deepstack_visual_indexes: [0, 1],
      },
    };
  },
};

async function runOf(family: string, name: string, steps: number): Promise<TrainingConfig> {
  const config = await tinyRun(join(folder, family), name, steps);
  if (config.model.init !== "random") throw new Error("tinyRun starts from random weights");
  // Tokenizer and template without a model, as a run with random weights may name them.
  const tokenizer = join(folder, family, "tokenizer");
  if (!existsSync(tokenizer)) {
    cpSync(config.model.tokenizer, tokenizer, { recursive: true });
    rmSync(join(tokenizer, "config.json"));
    const file = join(tokenizer, "preprocessor_config.json");
    const settings = JSON.parse(readFileSync(file, "utf8")) as Json;
    writeFileSync(file, JSON.stringify({ ...settings, patch_size: family === "qwen3_vl" ? 16 : 14, min_pixels: 4096 }));
  }
  const model = { ...config.model, config: families[family]!(config.model.config as Json), tokenizer };
  return { ...config, model, data: { ...config.data, eval: [] } };
}

const weightsOf = (run: TrainingConfig, step: number, file = "model.safetensors") =>
  readFileSync(join(run.run.folder, "checkpoints", `step-${String(step).padStart(6, "0")}`, file));

describe.each(Object.keys(families))("%s", (family) => {
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
      const tower =
        family === "qwen3_vl" ? "model.visual.deepstack_merger_list.1.norm.bias" : "visual.merger.ln_q.bias";
      expect(reader.names).toContain(tower);
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
      targetModules: ["q_proj", "qkv", family === "qwen3_vl" ? "linear_fc1" : "fc1"],
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
});
