/**
 * What the families' vision towers share. A tower embeds patches (a Conv3d with stride = kernel, which is a matrix
 * product over flattened patches), runs blocks of attention and MLP, and merges 2 × 2 patches into one token.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VisionConfig } from "../config/model-config";
import { ImageError } from "../input-error";
import { addResidual } from "../kernels/add-residual";
import { attention } from "../kernels/attention";
import type { AttentionPlan } from "../kernels/attention-plan";
import { checkpoint } from "../kernels/checkpoint";
import { isTrainable, withGradient } from "../kernels/custom-gradient";
import { linear } from "../kernels/linear";
import type { RotaryTable } from "../kernels/rotary";
import type { ModelWeights } from "../weights/model-weights";
import type { Trace } from "./trace";
import type { VisualInput } from "./visual-input";

export interface VisionOptions {
  /** Called with `vision.patch_embed`, `vision.block.i` and whatever else the family's tower names. */
  readonly trace?: Trace;
  /** Keeps only each block's input for the backward pass and computes the block again there. */
  readonly checkpointing?: boolean;
}

/** Runs a tower; as one operation without a tape where nothing in it is trained. */
export function runTower(weights: ModelWeights, tower: () => tf.Tensor2D): tf.Tensor2D {
  const run = (): tf.Tensor2D => tf.tidy(tower);
  if (weights.trainsVision()) return run();
  // The scalar stands for "some input"; no gradient ever asks for it.
  return tf.tidy(() =>
    withGradient<tf.Tensor2D>([tf.scalar(0)], () => ({ value: run(), gradient: () => [tf.scalar(0)] })),
  );
}

/** The number of values of a patch. */
export function patchWidth({ inChannels, temporalPatchSize, patchSize }: VisionConfig): number {
  return inChannels * temporalPatchSize * patchSize ** 2;
}

/**
 * The patches of all inputs one after another.
 *
 * @param order the merged cell (in picture order) that stands at each place, [tokens]; each input's cells keep the input's
 *   places. Default: picture order
 * @throws ImageError when pixels and grid disagree
 */
export function joinPixels(inputs: readonly VisualInput[], config: VisionConfig, order?: Int32Array): Float32Array {
  const width = patchWidth(config);
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
  }
  const inOrder = order === undefined || order.every((cell, place) => cell === place);
  if (inputs.length === 1 && inOrder) return inputs[0]!.pixelValues;
  const pixels = new Float32Array(inputs.reduce((sum, { pixelValues }) => sum + pixelValues.length, 0));
  let offset = 0;
  for (const { pixelValues } of inputs) {
    if (inOrder) pixels.set(pixelValues, offset);
    else moveCells(pixelValues, order, width * config.spatialMergeSize ** 2, { pixels, offset });
    offset += pixelValues.length;
  }
  return pixels;
}

/** Puts one input's cells of `size` values at their places among all, runs of neighbors in one go. */
function moveCells(
  from: Float32Array,
  order: Int32Array,
  size: number,
  { pixels, offset }: { readonly pixels: Float32Array; readonly offset: number },
): void {
  const first = offset / size;
  const end = first + from.length / size;
  for (let place = first; place < end;) {
    const cell = order[place]!;
    let run = 1;
    while (place + run < end && order[place + run] === cell + run) run++;
    pixels.set(from.subarray((cell - first) * size, (cell - first + run) * size), place * size);
    place += run;
  }
}

/** @returns [patches, hidden] */
export function embedPatches(pixels: Float32Array, weights: ModelWeights, config: VisionConfig): tf.Tensor2D {
  const width = patchWidth(config);
  const name = "visual.patch_embed.proj";
  const kernel = weights.get(`${name}.weight`);
  const filter = tf.reshape(kernel, [config.hiddenSize, width]) as tf.Tensor2D;
  const bias = weights.has(`${name}.bias`) ? weights.vector(`${name}.bias`) : null;
  return linear(tf.tensor2d(pixels, [pixels.length / width, width]), [filter], [bias], {
    inputGradient: false,
    weightGradient: isTrainable(kernel),
    oneDnn: weights.inOneOp,
  });
}

/** What a family's blocks are made of. `name` is that of a norm or of a block's MLP, without `.weight`. */
export interface BlockParts {
  norm(x: tf.Tensor2D, name: string): tf.Tensor2D;
  /** @param again whether it is computed a second time, for its gradients only */
  mlp(x: tf.Tensor2D, name: string, again: boolean): tf.Tensor2D;
}

export interface TowerBlocks {
  readonly weights: ModelWeights;
  readonly config: VisionConfig;
  readonly parts: BlockParts;
  readonly rotary: RotaryTable;
  /** Who sees whom in a block. */
  readonly plan: (block: number) => AttentionPlan;
  readonly options: VisionOptions;
  /** Called with each block's result. */
  readonly afterBlock?: (block: number, hidden: tf.Tensor2D) => void;
}

/** @returns the last block's result, [patches, hidden] */
export function runBlocks(x: tf.Tensor2D, tower: TowerBlocks): tf.Tensor2D {
  const { weights, config, rotary, options, afterBlock } = tower;
  let hidden = x;
  for (let i = 0; i < config.depth; i++) {
    const block = (x: tf.Tensor2D, table: RotaryTable, again = false): tf.Tensor2D =>
      visionBlock(tower, i, { x, table, again });
    if (options.checkpointing) {
      const variables = weights.variablesUnder(`visual.blocks.${i}.`);
      hidden = checkpoint(hidden, [rotary.cos, rotary.sin], variables, (x, [cos, sin], again) =>
        block(x, { cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D }, again),
      );
    } else {
      const input = hidden;
      hidden = tf.tidy(() => block(input, rotary));
    }
    options.trace?.(`vision.block.${i}`, hidden);
    afterBlock?.(i, hidden);
  }
  return hidden;
}

function visionBlock(
  { weights, config, parts, plan }: TowerBlocks,
  index: number,
  { x, table, again }: { readonly x: tf.Tensor2D; readonly table: RotaryTable; readonly again: boolean },
): tf.Tensor2D {
  const name = `visual.blocks.${index}`;
  const qkv = weights.project(parts.norm(x, `${name}.norm1`), [`${name}.attn.qkv`]);
  const heads = { heads: config.numHeads, keyValueHeads: config.numHeads, headDim: config.headDim };
  const hidden = addResidual(
    x,
    weights.project(attention(qkv, table, plan(index), heads, weights.inOneOp), [`${name}.attn.proj`]),
  );
  return addResidual(hidden, parts.mlp(parts.norm(hidden, `${name}.norm2`), `${name}.mlp`, again));
}
