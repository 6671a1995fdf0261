/** Cosines and sines of the rotary angles, computed in float32 steps as PyTorch does, so that the tables agree. */
import * as tf from "@tensorflow/tfjs-core";
import type { RotaryTable } from "./rotary";

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

/** Uploads a table. The caller disposes it. */
export function rotaryTensors(values: RotaryValues): RotaryTable {
  return {
    cos: tf.tensor2d(values.cos, [values.tokens, values.half]),
    sin: tf.tensor2d(values.sin, [values.tokens, values.half]),
  };
}

/** A table from the angle of each token and frequency. */
export function rotaryValues(
  tokens: number,
  half: number,
  angle: (token: number, index: number) => number,
): RotaryValues {
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
