/**
 * The order in which Qwen2.5-VL's tower works on patches (transformers 5.23, `Qwen2_5_VisionTransformer`): each
 * attention window is a run of rows. Pure integers, no tensors.
 */
import type { AttentionPlan } from "../../kernels/attention-plan";
import { openPlan, patchLayout, type PatchLayout } from "../../vision/patch-layout";
import type { GridThw } from "../../image-processor/image-processor";
import type { Qwen25VisionConfig } from "./config";

/** `positions` stay in picture order. */
export interface WindowLayout extends PatchLayout {
  /** The merged cell (in picture order) that stands at each place of window order, [tokens]. */
  readonly windowIndex: Int32Array;
  /** Attention within windows, over rows in window order. */
  readonly windowed: AttentionPlan;
}

/** @throws ImageError when a grid is not a multiple of the merge size */
export function windowLayout(grids: readonly GridThw[], config: Qwen25VisionConfig): WindowLayout {
  const merge = config.spatialMergeSize;
  const window = Math.floor(config.windowSize / merge / config.patchSize);
  const layout = patchLayout(grids, merge);
  const windowIndex: number[] = [];
  const windows: number[] = [];
  let firstCell = 0;
  for (const [time, height, width] of grids) {
    const rows = height / merge;
    const columns = width / merge;
    for (let t = 0; t < time; t++) {
      for (let top = 0; top < rows; top += window) {
        for (let left = 0; left < columns; left += window) {
          const bottom = Math.min(rows, top + window);
          const right = Math.min(columns, left + window);
          for (let y = top; y < bottom; y++)
            for (let x = left; x < right; x++) windowIndex.push(firstCell + (t * rows + y) * columns + x);
          windows.push((bottom - top) * (right - left) * merge * merge);
        }
      }
    }
    firstCell += time * rows * columns;
  }
  return { ...layout, windowIndex: Int32Array.from(windowIndex), windowed: openPlan(windows) };
}
