import { QWEN2_IMAGE_SETTINGS } from "../../image-processor/image-processor";
import type { ModelFamily } from "../model-family";
import { qwen25VlConfigJson, readQwen25VlConfig, type Qwen25VlConfig } from "./config";
import { qwen25VlShapes } from "./shapes";
import { qwen25VisionTower } from "./tower";

/** Qwen2.5-VL (arXiv 2502.13923): window attention, and boxes in pixels of the picture that the model sees. */
export const qwen25Vl: ModelFamily<Qwen25VlConfig> = {
  modelType: "qwen2_5_vl",
  title: "Qwen2.5-VL",
  architectures: ["Qwen2_5_VLForConditionalGeneration"],
  readConfig: readQwen25VlConfig,
  toPublishedJson: qwen25VlConfigJson,
  parameterShapes: qwen25VlShapes,
  storedName: (name) => name,
  visionTower: qwen25VisionTower,
  video: {
    frames: "together",
    // In float32, as transformers 5.23 computes it.
    time: (frame, seconds, { vision }) =>
      Math.trunc(Math.fround(frame * Math.fround(vision.tokensPerSecond * Math.fround(seconds)))),
  },
  imageSettings: QWEN2_IMAGE_SETTINGS,
  boxConvention: "resized-pixels",
};
