/** Cosines and sines of the rotary angles, computed in float32 steps as PyTorch does, so that the tables agree. */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig, VisionConfig } from "../config/model-config";
import type { RotaryTable } from "../kernels/rotary";

/** θ^(-2i / dim) for i < dim / 2, in float32. */
export function inverseFrequencies(theta: number, dim: number): Float32Array {
  return Float32Array.from({ length: dim / 2 }, (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / dim)));
}

/** Angles as a table of plain numbers: [tokens · half] cosines and sines. */
export interface RotaryValues {
  readonly tokens: number;
  readonly half: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * The language model's table: the headDim / 2 frequencies are dealt out to time, height and width by `mropeSection`.
 *
 * @param positions [3 · tokens]
 */
export function textRotary(positions: Int32Array, config: TextConfig): RotaryValues {
  const tokens = positions.length / 3;
  const half = config.headDim / 2;
  const frequencies = inverseFrequencies(config.ropeTheta, config.headDim);
  const axes = config.mropeSection.flatMap((count, axis) => Array.from({ length: count }, () => axis));
  return fill(tokens, half, (token, i) => Math.fround(positions[axes[i]! * tokens + token]! * frequencies[i]!));
}

/**
 * The vision tower's table in window order: a quarter of headDim turns with the patch's row, the next with its column.
 *
 * @param positions row and column of each patch in picture order, [2 · patches]
 * @param windowIndex the merged cell at each place, [patches / cell]
 */
export function visionRotary(positions: Int32Array, windowIndex: Int32Array, config: VisionConfig): RotaryValues {
  const quarter = config.headDim / 4;
  const cell = config.spatialMergeSize ** 2;
  const frequencies = inverseFrequencies(config.ropeTheta, config.headDim / 2);
  return fill(positions.length / 2, 2 * quarter, (place, i) => {
    const patch = windowIndex[Math.floor(place / cell)]! * cell + (place % cell);
    return Math.fround(positions[2 * patch + (i < quarter ? 0 : 1)]! * frequencies[i % quarter]!);
  });
}

/** Uploads a table. The caller disposes it. */
export function rotaryTensors(values: RotaryValues): RotaryTable {
  return {
    cos: tf.tensor2d(values.cos, [values.tokens, values.half]),
    sin: tf.tensor2d(values.sin, [values.tokens, values.half]),
  };
}

function fill(tokens: number, half: number, angle: (token: number, index: number) => number): RotaryValues {
  const cos = new Float32Array(tokens * half);
  const sin = new Float32Array(tokens * half);
  for (let token = 0; token < tokens; token++) {
    for (let i = 0; i < half; i++) {
      const value = angle(token, i);
      cos[token * half + i] = Math.cos(value);
      sin[token * half + i] = Math.sin(value);
    }
  }
  return { tokens, half, cos, sin };
}
