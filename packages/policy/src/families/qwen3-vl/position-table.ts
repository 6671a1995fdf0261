/**
 * Qwen3-VL's learned positions (arXiv 2511.21631; transformers 5.23 `fast_pos_embed_interpolate`): a table of side ×
 * side rows is stretched over the picture, corners on corners, and read between its rows (bilinear).
 *
 *     row y of h stands at s = y (side - 1) / max(h - 1, 1), between ⌊s⌋ and min(⌊s⌋ + 1, side - 1); columns alike
 *     patch (y, x) gets Σ over the 4 neighbors of weight · table[row · side + column]
 *
 * transformers 4.57 rounds differently (1e-6).
 */
import * as tf from "@tensorflow/tfjs-core";
import type { GridThw } from "../../image-processor/image-processor";
import { gatherRows } from "../../kernels/gather-rows";

/** The four rows of the table at each patch and their weights, [4][patches]. */
export interface PositionTaps {
  readonly rows: readonly Int32Array[];
  readonly weights: readonly Float32Array[];
}

/** @param positions row and column of each patch in its picture, in the order of the patches, [2 · patches] */
export function positionTaps(grids: readonly GridThw[], positions: Int32Array, side: number): PositionTaps {
  const patches = positions.length / 2;
  const rows = Array.from({ length: 4 }, () => new Int32Array(patches));
  const weights = Array.from({ length: 4 }, () => new Float32Array(patches));
  let patch = 0;
  for (const [time, height, width] of grids) {
    const across = stretch(height, side);
    const along = stretch(width, side);
    for (const end = patch + time * height * width; patch < end; patch++) {
      const y = across[positions[2 * patch]!]!;
      const x = along[positions[2 * patch + 1]!]!;
      for (let tap = 0; tap < 4; tap++) {
        const [row, rowWeight] = tap < 2 ? [y.low, 1 - y.rest] : [y.high, y.rest];
        const [column, columnWeight] = tap % 2 === 0 ? [x.low, 1 - x.rest] : [x.high, x.rest];
        rows[tap]![patch] = row * side + column;
        weights[tap]![patch] = Math.fround(rowWeight) * Math.fround(columnWeight);
      }
    }
  }
  return { rows, weights };
}

/** Where each of `count` places lies in the table, in float32. */
function stretch(count: number, side: number): { low: number; high: number; rest: number }[] {
  return Array.from({ length: count }, (_, place) => {
    const at = Math.fround(Math.fround(place * (side - 1)) / Math.max(count - 1, 1));
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, side - 1), rest: Math.fround(at - low) };
  });
}

/** The table read at the patches; differentiable. @param table [side², D] @returns [patches, D] */
export function interpolateTable(table: tf.Tensor2D, { rows, weights }: PositionTaps): tf.Tensor2D {
  const parts = rows.map((index, tap): tf.Tensor2D =>
    tf.mul(gatherRows(table, index), tf.tensor2d(weights[tap]!, [index.length, 1])),
  );
  return parts.reduce((sum, part) => tf.add(sum, part));
}
