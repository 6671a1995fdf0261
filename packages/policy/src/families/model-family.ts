/**
 * What a model family is to the rest of the package: a folder beside this file that states how its config.json is read,
 * what its tensors are called, how its vision tower computes, how videos count in its positions, and what its pictures
 * and boxes look like. The language model (Qwen2's and Qwen3's decoder) is shared. docs/model-families.md shows how to
 * add one.
 */
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { JsonReader } from "../config/json-reader";
import type { VlmConfig } from "../config/model-config";
import type { ImageProcessorSettings } from "../image-processor/image-processor";
import type { VisionOptions } from "../vision/tower-parts";
import type { VisualInput } from "../vision/visual-input";
import type { ModelWeights } from "../weights/model-weights";
import type { ParameterShape } from "../weights/parameter-shapes";

/**
 * In what unit a family states boxes and points: pixels of the picture as its processor resizes it, or thousandths of
 * each side.
 */
export type BoxConvention = "resized-pixels" | "thousandths";

export interface ModelFamily<Config extends VlmConfig = VlmConfig> {
  /** `model_type` of config.json. */
  readonly modelType: Config["modelType"];
  /** What people call it. */
  readonly title: string;
  /** `architectures` of config.json. */
  readonly architectures: readonly string[];
  /**
   * Reads every layout that its checkpoints come in.
   * @throws ModelConfigError naming the key that is missing or impossible
   */
  readConfig(top: JsonReader): Config;
  /** config.json in the layout of the published checkpoints. */
  toPublishedJson(config: Config): Record<string, unknown>;
  /** Every tensor, in the order in which the model uses them. */
  parameterShapes(config: Config): ParameterShape[];
  /** What a checkpoint calls a tensor. @param name as in `parameterShapes` */
  storedName(name: string): string;
  /**
   * Features of pictures, one row per merged token in picture order, [tokens, (1 + k) · hidden]: what takes the
   * placeholders' place, and then what is added to these rows after each of the first k layers (DeepStack).
   *
   * @throws ImageError when pixels and grid disagree
   */
  visionTower(
    inputs: readonly VisualInput[],
    weights: ModelWeights,
    config: Config["vision"],
    options?: VisionOptions,
  ): Tensor2D;
  /** How videos count in the positions. */
  readonly video: VideoPositions<Config>;
  /** The image processor's settings where the folder has no file for them. */
  readonly imageSettings: ImageProcessorSettings;
  readonly boxConvention: BoxConvention;
}

/** Where the frames of a video stand in time. */
export type VideoPositions<Config extends VlmConfig = VlmConfig> =
  /** One run of placeholders, `time` counting from its start; whole numbers. */
  | { readonly frames: "together"; time(frame: number, secondsPerFrame: number, config: Config): number }
  /** A run of placeholders of its own for every frame, which counts as a picture. */
  | { readonly frames: "apart" };
