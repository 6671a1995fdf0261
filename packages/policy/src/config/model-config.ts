/**
 * A model folder's config.json, in one normal form.
 *
 * Two layouts are read: the nested one of transformers 5 (`text_config`, `rope_parameters`; also `rope_scaling` inside of
 * `text_config`, as 4.5x saved it) and the flat one of the published Qwen2.5-VL checkpoints (`rope_scaling`, `rope_theta`
 * and the text model's sizes at the top). Keys that are left out take the defaults of `Qwen2_5_VLConfig` in transformers
 * 5.23, except for the sizes, which must be set.
 *
 * The flat layout is written: transformers 5.23 and 4.57 both load it to equal logits (4.57 cannot run the nested one).
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFileSync } from "@v-triune/node-kit/atomic-write";
import { ModelConfigError } from "../input-error";
import { JsonReader } from "./json-reader";

/** Architectures that can be loaded. */
export const SUPPORTED_ARCHITECTURES = ["Qwen2_5_VLForConditionalGeneration"] as const;

/** The language model. */
export interface TextConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  /** hiddenSize / numHeads. */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly maxPositionEmbeddings: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** The number of the headDim / 2 rotary frequencies that follow time, height and width. */
  readonly mropeSection: readonly [number, number, number];
  readonly initializerRange: number;
}

/** The vision tower. */
export interface VisionConfig {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHeads: number;
  /** hiddenSize / numHeads. */
  readonly headDim: number;
  /** Width of the merger's output, the language model's hiddenSize. */
  readonly outHiddenSize: number;
  readonly inChannels: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  /** Side of an attention window in pixels. */
  readonly windowSize: number;
  /** Blocks that attend over the whole picture instead of windows. */
  readonly fullAttentionBlocks: readonly number[];
  /** Temporal positions per second of video. */
  readonly tokensPerSecond: number;
  readonly ropeTheta: number;
}

/** A Qwen2.5-VL model's configuration, normalized. */
export interface Qwen25VlConfig {
  readonly modelType: "qwen2_5_vl";
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  readonly tieWordEmbeddings: boolean;
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
  /** End-of-sequence tokens of config.json; `readGenerationConfig` has what generation stops at. */
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | undefined;
  readonly padTokenId: number | undefined;
}

/**
 * Reads and checks `folder/config.json`.
 *
 * @throws ModelConfigError when it is missing, of another architecture (refused by name), lacks a key, or holds sizes that no
 *   model can have
 */
export function readModelConfig(folder: string): Qwen25VlConfig {
  return readModelConfigFile(join(folder, "config.json"));
}

/** `readModelConfig` for a file of any name, in either layout. */
export function readModelConfigFile(file: string): Qwen25VlConfig {
  const top = JsonReader.open(
    file,
    "give a folder in Hugging Face layout (config.json, model.safetensors, tokenizer.json)",
  );
  checkArchitecture(top);
  const textReader = top.child("text_config") ?? top;
  const visionReader = top.child("vision_config");
  if (!visionReader) return top.fail("vision_config", "an object with the vision tower's sizes");
  const text = readText(textReader);
  const vision = readVision(visionReader, text.hiddenSize);
  const id = (key: string, fallback: number): number => {
    const value = top.count(key, fallback, 0);
    if (value >= text.vocabSize)
      top.fail(
        key,
        `a token id below vocab_size = ${text.vocabSize}`,
        top.has(key) ? undefined : `add "${key}"; without it, it is ${fallback}`,
      );
    return value;
  };
  const special = (key: string): readonly number[] => tokenIds(textReader.has(key) ? textReader : top, key);
  return {
    modelType: "qwen2_5_vl",
    text,
    vision,
    tieWordEmbeddings: top.has("tie_word_embeddings")
      ? top.flag("tie_word_embeddings")
      : textReader.flag("tie_word_embeddings", false),
    imageTokenId: id("image_token_id", 151655),
    videoTokenId: id("video_token_id", 151656),
    visionStartTokenId: id("vision_start_token_id", 151652),
    visionEndTokenId: id("vision_end_token_id", 151653),
    eosTokenIds: special("eos_token_id"),
    bosTokenId: special("bos_token_id")[0],
    padTokenId: special("pad_token_id")[0],
  };
}

function checkArchitecture(top: JsonReader): void {
  const list = top.values["architectures"];
  const architecture: unknown = Array.isArray(list) ? list[0] : undefined;
  const modelType = top.values["model_type"];
  const known =
    architecture === undefined
      ? modelType === "qwen2_5_vl"
      : (SUPPORTED_ARCHITECTURES as readonly unknown[]).includes(architecture);
  if (known) return;
  throw new ModelConfigError({
    what: "This model's architecture is not supported.",
    where: top.file,
    expected: SUPPORTED_ARCHITECTURES.join(", "),
    found:
      typeof architecture === "string"
        ? architecture
        : typeof modelType === "string"
          ? `model_type ${modelType}`
          : "no architecture",
    fix: "use a Qwen2.5-VL checkpoint, or serve this model with vLLM or SGLang and use it as a remote engine",
  });
}

function readText(text: JsonReader): TextConfig {
  const hiddenSize = text.count("hidden_size");
  const numHeads = text.count("num_attention_heads");
  const numKeyValueHeads = text.count("num_key_value_heads", numHeads);
  if (hiddenSize % numHeads !== 0) text.fail("num_attention_heads", `a divisor of hidden_size = ${hiddenSize}`);
  if (numHeads % numKeyValueHeads !== 0)
    text.fail("num_key_value_heads", `a divisor of num_attention_heads = ${numHeads}`);
  const headDim = hiddenSize / numHeads;
  if (headDim % 2 !== 0)
    text.fail("num_attention_heads", `an even head size; ${hiddenSize} / ${numHeads} = ${headDim}`);
  if (text.has("head_dim") && text.count("head_dim") !== headDim)
    text.fail("head_dim", `hidden_size / num_attention_heads = ${headDim}; Qwen2.5-VL has no other`);
  requireSilu(text);
  if (text.flag("use_sliding_window", false))
    text.fail("use_sliding_window", "false; sliding-window attention is not supported");

  const rope = text.child("rope_parameters") ?? text.child("rope_scaling");
  if (!rope) return text.fail("rope_scaling", 'an object with "mrope_section", as "rope_scaling" or "rope_parameters"');
  const kind = rope.text("rope_type", rope.text("type", "default"));
  if (kind !== "default" && kind !== "mrope")
    rope.fail(
      rope.has("rope_type") ? "rope_type" : "type",
      '"default" or "mrope"; scaled rotary embeddings (yarn, linear, ..) are not supported',
    );
  const section = rope.counts("mrope_section");
  if (section.length !== 3 || section[0]! + section[1]! + section[2]! !== headDim / 2) {
    rope.fail("mrope_section", `three numbers that add up to half the head size, ${headDim / 2}`);
  }
  return {
    hiddenSize,
    intermediateSize: text.count("intermediate_size"),
    numLayers: text.count("num_hidden_layers"),
    numHeads,
    numKeyValueHeads,
    headDim,
    vocabSize: text.count("vocab_size"),
    maxPositionEmbeddings: text.count("max_position_embeddings", 32768),
    rmsNormEps: text.positive("rms_norm_eps", 1e-5),
    ropeTheta: rope.has("rope_theta") ? rope.positive("rope_theta") : text.positive("rope_theta", 1e6),
    mropeSection: [section[0]!, section[1]!, section[2]!],
    initializerRange: text.positive("initializer_range", 0.02),
  };
}

function readVision(vision: JsonReader, textHiddenSize: number): VisionConfig {
  const hiddenSize = vision.count("hidden_size", 3584);
  const numHeads = vision.count("num_heads", 16);
  if (hiddenSize % numHeads !== 0) vision.fail("num_heads", `a divisor of hidden_size = ${hiddenSize}`);
  const headDim = hiddenSize / numHeads;
  if (headDim % 4 !== 0)
    vision.fail(
      "num_heads",
      `a head size that is a multiple of 4 (height and width each turn half of it); ${hiddenSize} / ${numHeads} = ${headDim}`,
    );
  requireSilu(vision);
  const outHiddenSize = vision.count("out_hidden_size", 3584);
  if (outHiddenSize !== textHiddenSize)
    vision.fail("out_hidden_size", `the language model's hidden_size = ${textHiddenSize}`);
  const patchSize = vision.count("patch_size", 14);
  const spatialMergeSize = vision.count("spatial_merge_size", 2);
  const windowSize = vision.count("window_size", 112);
  if (windowSize < patchSize * spatialMergeSize)
    vision.fail("window_size", `at least one merged cell, ${patchSize * spatialMergeSize} pixels`);
  const depth = vision.count("depth", 32);
  return {
    depth,
    hiddenSize,
    intermediateSize: vision.count("intermediate_size", 3420),
    numHeads,
    headDim,
    outHiddenSize,
    inChannels: vision.count("in_channels", vision.count("in_chans", 3)),
    patchSize,
    temporalPatchSize: vision.count("temporal_patch_size", 2),
    spatialMergeSize,
    windowSize,
    fullAttentionBlocks: vision.counts("fullatt_block_indexes", [7, 15, 23, 31]),
    tokensPerSecond: vision.positive("tokens_per_second", 4),
    ropeTheta: vision.child("rope_parameters")?.positive("rope_theta", 1e4) ?? 1e4,
  };
}

function requireSilu(reader: JsonReader): void {
  if (reader.text("hidden_act", "silu") !== "silu") reader.fail("hidden_act", '"silu"');
}

/** A token id, a list of them, or nothing. */
function tokenIds(reader: JsonReader, key: string): readonly number[] {
  if (!reader.has(key)) return [];
  return Array.isArray(reader.values[key]) ? reader.counts(key) : [reader.count(key, undefined, 0)];
}

/** The flat layout of the published checkpoints. */
export function toFlatConfigJson(config: Qwen25VlConfig): Record<string, unknown> {
  const { text, vision } = config;
  const single = (ids: readonly number[]): number | readonly number[] | undefined =>
    ids.length === 1 ? ids[0] : ids.length === 0 ? undefined : ids;
  return {
    architectures: [SUPPORTED_ARCHITECTURES[0]],
    attention_dropout: 0,
    bos_token_id: config.bosTokenId,
    eos_token_id: single(config.eosTokenIds),
    pad_token_id: config.padTokenId,
    vision_start_token_id: config.visionStartTokenId,
    vision_end_token_id: config.visionEndTokenId,
    image_token_id: config.imageTokenId,
    video_token_id: config.videoTokenId,
    hidden_act: "silu",
    hidden_size: text.hiddenSize,
    initializer_range: text.initializerRange,
    intermediate_size: text.intermediateSize,
    max_position_embeddings: text.maxPositionEmbeddings,
    max_window_layers: text.numLayers,
    model_type: "qwen2_5_vl",
    num_attention_heads: text.numHeads,
    num_hidden_layers: text.numLayers,
    num_key_value_heads: text.numKeyValueHeads,
    rms_norm_eps: text.rmsNormEps,
    rope_theta: text.ropeTheta,
    rope_scaling: { type: "mrope", mrope_section: text.mropeSection },
    sliding_window: text.maxPositionEmbeddings,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: "float32",
    use_cache: true,
    use_sliding_window: false,
    vision_config: {
      depth: vision.depth,
      hidden_act: "silu",
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.numHeads,
      in_channels: vision.inChannels,
      in_chans: vision.inChannels,
      out_hidden_size: vision.outHiddenSize,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      spatial_patch_size: vision.patchSize,
      window_size: vision.windowSize,
      fullatt_block_indexes: vision.fullAttentionBlocks,
      tokens_per_second: vision.tokensPerSecond,
      temporal_patch_size: vision.temporalPatchSize,
    },
    vocab_size: text.vocabSize,
  };
}

/** Writes `folder/config.json` in one step. The folder must exist. */
export function writeModelConfig(folder: string, config: Qwen25VlConfig): void {
  const text = `${JSON.stringify(toFlatConfigJson(config), undefined, 2)}\n`;
  replaceFileSync(join(folder, "config.json"), (temporary) => writeFileSync(temporary, text));
}
