/**
 * Qwen2.5-VL's config.json. Keys that are left out take the defaults of `Qwen2_5_VLConfig` in transformers 5.23, except
 * for the language model's sizes, which must be set.
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
import { flatConfigJson } from "../../config/write-config-parts";

export interface Qwen25VisionConfig extends VisionConfig {
  /** Side of an attention window in pixels. */
  readonly windowSize: number;
  /** Blocks that attend over the whole picture instead of windows. */
  readonly fullAttentionBlocks: readonly number[];
  /** Temporal positions per second of video. */
  readonly tokensPerSecond: number;
}

/** A Qwen2.5-VL model's configuration, normalized. */
export interface Qwen25VlConfig extends VlmConfig<Qwen25VisionConfig> {
  readonly modelType: "qwen2_5_vl";
}

/** @throws ModelConfigError naming the key that is missing or impossible */
export function readQwen25VlConfig(top: JsonReader): Qwen25VlConfig {
  const text = readText(textReader(top), {
    family: "Qwen2.5-VL",
    rmsNormEps: 1e-5,
    ropeTheta: 1e6,
    maxPositionEmbeddings: 32768,
  });
  return {
    modelType: "qwen2_5_vl",
    text,
    vision: readVision(visionReader(top), text.hiddenSize),
    ...readTokens(top, text),
  };
}

function readVision(vision: JsonReader, textHiddenSize: number): Qwen25VisionConfig {
  requireActivation(vision, "silu");
  const base = readVisionBase(vision, {
    width: { key: "hidden_size", value: vision.count("hidden_size", 3584) },
    intermediateSize: vision.count("intermediate_size", 3420),
    out: { key: "out_hidden_size", value: vision.count("out_hidden_size", 3584) },
    textHiddenSize,
    defaults: { depth: 32, patchSize: 14 },
  });
  const windowSize = vision.count("window_size", 112);
  const cell = base.patchSize * base.spatialMergeSize;
  if (windowSize < cell) vision.fail("window_size", `at least one merged cell, ${cell} pixels`);
  const { ropeTheta, ...sizes } = base;
  return {
    ...sizes,
    windowSize,
    fullAttentionBlocks: vision.counts("fullatt_block_indexes", [7, 15, 23, 31]),
    tokensPerSecond: vision.positive("tokens_per_second", 4),
    ropeTheta,
  };
}

/** The layout of the published checkpoints. */
export function qwen25VlConfigJson(config: Qwen25VlConfig): Record<string, unknown> {
  const { vision } = config;
  return flatConfigJson("Qwen2_5_VLForConditionalGeneration", config, {
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
  });
}
