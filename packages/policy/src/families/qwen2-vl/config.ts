/**
 * Qwen2-VL's config.json. Keys that are left out take the defaults of `Qwen2VLConfig` in transformers 5.23, except for
 * the language model's sizes, which must be set. `vision_config` calls the tower's width `embed_dim`; its `hidden_size`
 * is the width of the merger's output.
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

/** A Qwen2-VL model's configuration, normalized. */
export interface Qwen2VlConfig extends VlmConfig {
  readonly modelType: "qwen2_vl";
}

/** @throws ModelConfigError naming the key that is missing or impossible */
export function readQwen2VlConfig(top: JsonReader): Qwen2VlConfig {
  const text = readText(textReader(top), {
    family: "Qwen2-VL",
    rmsNormEps: 1e-5,
    ropeTheta: 1e6,
    maxPositionEmbeddings: 32768,
  });
  return {
    modelType: "qwen2_vl",
    text,
    vision: readVision(visionReader(top), text.hiddenSize),
    ...readTokens(top, text),
  };
}

function readVision(vision: JsonReader, textHiddenSize: number): VisionConfig {
  requireActivation(vision, "quick_gelu");
  const width = vision.count("embed_dim", 1280);
  const intermediateSize = Math.floor(width * vision.positive("mlp_ratio", 4));
  if (intermediateSize < 1) vision.fail("mlp_ratio", `a number that gives the MLP at least one unit of ${width}`);
  return readVisionBase(vision, {
    width: { key: "embed_dim", value: width },
    intermediateSize,
    out: { key: "hidden_size", value: vision.count("hidden_size", 3584) },
    textHiddenSize,
    defaults: { depth: 32, patchSize: 14 },
  });
}

/** The layout of the published checkpoints. */
export function qwen2VlConfigJson(config: Qwen2VlConfig): Record<string, unknown> {
  const { vision } = config;
  return flatConfigJson("Qwen2VLForConditionalGeneration", config, {
    depth: vision.depth,
    embed_dim: vision.hiddenSize,
    mlp_ratio: vision.intermediateSize / vision.hiddenSize,
    num_heads: vision.numHeads,
    hidden_act: "quick_gelu",
    in_channels: vision.inChannels,
    in_chans: vision.inChannels,
    hidden_size: vision.outHiddenSize,
    patch_size: vision.patchSize,
    spatial_merge_size: vision.spatialMergeSize,
    spatial_patch_size: vision.patchSize,
    temporal_patch_size: vision.temporalPatchSize,
  });
}
