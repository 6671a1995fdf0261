import type { CocoId } from "./coco-data";

/** Limits of an area range in square pixels, both inclusive. */
export interface AreaRange {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** COCO's four area ranges. */
export const COCO_AREA_RANGES: readonly AreaRange[] = [
  { name: "all", from: 0, to: 1e10 },
  { name: "small", from: 0, to: 1024 },
  { name: "medium", from: 1024, to: 9216 },
  { name: "large", from: 9216, to: 1e10 },
];

/** The tables of an evaluation: one cell for each IoU threshold, category, area range and limit on detections. */
export interface CocoCells {
  /** Interpolated precision, [T, K, A, M, 101] row-major; -1 where there is no gold box. */
  readonly precision: Float64Array;
  /** Highest recall, [T, K, A, M] row-major; -1 where there is no gold box. */
  readonly recall: Float64Array;
  readonly iouThresholds: readonly number[];
  readonly categoryIds: readonly CocoId[];
  readonly areaRanges: readonly AreaRange[];
  readonly maxDetections: readonly number[];
}

/** Mean of the 101 precisions of one cell, or -1. */
export function cellAp(cells: CocoCells, t: number, k: number, a: number, m: number): number {
  const at = cellIndex(cells, t, k, a, m) * 101;
  let sum = 0;
  for (let r = 0; r < 101; r++) sum += cells.precision[at + r] as number;
  return sum < 0 ? -1 : sum / 101;
}

/** Where a cell stands in `recall`; times 101 in `precision`. */
export function cellIndex(
  { categoryIds, areaRanges, maxDetections }: CocoCells,
  t: number,
  k: number,
  a: number,
  m: number,
): number {
  return ((t * categoryIds.length + k) * areaRanges.length + a) * maxDetections.length + m;
}
