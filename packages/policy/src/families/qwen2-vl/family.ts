import { QWEN2_IMAGE_SETTINGS } from "../../image-processor/image-processor";
import type { ModelFamily } from "../model-family";
import { qwen2VlConfigJson, readQwen2VlConfig, type Qwen2VlConfig } from "./config";
import { qwen2VlShapes } from "./shapes";
import { qwen2VisionTower } from "./tower";

/** Qwen2-VL (arXiv 2409.12191): the tower sees whole frames, and boxes are in thousandths of each side. */
export const qwen2Vl: ModelFamily<Qwen2VlConfig> = {
  modelType: "qwen2_vl",
  title: "Qwen2-VL",
  architectures: ["Qwen2VLForConditionalGeneration"],
  readConfig: readQwen2VlConfig,
  toPublishedJson: qwen2VlConfigJson,
  parameterShapes: qwen2VlShapes,
  storedName: (name) => name,
  visionTower: qwen2VisionTower,
  video: { frames: "together", time: (frame) => frame },
  imageSettings: QWEN2_IMAGE_SETTINGS,
  boxConvention: "thousandths",
};
