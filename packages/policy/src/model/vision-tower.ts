/**
 * Qwen2.5-VL's vision tower (arXiv 2502.13923; transformers 5.23 `Qwen2_5_VisionTransformer`): patch embedding, blocks with
 * RMSNorm, attention in windows (some blocks: in whole frames) and SwiGLU, then a merger that makes one token of 2 × 2
 * patches. Conv3d with stride = kernel is a matrix product over flattened patches.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VisionConfig } from "../config/model-config";
import { ImageError } from "../input-error";
import { attention } from "../kernels/attention";
import type { AttentionPlan } from "../kernels/attention-plan";
import { checkpoint } from "../kernels/checkpoint";
import { isTrainable, withGradient } from "../kernels/custom-gradient";
import { gatherRows } from "../kernels/gather-rows";
import { gelu } from "../kernels/gelu";
import { linear } from "../kernels/linear";
import { rmsNorm } from "../kernels/rms-norm";
import type { RotaryTable } from "../kernels/rotary";
import { swiglu } from "../kernels/swiglu";
import type { ModelWeights } from "../weights/model-weights";
import { rotaryTensors, visionRotary } from "./rotary-tables";
import type { VisualInput } from "./tokenized-rollout";
import type { Trace } from "./trace";
import { toWindowOrder, visionLayout, type VisionLayout } from "./vision-layout";

const EPSILON = 1e-6;

export interface VisionOptions {
  readonly trace?: Trace;
  /** Keeps only each block's input for the backward pass and computes the block again there. */
  readonly checkpointing?: boolean;
}

/**
 * Features of all pictures, one row per merged token, in picture order.
 *
 * @returns [tokens, outHiddenSize]
 * @throws ImageError when pixels and grid disagree
 */
export function visionFeatures(
  inputs: readonly VisualInput[],
  weights: ModelWeights,
  config: VisionConfig,
  options: VisionOptions = {},
): tf.Tensor2D {
  const frozen = !weights.trainsVision();
  const run = (): tf.Tensor2D => tf.tidy(() => tower(inputs, weights, config, options));
  if (!frozen) return run();
  // Nothing in the tower is trained: run it as one operation, so that no tape keeps what is inside. The scalar stands for
  // "some input"; no gradient ever asks for it.
  return tf.tidy(() =>
    withGradient<tf.Tensor2D>([tf.scalar(0)], () => ({ value: run(), gradient: () => [tf.scalar(0)] })),
  );
}

function tower(
  inputs: readonly VisualInput[],
  weights: ModelWeights,
  config: VisionConfig,
  { trace, checkpointing }: VisionOptions,
): tf.Tensor2D {
  const cell = config.spatialMergeSize ** 2;
  const width = config.inChannels * config.temporalPatchSize * config.patchSize ** 2;
  const layout = visionLayout(
    inputs.flatMap((input) => [...input.gridThw]),
    config,
  );
  const x = embedPatches(inputs, weights, config, layout, width);
  const rotary = rotaryTensors(visionRotary(layout.positions, layout.windowIndex, config));

  let hidden = x;
  for (let i = 0; i < config.depth; i++) {
    const plan = config.fullAttentionBlocks.includes(i) ? layout.full : layout.windowed;
    const place: VisionBlock = { index: i, plan, weights, config };
    const block = (x: tf.Tensor2D, table: RotaryTable, again = false): tf.Tensor2D =>
      visionBlock(place, x, table, again);
    if (checkpointing) {
      const variables = weights.variablesUnder(`visual.blocks.${i}.`);
      hidden = checkpoint(hidden, [rotary.cos, rotary.sin], variables, (x, [cos, sin], again) =>
        block(x, { cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D }, again),
      );
    } else hidden = tf.tidy(() => block(hidden, rotary));
    trace?.(`vision.block.${i}`, hidden);
  }

  const normal = rmsNorm(hidden, weights.vector("visual.merger.ln_q.weight"), EPSILON);
  const merged = gelu(
    weights.project(tf.reshape(normal, [layout.tokens, cell * config.hiddenSize]), ["visual.merger.mlp.0"]),
  );
  const inWindows = weights.project(merged, ["visual.merger.mlp.2"]);
  const place = new Int32Array(layout.tokens);
  layout.windowIndex.forEach((token, row) => (place[token] = row));
  const features = gatherRows(inWindows, place);
  trace?.("vision.merged", features);
  return features;
}

/** One block, without the hidden states that go through it. */
interface VisionBlock {
  readonly index: number;
  readonly plan: AttentionPlan;
  readonly weights: ModelWeights;
  readonly config: VisionConfig;
}

/** @param again whether it is computed a second time, for its gradients only */
function visionBlock(
  { index, plan, weights, config }: VisionBlock,
  x: tf.Tensor2D,
  rotary: RotaryTable,
  again: boolean,
): tf.Tensor2D {
  const name = `visual.blocks.${index}`;
  const qkv = weights.project(rmsNorm(x, weights.vector(`${name}.norm1.weight`), EPSILON), [`${name}.attn.qkv`]);
  const heads = { heads: config.numHeads, keyValueHeads: config.numHeads, headDim: config.headDim };
  const hidden: tf.Tensor2D = tf.add(x, weights.project(attention(qkv, rotary, plan, heads), [`${name}.attn.proj`]));
  const packed = weights.project(rmsNorm(hidden, weights.vector(`${name}.norm2.weight`), EPSILON), [
    `${name}.mlp.gate_proj`,
    `${name}.mlp.up_proj`,
  ]);
  return tf.add(hidden, weights.project(swiglu(packed), [`${name}.mlp.down_proj`], { value: !again }));
}

/** Patches of all pictures in window order, embedded: [patches, hidden]. */
function embedPatches(
  inputs: readonly VisualInput[],
  weights: ModelWeights,
  config: VisionConfig,
  layout: VisionLayout,
  width: number,
): tf.Tensor2D {
  const pixels =
    inputs.length === 1
      ? inputs[0]!.pixelValues
      : new Float32Array(inputs.reduce((sum, { pixelValues }) => sum + pixelValues.length, 0));
  let offset = 0;
  for (const { pixelValues, gridThw } of inputs) {
    const patches = gridThw.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
    if (pixelValues.length !== patches * width) {
      throw new ImageError({
        what: "A prompt's pixels do not fit the grid that they come with.",
        where: `gridThw ${JSON.stringify(gridThw)}`,
        expected: `${patches} patches of ${width} values`,
        found: `${pixelValues.length} values`,
        fix: "make both with the image processor of this model folder",
      });
    }
    if (inputs.length > 1) pixels.set(pixelValues, offset);
    offset += pixelValues.length;
  }
  const data = tf.tensor2d(toWindowOrder(pixels, layout, config.spatialMergeSize ** 2), [layout.patches, width]);
  const kernel = weights.get("visual.patch_embed.proj.weight");
  const filter = tf.reshape(kernel, [config.hiddenSize, width]) as tf.Tensor2D;
  return linear(data, [filter], [null], { inputGradient: false, weightGradient: isTrainable(kernel) });
}
