/**
 * Features of pictures for the language model. While the vision tower and its merger are constant, a picture's features
 * are computed once and remembered as long as its pixels are in use; they take less memory than the pixels. An array of pixels
 * must not be filled with another picture.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VisionConfig } from "../config/model-config";
import { takeValues } from "../kernels/take-values";
import type { ModelWeights } from "../weights/model-weights";
import type { VisualInput } from "./tokenized-rollout";
import { visionFeatures } from "./vision-tower";

export class FeatureSource {
  /** Features by the array of pixels, [tokens · width], and the grids they were computed with. */
  readonly #known = new WeakMap<Float32Array, { readonly grids: string; readonly values: Float32Array }>();

  constructor(
    readonly weights: ModelWeights,
    readonly config: VisionConfig,
    readonly checkpointing: boolean,
  ) {}

  /** The features of these pictures; undefined if they were not computed, or the tower is trained. */
  known({ pixelValues, gridThw }: VisualInput): Float32Array | undefined {
    const found = this.#known.get(pixelValues);
    return found?.grids === gridThw.join(";") ? found.values : undefined;
  }

  /** Stores features that the same tower computed elsewhere. */
  remember({ pixelValues, gridThw }: VisualInput, values: Float32Array): void {
    this.#known.set(pixelValues, { grids: gridThw.join(";"), values });
  }

  /** One row per merged token, in the order of the inputs; differentiable where anything is trained. */
  features(inputs: readonly VisualInput[]): tf.Tensor2D {
    if (this.weights.trainsVision())
      return visionFeatures(inputs, this.weights, this.config, { checkpointing: this.checkpointing });
    const width = this.config.outHiddenSize;
    const tokens = (input: VisualInput): number =>
      input.gridThw.reduce((sum, [t, h, w]) => sum + (t * h * w) / this.config.spatialMergeSize ** 2, 0);
    const fresh = inputs.filter((input) => !this.known(input));
    if (fresh.length > 0) {
      const values = takeValues(tf.tidy(() => visionFeatures(fresh, this.weights, this.config)));
      let start = 0;
      for (const input of fresh) {
        const end = start + tokens(input) * width;
        this.remember(input, values.slice(start, end));
        start = end;
      }
    }
    const known = inputs.map(({ pixelValues }) => this.#known.get(pixelValues)!.values);
    const all = new Float32Array(known.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of known) {
      all.set(part, at);
      at += part.length;
    }
    return tf.tensor2d(all, [all.length / width, width]);
  }
}
