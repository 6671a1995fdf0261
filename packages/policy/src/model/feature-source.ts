/**
 * Features of pictures for the language model. While the vision tower and its merger are constant, a picture's features
 * are computed once and remembered as long as its pixels are in use; they take less memory than the pixels. An array of
 * pixels must not be filled with another picture.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VlmConfig } from "../config/model-config";
import { familyOf } from "../families/model-families";
import type { ModelFamily } from "../families/model-family";
import { takeValues } from "../kernels/take-values";
import type { VisionOptions } from "../vision/tower-parts";
import type { VisualInput } from "../vision/visual-input";
import type { ModelWeights } from "../weights/model-weights";

export class FeatureSource {
  /** Features by the array of pixels, [tokens · width], and the grids they were computed with. */
  readonly #known = new WeakMap<Float32Array, { readonly grids: string; readonly values: Float32Array }>();
  readonly #family: ModelFamily;

  constructor(
    readonly weights: ModelWeights,
    readonly config: VlmConfig,
    readonly checkpointing: boolean,
  ) {
    this.#family = familyOf(config);
  }

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
    if (this.weights.trainsVision()) return this.compute(inputs, { checkpointing: this.checkpointing });
    const tokens = (input: VisualInput): number =>
      input.gridThw.reduce((sum, [t, h, w]) => sum + (t * h * w) / this.config.vision.spatialMergeSize ** 2, 0);
    const fresh = inputs.filter((input) => !this.known(input));
    if (fresh.length > 0) {
      const values = takeValues(tf.tidy(() => this.compute(fresh)));
      const width = values.length / fresh.reduce((sum, input) => sum + tokens(input), 0);
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
    const rows = inputs.reduce((sum, input) => sum + tokens(input), 0);
    return tf.tensor2d(all, [rows, all.length / rows]);
  }

  /** The same, computed now and not remembered. */
  compute(inputs: readonly VisualInput[], options: VisionOptions = {}): tf.Tensor2D {
    return this.#family.visionTower(inputs, this.weights, this.config.vision, options);
  }
}
