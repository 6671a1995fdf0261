/**
 * Qwen2-VL's vision tower (arXiv 2409.12191; transformers 5.23 `Qwen2VisionTransformerPretrainedModel`): blocks with
 * LayerNorm, attention over whole frames and an MLP with quick_gelu, then a merger that makes one token of 2 × 2
 * patches.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VisionConfig } from "../../config/model-config";
import { gelu } from "../../kernels/gelu";
import { layerNorm } from "../../kernels/layer-norm";
import { rotaryTensors } from "../../kernels/rotary-values";
import { quickGelu } from "../../kernels/sigmoid-gelu";
import { patchLayout } from "../../vision/patch-layout";
import { embedPatches, joinPixels, runBlocks, runTower, type VisionOptions } from "../../vision/tower-parts";
import { visionRotary } from "../../vision/vision-rotary";
import type { VisualInput } from "../../vision/visual-input";
import type { ModelWeights } from "../../weights/model-weights";

const EPSILON = 1e-6;

/** Features of all pictures, one row per merged token, in picture order, [tokens, outHiddenSize]. */
export function qwen2VisionTower(
  inputs: readonly VisualInput[],
  weights: ModelWeights,
  config: VisionConfig,
  options: VisionOptions = {},
): tf.Tensor2D {
  return runTower(weights, () => {
    const layout = patchLayout(
      inputs.flatMap(({ gridThw }) => gridThw),
      config.spatialMergeSize,
    );
    const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
      layerNorm(x, weights.vector(`${name}.weight`), weights.vector(`${name}.bias`), EPSILON);
    const embedded = embedPatches(joinPixels(inputs, config), weights, config);
    options.trace?.("vision.patch_embed", embedded);
    const hidden = runBlocks(embedded, {
      weights,
      config,
      rotary: rotaryTensors(visionRotary(layout.positions, config)),
      plan: () => layout.frames,
      options,
      parts: {
        norm,
        mlp: (x, name, again) =>
          weights.project(quickGelu(weights.project(x, [`${name}.fc1`])), [`${name}.fc2`], { value: !again }),
      },
    });
    const cells: tf.Tensor2D = tf.reshape(norm(hidden, "visual.merger.ln_q"), [
      layout.tokens,
      config.spatialMergeSize ** 2 * config.hiddenSize,
    ]);
    const merged = weights.project(gelu(weights.project(cells, ["visual.merger.mlp.0"])), ["visual.merger.mlp.2"]);
    options.trace?.("vision.merged", merged);
    return merged;
  });
}
