import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelConfigError } from "../input-error";
import { publishedModels } from "./published-models";
import { familyOf, modelFamilies, parameterShapes } from "./model-families";
import { readModelConfig } from "../folder/read-model";
import { writeModelConfig } from "../folder/save-policy";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-published-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(config: unknown) {
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return readModelConfig(folder);
}

function errorOf(config: unknown): ModelConfigError {
  try {
    read(config);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelConfigError);
    return error as ModelConfigError;
  }
  throw new Error("nothing was thrown");
}

type Parts = Record<string, Record<string, unknown>>;

/** Sizes, tensors and layouts of the checkpoints that people have. */
describe.each(publishedModels)("$name", ({ name, parameters, config }) => {
  it("has as many parameters as its model page states", () => {
    const model = read(config);
    expect(familyOf(model).title).toBe(name.replace(/-\d+B$/, ""));
    const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
    expect(parameterShapes(model).reduce((sum, { shape }) => sum + size(shape), 0)).toBe(parameters);
  });

  it("is the same in the nested layout, in the flat one, and as it is written", () => {
    const model = read(config);
    writeModelConfig(folder, model);
    expect(readModelConfig(folder)).toEqual(model);
    const { text_config: inner, vision_config, ...top } = config as Parts;
    expect(read({ ...top, ...inner, vision_config, model_type: model.modelType })).toEqual(model);
    const { rope_scaling, rope_theta, ...text } = { ...top, ...inner } as unknown as Parts;
    const { type: _, ...rope } = rope_scaling!;
    const text_config = { ...text, rope_parameters: { ...rope, rope_theta, rope_type: "default" } };
    expect(read({ ...top, text_config, vision_config })).toEqual(model);
  });
});

/** Published files state only what differs from the defaults of transformers' classes. */
it.each([
  ["Qwen2-VL-2B", { hidden_size: 1536, in_chans: 3, model_type: "qwen2_vl", spatial_patch_size: 14 }],
  ["Qwen2-VL-7B", { in_chans: 3, model_type: "qwen2_vl", spatial_patch_size: 14 }],
  [
    "Qwen2.5-VL-3B",
    {
      hidden_size: 1280,
      in_chans: 3,
      model_type: "qwen2_5_vl",
      out_hidden_size: 2048,
      spatial_patch_size: 14,
      tokens_per_second: 2,
    },
  ],
  [
    "Qwen2.5-VL-7B",
    { hidden_size: 1280, in_chans: 3, model_type: "qwen2_5_vl", spatial_patch_size: 14, tokens_per_second: 2 },
  ],
])("the short vision_config of %s means its sizes", (name, vision_config) => {
  const { config } = publishedModels.find((model) => model.name === name)!;
  const { mrope_section } = (config as Parts)["rope_scaling"]!;
  // As transformers 4.49 wrote it again.
  const rope_scaling = { mrope_section, rope_type: "default", type: "default" };
  const tokens = { vision_token_id: 151654, quantization_config: undefined };
  expect(read({ ...config, ...tokens, rope_scaling, vision_config })).toEqual(read(config));
});

describe("a configuration of Qwen3-VL", () => {
  const { config } = publishedModels.find(({ name }) => name === "Qwen3-VL-4B")!;
  const { text_config: text, vision_config: vision } = config as Parts;

  it.each([
    ["an odd head size", { text_config: { ...text, head_dim: 127 } }, "text_config.head_dim"],
    [
      "a table that is not square",
      { vision_config: { ...vision, num_position_embeddings: 2300 } },
      "num_position_embeddings",
    ],
    ["DeepStack past the last block", { vision_config: { ...vision, deepstack_visual_indexes: [5, 24] } }, "deepstack"],
    ["another activation", { vision_config: { ...vision, hidden_act: "quick_gelu" } }, "hidden_act"],
    [
      "sections that do not fit",
      { text_config: { ...text, rope_scaling: { mrope_section: [24, 20, 21] } } },
      "mrope_section",
    ],
    [
      "positions in runs",
      { text_config: { ...text, rope_scaling: { mrope_interleaved: false, mrope_section: [24, 20, 20] } } },
      "mrope_interleaved",
    ],
    ["scaled positions", { text_config: { ...text, rope_scaling: { rope_type: "yarn" } } }, "rope_type"],
    ["a merger of another width", { vision_config: { ...vision, out_hidden_size: 2048 } }, "out_hidden_size"],
  ])("with %s is refused by the key", (_, change, key) => {
    expect(errorOf({ ...config, ...change }).where).toContain(key);
  });

  it("takes the defaults of transformers for keys that are left out", () => {
    const { rope_scaling: _, rope_theta: __, head_dim: ___, max_position_embeddings: ____, ...rest } = text!;
    const { text: found } = read({ ...config, text_config: { ...rest, rope_scaling: {} } });
    expect(found).toMatchObject({
      headDim: 128,
      ropeTheta: 5e5,
      maxPositionEmbeddings: 128000,
      mropeSection: [24, 20, 20],
      mropeInterleaved: true,
    });
  });

  it("may have biases on attention, then on o as well", () => {
    const names = parameterShapes(read({ ...config, text_config: { ...text, attention_bias: true } })).map(
      (shape) => shape.name,
    );
    for (const part of ["q", "k", "v", "o"]) expect(names).toContain(`model.layers.0.self_attn.${part}_proj.bias`);
  });
});

it.each([
  ["Qwen3VLMoeForConditionalGeneration", "qwen3_vl_moe"],
  ["Qwen3_5ForConditionalGeneration", "qwen3_5"],
  ["InternVLForConditionalGeneration", "internvl"],
])("refuses %s by name, with what is supported", (architecture, modelType) => {
  const error = errorOf({ architectures: [architecture], model_type: modelType });
  expect(error.found).toBe(architecture);
  expect(errorOf({ model_type: modelType }).found).toBe(`model_type ${modelType}`);
  for (const { title, architectures } of modelFamilies) {
    expect(error.fix).toContain(title);
    expect(error.expected).toContain(architectures[0]);
  }
});
