import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelConfigError } from "../input-error";
import { SUPPORTED_ARCHITECTURES, toPublishedConfigJson } from "./model-families";
import { readGenerationConfig, readModelConfig } from "../folder/read-model";
import { writeModelConfig } from "../folder/save-policy";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-config-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The flat config.json of the published 3B checkpoint (its sizes and ids). */
function published() {
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    bos_token_id: 151643,
    eos_token_id: 151645,
    vision_start_token_id: 151652,
    vision_end_token_id: 151653,
    image_token_id: 151655,
    video_token_id: 151656,
    hidden_act: "silu",
    hidden_size: 2048,
    intermediate_size: 11008,
    max_position_embeddings: 128000,
    num_attention_heads: 16,
    num_hidden_layers: 36,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    sliding_window: 32768,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    use_sliding_window: false,
    vocab_size: 151936,
    rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
    vision_config: {
      depth: 32,
      hidden_act: "silu",
      hidden_size: 1280,
      intermediate_size: 3420,
      num_heads: 16,
      in_chans: 3,
      out_hidden_size: 2048,
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      window_size: 112,
      fullatt_block_indexes: [7, 15, 23, 31],
      tokens_per_second: 2,
      temporal_patch_size: 2,
    },
  };
}

/** The same in the nested layout of transformers 5. */
function nested() {
  const {
    vision_config,
    rope_scaling,
    rope_theta,
    architectures,
    tie_word_embeddings,
    image_token_id,
    video_token_id,
    vision_start_token_id,
    vision_end_token_id,
    ...text
  } = published();
  return {
    architectures,
    model_type: "qwen2_5_vl",
    tie_word_embeddings,
    image_token_id,
    video_token_id,
    vision_start_token_id,
    vision_end_token_id,
    text_config: {
      ...text,
      model_type: "qwen2_5_vl_text",
      rope_parameters: { mrope_section: rope_scaling.mrope_section, rope_theta, rope_type: "default" },
    },
    vision_config: { ...vision_config, in_channels: 3, rope_parameters: { rope_theta: 10000, rope_type: "axial" } },
  };
}

let count = 0;
function write(config: unknown): string {
  const path = join(folder, `config-${count++}`);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
  return path;
}

function errorOf(config: unknown): ModelConfigError {
  const path = write(config);
  try {
    readModelConfig(path);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelConfigError);
    return error as ModelConfigError;
  }
  throw new Error("nothing was thrown");
}

describe("config.json", () => {
  it("is the same in both layouts", () => {
    const flat = readModelConfig(write(published()));
    expect(readModelConfig(write(nested()))).toEqual(flat);
    expect(flat.text).toEqual({
      hiddenSize: 2048,
      intermediateSize: 11008,
      numLayers: 36,
      numHeads: 16,
      numKeyValueHeads: 2,
      headDim: 128,
      vocabSize: 151936,
      maxPositionEmbeddings: 128000,
      rmsNormEps: 1e-6,
      ropeTheta: 1e6,
      mropeSection: [16, 24, 24],
      initializerRange: 0.02,
    });
    expect(flat.vision).toMatchObject({
      headDim: 80,
      fullAttentionBlocks: [7, 15, 23, 31],
      tokensPerSecond: 2,
      ropeTheta: 10000,
      inChannels: 3,
    });
    expect(flat).toMatchObject({
      tieWordEmbeddings: true,
      imageTokenId: 151655,
      eosTokenIds: [151645],
      padTokenId: undefined,
    });
  });

  it("is written so that reading gives the same", () => {
    const config = readModelConfig(write(nested()));
    const path = join(folder, "written");
    mkdirSync(path);
    writeModelConfig(path, config);
    expect(readModelConfig(path)).toEqual(config);
    expect(readdirSync(path)).toEqual(["config.json"]);
    // Whoever reads only the keys of the published layout finds all of them.
    const { torch_dtype: _, sliding_window: __, ...expected } = published();
    expect(toPublishedConfigJson(config)).toMatchObject(expected);
  });

  it("refuses another architecture by name and says which are supported", () => {
    const error = errorOf({ ...published(), architectures: ["LlamaForCausalLM"] });
    expect([error.found, error.expected]).toEqual(["LlamaForCausalLM", SUPPORTED_ARCHITECTURES.join(", ")]);
    expect(errorOf({ model_type: "llava" }).found).toBe("model_type llava");
    expect(errorOf({}).found).toBe("no architecture");
  });

  it.each<[string, string, unknown, string]>([
    ["heads that do not divide the hidden size", "num_attention_heads", 15, "a divisor of hidden_size = 2048"],
    ["key-value heads that do not divide the heads", "num_key_value_heads", 3, "a divisor of num_attention_heads = 16"],
    ["no heads at all", "num_attention_heads", 0, "a whole number from 1 on"],
    ["a head size of its own", "head_dim", 64, "hidden_size / num_attention_heads = 128; Qwen2.5-VL has no other"],
    [
      "rotary sections that do not fill the head",
      "rope_scaling.mrope_section",
      [16, 24, 25],
      "three numbers that add up to half the head size, 64",
    ],
    [
      "no rotary sections",
      "rope_scaling",
      undefined,
      'an object with "mrope_section", as "rope_scaling" or "rope_parameters"',
    ],
    [
      "a scaled rotary embedding",
      "rope_scaling.type",
      "yarn",
      '"default" or "mrope"; scaled rotary embeddings (yarn, linear, ..) are not supported',
    ],
    ["a missing size", "hidden_size", undefined, "a whole number from 1 on"],
    ["a size that is a string", "intermediate_size", "11008", "a whole number from 1 on"],
    ["another activation", "hidden_act", "gelu", '"silu"'],
    ["a sliding window", "use_sliding_window", true, "false; sliding-window attention is not supported"],
    ["no vision tower", "vision_config", undefined, "an object with the vision tower's sizes"],
    ["vision heads that do not divide", "vision_config.num_heads", 7, "a divisor of hidden_size = 1280"],
    ["a merger of another width", "vision_config.out_hidden_size", 3584, "the language model's hidden_size = 2048"],
    ["a window smaller than a cell", "vision_config.window_size", 27, "at least one merged cell, 28 pixels"],
    ["a placeholder outside of the vocabulary", "image_token_id", 151936, "a token id below vocab_size = 151936"],
  ])("refuses %s", (_, key, value, expected) => {
    const config: Record<string, unknown> = published();
    const path = key.split(".");
    const parent = path.length === 1 ? config : (config[path[0]!] as Record<string, unknown>);
    parent[path.at(-1)!] = value;
    const error = errorOf(config);
    expect(error.where).toContain(`config.json, key ${key}`);
    expect(error.expected).toBe(expected);
  });

  it("says so when the file is absent, not JSON or not an object", () => {
    expect(() => readModelConfig(join(folder, "nowhere"))).toThrow(/missing[^]*nowhere[^]*Hugging Face layout/);
    expect(errorOf("{").what).toContain("not JSON");
    expect(errorOf("[]").what).toContain("not a JSON object");
  });
});

describe("generation_config.json", () => {
  it("has its own stop tokens, and those of config.json without it", () => {
    const path = write(published());
    expect(readGenerationConfig(path)).toMatchObject({ eosTokenIds: [151645], doSample: false, temperature: 1 });
    writeFileSync(
      join(path, "generation_config.json"),
      JSON.stringify({
        eos_token_id: [151645, 151643],
        pad_token_id: 151643,
        do_sample: true,
        temperature: 0.000001,
        repetition_penalty: 1.05,
      }),
    );
    expect(readGenerationConfig(path)).toEqual({
      eosTokenIds: [151645, 151643],
      padTokenId: 151643,
      doSample: true,
      temperature: 0.000001,
      topK: 50,
      topP: 1,
      repetitionPenalty: 1.05,
    });
    writeFileSync(join(path, "generation_config.json"), JSON.stringify({ temperature: -1 }));
    const file = join(path, "generation_config.json");
    expect(() => readGenerationConfig(path)).toThrow(
      expect.objectContaining({ where: `${file}, key temperature`, expected: "a positive number", found: "-1" }),
    );
  });
});
