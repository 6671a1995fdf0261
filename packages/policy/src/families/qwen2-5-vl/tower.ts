/**
 * Qwen2.5-VL's vision tower (arXiv 2502.13923; transformers 5.23 `Qwen2_5_VisionTransformer`): blocks with RMSNorm,
 * attention in windows (some blocks: in whole frames) and SwiGLU, then a merger that makes one token of 2 × 2 patches.
 */
import * as tf from "@tensorflow/tfjs-core";
import { gatherRows } from "../../kernels/gather-rows";
import { gelu } from "../../kernels/gelu";
import { rmsNorm } from "../../kernels/rms-norm";
import { rotaryTensors } from "../../kernels/rotary-values";
import { swiglu } from "../../kernels/swiglu";
import { embedPatches, joinPixels, runBlocks, runTower, type VisionOptions } from "../../vision/tower-parts";
import { visionRotary } from "../../vision/vision-rotary";
import type { VisualInput } from "../../vision/visual-input";
import type { ModelWeights } from "../../weights/model-weights";
import type { Qwen25VisionConfig } from "./config";
import { windowLayout } from "./window-layout";

const EPSILON = 1e-6;

/** Features of all pictures, one row per merged token, in picture order, [tokens, outHiddenSize]. */
export function qwen25VisionTower(
  inputs: readonly VisualInput[],
  weights: ModelWeights,
  config: Qwen25VisionConfig,
  options: VisionOptions = {},
): tf.Tensor2D {
  return runTower(weights, () => {
    const cell = config.spatialMergeSize ** 2;
    const layout = windowLayout(
      inputs.flatMap(({ gridThw }) => gridThw),
      config,
    );
    const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
      rmsNorm(x, weights.vector(`${name}.weight`), EPSILON, weights.inOneOp);
    const pixels = joinPixels(inputs, config, layout.windowIndex);
    const hidden = runBlocks(embedPatches(pixels, weights, config), {
      weights,
      config,
      rotary: rotaryTensors(visionRotary(layout.positions, config, layout.windowIndex)),
      plan: (block) => (config.fullAttentionBlocks.includes(block) ? layout.frames : layout.windowed),
      options,
      parts: {
        norm,
        mlp: (x, name, again) =>
          weights.project(
            swiglu(weights.project(x, [`${name}.gate_proj`, `${name}.up_proj`]), weights.inOneOp),
            [`${name}.down_proj`],
            {
              value: !again,
            },
          ),
      },
    });
    const cells = tf.reshape(norm(hidden, "visual.merger.ln_q"), [layout.tokens, cell * config.hiddenSize]);
    const inWindows = weights.project(gelu(weights.project(cells as tf.Tensor2D, ["visual.merger.mlp.0"])), [
      "visual.merger.mlp.2",
    ]);
    const place = new Int32Array(layout.tokens);
    layout.windowIndex.forEach((index, i) => (place[index] = i));
    const merged = gatherRows(inWindows, place);
    options.trace?.("vision.merged", merged);
    return merged;
  });
}
