/**
 * COCO detection evaluation on boxes (pycocotools 2.0.11, cocoeval.py): precision and recall by IoU threshold,
 * category, area range and number of detections, and the 12 summary numbers.
 *
 *     AP[t, k, a, m] = mean over 101 recalls of the interpolated precision      (recall-grid.ts)
 *     summary AP     = mean over t and k of those that are defined              (-1: no gold box in that cell)
 *
 * Equal scores keep their order: images ascending by id, inside an image the order of the detections. Deviation:
 * pycocotools takes a gold box with id 0 for "unmatched"; here ids of boxes play no part.
 */
import { COCO_AREA_RANGES, cellAp, type AreaRange, type CocoCells } from "./coco-cells";
import { readCocoProblem, type CocoBoxes, type CocoColumns, type CocoProblem } from "./coco-data";
import { CocoCategoryMatcher, IGNORED, type Selection } from "./coco-matching";
import { summarizeCoco, type CocoSummary } from "./coco-summary";
import { COCO_IOU_THRESHOLDS, interpolatePrecision } from "./recall-grid";

/** How a problem is evaluated. */
export interface CocoOptions {
  /** T thresholds. Default 0.5:0.05:0.95. */
  readonly iouThresholds?: ArrayLike<number>;
  /** M limits on the detections of an image and category, ascending. Default [1, 10, 100]. */
  readonly maxDetections?: readonly number[];
  /** A area ranges. Default {@link COCO_AREA_RANGES}. */
  readonly areaRanges?: readonly AreaRange[];
  /** False pools all categories, as in proposal scoring. Default true. */
  readonly useCategories?: boolean;
}

/** The result: full tables and what is read from them most. */
export interface CocoEvaluation extends CocoCells {
  /** COCO's 12 numbers. */
  readonly stats: CocoSummary;
  /**
   * AP over all thresholds and categories, area all, the largest limit; unlike `stats.ap` also without a limit of 100.
   */
  readonly ap: number;
  /** AP by threshold, area all, the largest limit, [T]. */
  readonly apByThreshold: readonly number[];
  /** AP by threshold and category, area all, the largest limit, [T][K]. */
  readonly apByThresholdAndCategory: readonly (readonly number[])[];
}

/**
 * Evaluates detections against gold boxes.
 *
 * @throws CocoDataError when a box, score or id cannot be read
 * @throws RangeError when an option makes no sense
 * @example evaluateCoco({ images, categories, annotations, detections }).stats.ap
 */
export function evaluateCoco(problem: CocoProblem, options: CocoOptions = {}): CocoEvaluation {
  const iouThresholds = Float64Array.from(options.iouThresholds ?? COCO_IOU_THRESHOLDS);
  const maxDetections = [...(options.maxDetections ?? [1, 10, 100])].sort((a, b) => a - b);
  const areaRanges = options.areaRanges ?? COCO_AREA_RANGES;
  const useCategories = options.useCategories ?? true;
  if (iouThresholds.length === 0 || iouThresholds.some((threshold) => !(threshold >= 0 && threshold <= 1)))
    throw new RangeError(
      `evaluateCoco: iouThresholds ${JSON.stringify([...iouThresholds])}; numbers in [0, 1] expected, at least one`,
    );
  if (maxDetections.length === 0 || maxDetections.some((most) => !(Number.isInteger(most) && most > 0)))
    throw new RangeError(
      `evaluateCoco: maxDetections ${JSON.stringify(maxDetections)}; positive whole numbers expected, at least one`,
    );
  if (areaRanges.length === 0)
    throw new RangeError("evaluateCoco: areaRanges is empty; give at least one, or leave it out for COCO's four");

  const columns = readCocoProblem(problem, useCategories);
  const tables = accumulate(columns, { iouThresholds, maxDetections, areaRanges });
  const cells = {
    ...tables,
    iouThresholds: [...iouThresholds],
    categoryIds: columns.categoryIds,
    areaRanges,
    maxDetections,
  };
  const lastLimit = maxDetections.length - 1;
  const apByThresholdAndCategory = cells.iouThresholds.map((_, t) =>
    columns.categoryIds.map((__, k) => cellAp(cells, t, k, 0, lastLimit)),
  );
  const defined = (values: readonly number[]) => mean(values.filter((value) => value > -1));
  return {
    ...cells,
    stats: summarizeCoco(cells),
    ap: defined(apByThresholdAndCategory.flat()),
    apByThreshold: apByThresholdAndCategory.map(defined),
    apByThresholdAndCategory,
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

interface Grid {
  readonly iouThresholds: Float64Array;
  readonly maxDetections: readonly number[];
  readonly areaRanges: readonly AreaRange[];
}

/** Fills the precision and recall tables, one category at a time. */
function accumulate(columns: CocoColumns, grid: Grid): { precision: Float64Array; recall: Float64Array } {
  const T = grid.iouThresholds.length;
  const K = columns.categoryIds.length;
  const A = grid.areaRanges.length;
  const M = grid.maxDetections.length;
  const I = columns.imageIds.length;
  const precision = new Float64Array(T * K * A * M * 101).fill(-1);
  const recall = new Float64Array(T * K * A * M).fill(-1);
  const most = grid.maxDetections[M - 1] as number;

  for (let k = 0; k < K; k++) {
    const selection = selectDetections(columns.detections, k, I, most);
    const golds = (columns.golds.start[(k + 1) * I] as number) - (columns.golds.start[k * I] as number);
    if (golds === 0) continue;
    const matcher = new CocoCategoryMatcher(columns, k, selection, grid.iouThresholds);
    const count = selection.index.length;
    const ranking = rankByScore(selection, columns.detections);
    const hits = new Uint8Array(count);
    const scratch = new Float64Array(count);
    for (let a = 0; a < A; a++) {
      const positives = matcher.match(grid.areaRanges[a] as AreaRange);
      if (positives === 0) continue;
      for (let m = 0; m < M; m++) {
        const limit = grid.maxDetections[m] as number;
        for (let t = 0; t < T; t++) {
          let kept = 0;
          for (const at of ranking) {
            if ((selection.rank[at] as number) >= limit) continue;
            const outcome = matcher.outcomes[t * count + at] as number;
            if (outcome !== IGNORED) hits[kept++] = outcome;
          }
          const cell = ((t * K + k) * A + a) * M + m;
          recall[cell] = interpolatePrecision({ hits, count: kept, positives }, scratch, precision, cell * 101);
        }
      }
    }
  }
  return { precision, recall };
}

function selectDetections(detections: CocoBoxes, k: number, I: number, most: number): Selection {
  const { order, start, value } = detections;
  const index: number[] = [];
  const rank: number[] = [];
  const starts = new Int32Array(I + 1);
  for (let i = 0; i < I; i++) {
    const group = Array.from(order.subarray(start[k * I + i] as number, start[k * I + i + 1] as number));
    if (group.length > 1) group.sort((a, b) => (value[b] as number) - (value[a] as number));
    for (let place = 0; place < group.length && place < most; place++) {
      index.push(group[place] as number);
      rank.push(place);
    }
    starts[i + 1] = index.length;
  }
  return { index: Int32Array.from(index), rank: Int32Array.from(rank), start: starts };
}

/** Positions in the selection, best score first over all images; the sort is stable. */
function rankByScore({ index }: Selection, { value }: CocoBoxes): Int32Array {
  const positions = Array.from(index.keys());
  positions.sort((a, b) => (value[index[b] as number] as number) - (value[index[a] as number] as number));
  return Int32Array.from(positions);
}
