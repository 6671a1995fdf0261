/**
 * How the vision tower lays out patches (transformers 5.23, `Qwen2_5_VisionTransformer`): pictures come as patches in
 * merge-block order (2 × 2 patches that become one token stand together); the tower works on them in window order, so that
 * each attention window is a run of rows. Pure integers, no tensors.
 */
import type { VisionConfig } from "../config/model-config";
import { ImageError } from "../input-error";
import { attentionPlan, type AttentionPlan, type AttentionSegment } from "../kernels/attention-plan";

/** Time, height and width of a picture in patches. */
export type GridThw = readonly [number, number, number];

/** Everything the tower needs to know about a set of pictures. */
export interface VisionLayout {
  readonly patches: number;
  /** Merged tokens: patches / mergeSize². */
  readonly tokens: number;
  /** The merged cell (in picture order) that stands at each place of window order, [tokens]. */
  readonly windowIndex: Int32Array;
  /** Height and width of each patch in its picture, in picture order, [2 · patches]. */
  readonly positions: Int32Array;
  /** Attention within windows, over rows in window order. */
  readonly windowed: AttentionPlan;
  /** Attention within frames. */
  readonly full: AttentionPlan;
}

/**
 * @param where names the picture
 * @throws ImageError when its patches cannot be merged
 */
export function checkGrid(grid: GridThw, merge: number, where: string): void {
  const [time, height, width] = grid;
  const fits = (n: number, step: number): boolean => Number.isSafeInteger(n) && n >= step && n % step === 0;
  if (grid.length === 3 && fits(time, 1) && fits(height, merge) && fits(width, merge)) return;
  throw new ImageError({
    what: "A picture's grid of patches cannot be merged into tokens.",
    where,
    expected: `[time, height, width]: at least one frame, height and width multiples of ${merge}`,
    found: JSON.stringify(grid),
    fix: "make pixels and grid with the image processor of this model folder",
  });
}

/** @throws ImageError when a grid is not a multiple of the merge size */
export function visionLayout(grids: readonly GridThw[], config: VisionConfig): VisionLayout {
  const merge = config.spatialMergeSize;
  const cell = merge * merge;
  const window = Math.floor(config.windowSize / merge / config.patchSize);
  const windowIndex: number[] = [];
  const positions: number[] = [];
  const windows: number[] = [];
  const frames: number[] = [];
  let firstCell = 0;
  for (const [index, grid] of grids.entries()) {
    checkGrid(grid, merge, `picture ${index}`);
    const [time, height, width] = grid;
    const rows = height / merge;
    const columns = width / merge;
    for (let t = 0; t < time; t++) {
      frames.push(height * width);
      for (let by = 0; by < rows; by++)
        for (let bx = 0; bx < columns; bx++)
          for (let y = 0; y < merge; y++)
            for (let x = 0; x < merge; x++) positions.push(by * merge + y, bx * merge + x);
      for (let top = 0; top < rows; top += window) {
        for (let left = 0; left < columns; left += window) {
          const bottom = Math.min(rows, top + window);
          const right = Math.min(columns, left + window);
          for (let y = top; y < bottom; y++)
            for (let x = left; x < right; x++) windowIndex.push(firstCell + (t * rows + y) * columns + x);
          windows.push((bottom - top) * (right - left) * cell);
        }
      }
    }
    firstCell += time * rows * columns;
  }
  return {
    patches: firstCell * cell,
    tokens: firstCell,
    windowIndex: Int32Array.from(windowIndex),
    positions: Int32Array.from(positions),
    windowed: openPlan(windows),
    full: openPlan(frames),
  };
}

/** Patches of picture order in window order: whole cells move. [patches · width] → the same size. */
export function toWindowOrder(values: Float32Array, layout: VisionLayout, patchesPerCell: number): Float32Array {
  const width = values.length / layout.tokens;
  if (width % patchesPerCell !== 0)
    throw new RangeError(`toWindowOrder: ${values.length} values for ${layout.patches} patches`);
  const out = new Float32Array(values.length);
  layout.windowIndex.forEach((cell, place) =>
    out.set(values.subarray(cell * width, (cell + 1) * width), place * width),
  );
  return out;
}

function openPlan(counts: readonly number[]): AttentionPlan {
  let start = 0;
  return attentionPlan(
    counts.map((count): AttentionSegment => {
      const segment = { start, count, prefixStart: 0, prefixCount: 0, causal: false };
      start += count;
      return segment;
    }),
  );
}
