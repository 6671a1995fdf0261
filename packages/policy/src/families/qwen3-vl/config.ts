/**
 * Qwen3-VL's config.json (dense models). Keys that are left out take the defaults of `Qwen3VLConfig` in transformers
 * 5.23, except for the language model's sizes, which must be set.
 *
 * The nested layout of the published checkpoints is written (`text_config.rope_scaling` with `rope_theta` beside it):
 * transformers 5.23 and 4.57 both load it to equal logits.
 */
import type { JsonReader } from "../../config/json-reader";
import type { VisionConfig, VlmConfig } from "../../config/model-config";
import {
  readText,
  readTokens,
  readVisionBase,
  requireActivation,
  textReader,
  visionReader,
} from "../../config/read-config-parts";
import { textSizesJson, textTokensJson, visionTokensJson } from "../../config/write-config-parts";

export interface Qwen3VisionConfig extends VisionConfig {
  /** The learned position table has this many rows and columns. */
  readonly positionTableSide: number;
  /** The blocks whose results are added to the first layers of the language model, in this order (DeepStack). */
  readonly deepstackBlocks: readonly number[];
}

/** A Qwen3-VL model's configuration, normalized. */
export interface Qwen3VlConfig extends VlmConfig<Qwen3VisionConfig> {
  readonly modelType: "qwen3_vl";
}

/** @throws ModelConfigError naming the key that is missing or impossible */
export function readQwen3VlConfig(top: JsonReader): Qwen3VlConfig {
  const inner = textReader(top);
  const text = readText(inner, {
    family: "Qwen3-VL",
    rmsNormEps: 1e-6,
    ropeTheta: 5e5,
    maxPositionEmbeddings: 128000,
    mropeSection: [24, 20, 20],
    interleaved: true,
    headDim: 128,
  });
  return {
    modelType: "qwen3_vl",
    text: inner.flag("attention_bias", false) ? { ...text, attentionBias: true } : text,
    vision: readVision(visionReader(top), text.hiddenSize),
    ...readTokens(top, text),
  };
}

function readVision(vision: JsonReader, textHiddenSize: number): Qwen3VisionConfig {
  requireActivation(vision, "gelu_pytorch_tanh");
  const base = readVisionBase(vision, {
    width: { key: "hidden_size", value: vision.count("hidden_size", 1152) },
    intermediateSize: vision.count("intermediate_size", 4304),
    out: { key: "out_hidden_size", value: vision.count("out_hidden_size", 3584) },
    textHiddenSize,
    defaults: { depth: 27, patchSize: 16 },
  });
  const table = vision.count("num_position_embeddings", 2304);
  const positionTableSide = Math.sqrt(table);
  if (!Number.isInteger(positionTableSide)) vision.fail("num_position_embeddings", "the square of a whole number");
  const deepstackBlocks = vision.counts("deepstack_visual_indexes", [8, 16, 24]);
  if (deepstackBlocks.some((block, i) => block >= base.depth || deepstackBlocks.indexOf(block) !== i))
    vision.fail("deepstack_visual_indexes", `different blocks below depth = ${base.depth}`);
  return { ...base, positionTableSide, deepstackBlocks };
}

/** The layout of the published checkpoints. */
export function qwen3VlConfigJson(config: Qwen3VlConfig): Record<string, unknown> {
  const { text, vision } = config;
  return {
    architectures: ["Qwen3VLForConditionalGeneration"],
    ...visionTokensJson(config),
    model_type: "qwen3_vl",
    text_config: {
      attention_bias: text.attentionBias ?? false,
      attention_dropout: 0,
      ...textTokensJson(config),
      dtype: "float32",
      head_dim: text.headDim,
      ...textSizesJson(text),
      model_type: "qwen3_vl_text",
      num_attention_heads: text.numHeads,
      num_hidden_layers: text.numLayers,
      num_key_value_heads: text.numKeyValueHeads,
      rms_norm_eps: text.rmsNormEps,
      rope_scaling: { mrope_interleaved: true, mrope_section: text.mropeSection, rope_type: "default" },
      rope_theta: text.ropeTheta,
      tie_word_embeddings: config.tieWordEmbeddings,
      use_cache: true,
      vocab_size: text.vocabSize,
    },
    tie_word_embeddings: config.tieWordEmbeddings,
    vision_config: {
      deepstack_visual_indexes: vision.deepstackBlocks,
      depth: vision.depth,
      hidden_act: "gelu_pytorch_tanh",
      hidden_size: vision.hiddenSize,
      in_channels: vision.inChannels,
      initializer_range: text.initializerRange,
      intermediate_size: vision.intermediateSize,
      model_type: "qwen3_vl",
      num_heads: vision.numHeads,
      num_position_embeddings: vision.positionTableSide ** 2,
      out_hidden_size: vision.outHiddenSize,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      temporal_patch_size: vision.temporalPatchSize,
    },
  };
}
