/**
 * The parts of a config.json that the families share. The text model's keys are in `text_config` (transformers 5, and
 * every published Qwen3-VL) or at the top (published Qwen2-VL and Qwen2.5-VL); rotary settings are in
 * `rope_parameters`, or in `rope_scaling` with `rope_theta` beside it.
 */
import type { JsonReader } from "./json-reader";
import type { TextConfig, VisionConfig, VlmConfig } from "./model-config";

/** Where the language model's keys are. */
export function textReader(top: JsonReader): JsonReader {
  return top.child("text_config") ?? top;
}

/** The object with the vision tower's keys. @throws ModelConfigError without one */
export function visionReader(top: JsonReader): JsonReader {
  return top.child("vision_config") ?? top.fail("vision_config", "an object with the vision tower's sizes");
}

/** @throws ModelConfigError for another activation than the family's tower and language model have */
export function requireActivation(reader: JsonReader, name: string): void {
  if (reader.text("hidden_act", name) !== name) reader.fail("hidden_act", `"${name}"`);
}

/** What differs between the families' language models. */
export interface TextDefaults {
  /** Names the family in errors. */
  readonly family: string;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly maxPositionEmbeddings: number;
  /** For a config.json without `mrope_section`. Default: the key must be set. */
  readonly mropeSection?: readonly [number, number, number];
  /** `mropeInterleaved`. */
  readonly interleaved?: boolean;
  /**
   * The head size of a config.json without `head_dim`. Default: hidden_size / num_attention_heads, and no other is
   * allowed.
   */
  readonly headDim?: number;
}

/** @throws ModelConfigError naming the key that is missing or impossible */
export function readText(text: JsonReader, defaults: TextDefaults): TextConfig {
  const hiddenSize = text.count("hidden_size");
  const numHeads = text.count("num_attention_heads");
  const numKeyValueHeads = text.count("num_key_value_heads", numHeads);
  const headDim =
    defaults.headDim === undefined
      ? equalHeads(text, hiddenSize, numHeads, defaults.family)
      : ownHeads(text, defaults.headDim);
  if (numHeads % numKeyValueHeads !== 0)
    text.fail("num_key_value_heads", `a divisor of num_attention_heads = ${numHeads}`);
  requireActivation(text, "silu");
  if (text.flag("use_sliding_window", false))
    text.fail("use_sliding_window", "false; sliding-window attention is not supported");
  return {
    hiddenSize,
    intermediateSize: text.count("intermediate_size"),
    numLayers: text.count("num_hidden_layers"),
    numHeads,
    numKeyValueHeads,
    headDim,
    vocabSize: text.count("vocab_size"),
    maxPositionEmbeddings: text.count("max_position_embeddings", defaults.maxPositionEmbeddings),
    rmsNormEps: text.positive("rms_norm_eps", defaults.rmsNormEps),
    ...readRotary(text, headDim, defaults),
    initializerRange: text.positive("initializer_range", 0.02),
  };
}

function equalHeads(text: JsonReader, hiddenSize: number, numHeads: number, family: string): number {
  if (hiddenSize % numHeads !== 0) text.fail("num_attention_heads", `a divisor of hidden_size = ${hiddenSize}`);
  const headDim = hiddenSize / numHeads;
  if (headDim % 2 !== 0)
    text.fail("num_attention_heads", `an even head size; ${hiddenSize} / ${numHeads} = ${headDim}`);
  if (text.has("head_dim") && text.count("head_dim") !== headDim)
    text.fail("head_dim", `hidden_size / num_attention_heads = ${headDim}; ${family} has no other`);
  return headDim;
}

function ownHeads(text: JsonReader, fallback: number): number {
  const headDim = text.count("head_dim", fallback);
  if (headDim % 2 !== 0) text.fail("head_dim", "an even number");
  return headDim;
}

function readRotary(
  text: JsonReader,
  headDim: number,
  { family, ropeTheta, mropeSection, interleaved = false }: TextDefaults,
): Pick<TextConfig, "ropeTheta" | "mropeSection" | "mropeInterleaved"> {
  const rope = text.child("rope_parameters") ?? text.child("rope_scaling");
  if (!rope) return text.fail("rope_scaling", 'an object with "mrope_section", as "rope_scaling" or "rope_parameters"');
  const kind = rope.text("rope_type", rope.text("type", "default"));
  if (kind !== "default" && kind !== "mrope")
    rope.fail(
      rope.has("rope_type") ? "rope_type" : "type",
      '"default" or "mrope"; scaled rotary embeddings (yarn, linear, ..) are not supported',
    );
  if (rope.has("mrope_interleaved") && rope.flag("mrope_interleaved") !== interleaved)
    rope.fail("mrope_interleaved", `${interleaved}, as ${family} has it`);
  const section = rope.counts("mrope_section", mropeSection);
  if (section.length !== 3 || section[0]! + section[1]! + section[2]! !== headDim / 2)
    rope.fail("mrope_section", `three numbers that add up to half the head size, ${headDim / 2}`);
  return {
    ropeTheta: rope.has("rope_theta") ? rope.positive("rope_theta") : text.positive("rope_theta", ropeTheta),
    mropeSection: [section[0]!, section[1]!, section[2]!],
    ...(interleaved ? { mropeInterleaved: true } : {}),
  };
}

/** A value of `vision_config` and the key that it was read from. */
interface NamedSize {
  readonly key: string;
  readonly value: number;
}

/** Values of `vision_config` that families have under names of their own. */
export interface VisionSizes {
  readonly width: NamedSize;
  readonly intermediateSize: number;
  readonly out: NamedSize;
  readonly textHiddenSize: number;
  readonly defaults: { readonly depth: number; readonly patchSize: number };
}

/** The sizes that all towers have. @throws ModelConfigError naming the key that is impossible */
export function readVisionBase(
  vision: JsonReader,
  { width, intermediateSize, out, textHiddenSize, defaults }: VisionSizes,
): VisionConfig {
  const hiddenSize = width.value;
  const numHeads = vision.count("num_heads", 16);
  if (hiddenSize % numHeads !== 0) vision.fail("num_heads", `a divisor of ${width.key} = ${hiddenSize}`);
  const headDim = hiddenSize / numHeads;
  if (headDim % 4 !== 0)
    vision.fail(
      "num_heads",
      `a head size that is a multiple of 4 (height and width each turn half of it); ${hiddenSize} / ${numHeads} = ` +
        `${headDim}`,
    );
  if (out.value !== textHiddenSize) vision.fail(out.key, `the language model's hidden_size = ${textHiddenSize}`);
  return {
    depth: vision.count("depth", defaults.depth),
    hiddenSize,
    intermediateSize,
    numHeads,
    headDim,
    outHiddenSize: out.value,
    inChannels: vision.count("in_channels", vision.count("in_chans", 3)),
    patchSize: vision.count("patch_size", defaults.patchSize),
    temporalPatchSize: vision.count("temporal_patch_size", 2),
    spatialMergeSize: vision.count("spatial_merge_size", 2),
    ropeTheta: vision.child("rope_parameters")?.positive("rope_theta", 1e4) ?? 1e4,
  };
}

/** Everything of a configuration but the tower. */
export function readTokens(top: JsonReader, text: TextConfig): Omit<VlmConfig, "modelType" | "text" | "vision"> {
  const inner = textReader(top);
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
  const special = (key: string): readonly number[] => tokenIds(inner.has(key) ? inner : top, key);
  return {
    tieWordEmbeddings: top.has("tie_word_embeddings")
      ? top.flag("tie_word_embeddings")
      : inner.flag("tie_word_embeddings", false),
    imageTokenId: id("image_token_id", 151655),
    videoTokenId: id("video_token_id", 151656),
    visionStartTokenId: id("vision_start_token_id", 151652),
    visionEndTokenId: id("vision_end_token_id", 151653),
    eosTokenIds: special("eos_token_id"),
    bosTokenId: special("bos_token_id")[0],
    padTokenId: special("pad_token_id")[0],
  };
}

/** A token id, a list of them, or nothing. */
function tokenIds(reader: JsonReader, key: string): readonly number[] {
  if (!reader.has(key)) return [];
  return Array.isArray(reader.values[key]) ? reader.counts(key) : [reader.count(key, undefined, 0)];
}
