/** For tests: the tiny run of every model family, from random weights. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTinyRun } from "./tiny-run";

type Json = Readonly<Record<string, unknown>>;

/** The tiny model's sizes as a config.json of each family. */
const configs = {
  qwen2_vl: ({ vision_config, ...text }: Json): Json => {
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
  qwen2_5_vl: (config: Json): Json => config,
  qwen3_vl: ({ vision_config, image_token_id, video_token_id, ...text }: Json): Json => {
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

/** Names of families, `model_type` of config.json. */
export const demoFamilies = Object.keys(configs) as readonly (keyof typeof configs)[];

/** `writeTinyRun` with a model of a family, into `folder/family`; its run folder is `folder/family/name`. */
export async function writeFamilyRun(folder: string, family: keyof typeof configs, name: string, steps: number) {
  const home = join(folder, family);
  const run = await writeTinyRun(home, name, steps);
  // Tokenizer and template without a model, as a run with random weights may name them.
  const tokenizer = join(home, "tokenizer");
  if (!existsSync(tokenizer)) {
    cpSync(run.model.tokenizer, tokenizer, { recursive: true });
    rmSync(join(tokenizer, "config.json"));
    const file = join(tokenizer, "preprocessor_config.json");
    const settings = JSON.parse(readFileSync(file, "utf8")) as Json;
    writeFileSync(file, JSON.stringify({ ...settings, patch_size: family === "qwen3_vl" ? 16 : 14, min_pixels: 4096 }));
  }
  return { ...run, model: { ...run.model, config: configs[family](run.model.config), tokenizer } };
}
