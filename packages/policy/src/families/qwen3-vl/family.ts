import type { ImageProcessorSettings } from "../../image-processor/image-processor";
import { moduleName } from "../../weights/tensor-names";
import type { ModelFamily } from "../model-family";
import { qwen3VlConfigJson, readQwen3VlConfig, type Qwen3VlConfig } from "./config";
import { qwen3VlShapes } from "./shapes";
import { qwen3VisionTower } from "./tower";

/** preprocessor_config.json of the published checkpoints. */
const imageSettings: ImageProcessorSettings = {
  minPixels: 65536,
  maxPixels: 16777216,
  patchSize: 16,
  temporalPatchSize: 2,
  mergeSize: 2,
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

/**
 * Qwen3-VL, dense (arXiv 2511.21631): DeepStack, interleaved M-RoPE, norms of q and k, boxes in thousandths of each
 * side.
 */
export const qwen3Vl: ModelFamily<Qwen3VlConfig> = {
  modelType: "qwen3_vl",
  title: "Qwen3-VL",
  architectures: ["Qwen3VLForConditionalGeneration"],
  readConfig: readQwen3VlConfig,
  toPublishedJson: qwen3VlConfigJson,
  parameterShapes: qwen3VlShapes,
  storedName: moduleName,
  visionTower: qwen3VisionTower,
  video: { frames: "apart" },
  imageSettings,
  boxConvention: "thousandths",
};
