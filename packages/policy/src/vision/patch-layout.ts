/**
 * How the patches of pictures lie in the tower's input: merge-block order (the 2 × 2 patches that become one token
 * stand together), frame after frame, picture after picture. Pure integers, no tensors.
 */
import { ImageError } from "../input-error";
import { attentionPlan, type AttentionPlan, type AttentionSegment } from "../kernels/attention-plan";
import type { GridThw } from "../image-processor/image-processor";

/** What a tower needs to know about a set of pictures. */
export interface PatchLayout {
  readonly patches: number;
  /** Merged tokens: patches / merge². */
  readonly tokens: number;
  /** Row and column of each patch in its picture, [2 · patches]. */
  readonly positions: Int32Array;
  /** Attention within frames. */
  readonly frames: AttentionPlan;
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
export function patchLayout(grids: readonly GridThw[], merge: number): PatchLayout {
  const positions: number[] = [];
  const frames: number[] = [];
  for (const [index, grid] of grids.entries()) {
    checkGrid(grid, merge, `picture ${index}`);
    const [time, height, width] = grid;
    for (let t = 0; t < time; t++) {
      frames.push(height * width);
      for (let by = 0; by < height / merge; by++)
        for (let bx = 0; bx < width / merge; bx++)
          for (let y = 0; y < merge; y++)
            for (let x = 0; x < merge; x++) positions.push(by * merge + y, bx * merge + x);
    }
  }
  const patches = positions.length / 2;
  return {
    patches,
    tokens: patches / (merge * merge),
    positions: Int32Array.from(positions),
    frames: openPlan(frames),
  };
}

/** Runs of rows that see each other, and nothing else. */
export function openPlan(counts: readonly number[]): AttentionPlan {
  let start = 0;
  return attentionPlan(
    counts.map((count): AttentionSegment => {
      const segment = { start, count, prefixStart: 0, prefixCount: 0, causal: false };
      start += count;
      return segment;
    }),
  );
}
