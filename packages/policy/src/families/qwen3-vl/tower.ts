/**
 * Qwen3-VL's vision tower (arXiv 2511.21631; transformers 5.23 `Qwen3VLVisionModel`): patches with a bias and positions
 * from a table, blocks with LayerNorm, attention over whole frames and an MLP with tanh-GELU, then a merger that makes
 * one token of 2 × 2 patches. DeepStack: the results of some blocks go through mergers of their own, whose norm is over
 * the merged row, to be added to the first layers of the language model.
 */
import * as tf from "@tensorflow/tfjs-core";
import { gelu } from "../../kernels/gelu";
import { layerNorm } from "../../kernels/layer-norm";
import { rotaryTensors } from "../../kernels/rotary-values";
import { tanhGelu } from "../../kernels/sigmoid-gelu";
import { patchLayout } from "../../vision/patch-layout";
import { embedPatches, joinPixels, runBlocks, runTower, type VisionOptions } from "../../vision/tower-parts";
import { visionRotary } from "../../vision/vision-rotary";
import type { VisualInput } from "../../vision/visual-input";
import type { ModelWeights } from "../../weights/model-weights";
import type { Qwen3VisionConfig } from "./config";
import { interpolateTable, positionTaps } from "./position-table";

const EPSILON = 1e-6;

/** Features of all pictures, then one set for each DeepStack block beside them, [tokens, (1 + k) · outHiddenSize]. */
export function qwen3VisionTower(
  inputs: readonly VisualInput[],
  weights: ModelWeights,
  config: Qwen3VisionConfig,
  options: VisionOptions = {},
): tf.Tensor2D {
  return runTower(weights, () => {
    const { trace } = options;
    const grids = inputs.flatMap(({ gridThw }) => gridThw);
    const layout = patchLayout(grids, config.spatialMergeSize);
    const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
      layerNorm(x, weights.vector(`${name}.weight`), weights.vector(`${name}.bias`), EPSILON);
    const toCells = (x: tf.Tensor2D): tf.Tensor2D =>
      tf.reshape(x, [layout.tokens, config.spatialMergeSize ** 2 * config.hiddenSize]);
    const project = (cells: tf.Tensor2D, name: string): tf.Tensor2D =>
      weights.project(gelu(weights.project(cells, [`${name}.linear_fc1`])), [`${name}.linear_fc2`]);

    const embedded = embedPatches(joinPixels(inputs, config), weights, config);
    trace?.("vision.patch_embed", embedded);
    const taps = positionTaps(grids, layout.positions, config.positionTableSide);
    const positions = interpolateTable(weights.get("visual.pos_embed.weight") as tf.Tensor2D, taps);
    trace?.("vision.pos_embeds", positions);
    const deep: tf.Tensor2D[] = [];
    const hidden = runBlocks(tf.add(embedded, positions), {
      weights,
      config,
      rotary: rotaryTensors(visionRotary(layout.positions, config)),
      plan: () => layout.frames,
      options,
      parts: {
        norm,
        mlp: (x, name, again) =>
          weights.project(tanhGelu(weights.project(x, [`${name}.linear_fc1`])), [`${name}.linear_fc2`], {
            value: !again,
          }),
      },
      afterBlock: (block, x) => {
        const k = config.deepstackBlocks.indexOf(block);
        if (k < 0) return;
        const name = `visual.deepstack_merger_list.${k}`;
        deep[k] = project(norm(toCells(x), `${name}.norm`), name);
        trace?.(`vision.deepstack.${k}`, deep[k]);
      },
    });
    const merged = project(toCells(norm(hidden, "visual.merger.norm")), "visual.merger");
    trace?.("vision.merged", merged);
    return deep.length === 0 ? merged : tf.concat2d([merged, ...deep], 1);
  });
}
