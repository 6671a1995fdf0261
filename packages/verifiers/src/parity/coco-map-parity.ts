import { CocoDataError, type CocoProblem } from "../coco/coco-data";
import { evaluateCoco } from "../coco/coco-evaluation";
import { cocoStats } from "../coco/coco-summary";
import { ParityRows, type ParityRow } from "./parity-row";

/** A file of detection problems with pycocotools' answers, as tools/goldens/coco_map/generate.py writes it. */
export interface CocoMapFile {
  readonly cases: readonly (CocoProblem & {
    readonly name: string;
    readonly params: {
      readonly iouThrs?: readonly number[];
      readonly maxDets?: readonly number[];
      readonly useCats?: number;
    };
    readonly expected?: {
      readonly stats: readonly number[];
      readonly iouThrs: readonly number[];
      readonly catIds: readonly number[];
      readonly ap_per_iou: readonly number[];
      readonly ap_per_category_per_iou: readonly (readonly number[])[];
      readonly recall_per_category_per_iou: readonly (readonly number[])[];
      readonly ap: number;
    };
    /** What pycocotools threw instead of an answer. */
    readonly error?: string;
  })[];
}

/** Whether parsed JSON has the layout of {@link CocoMapFile}. */
export function isCocoMapFile(value: unknown): value is CocoMapFile {
  const cases = (value as { cases?: unknown } | null)?.cases;
  const first = (Array.isArray(cases) ? cases[0] : undefined) as Record<string, unknown> | undefined;
  return first !== undefined && "detections" in first && "annotations" in first && "params" in first;
}

/**
 * Compares {@link evaluateCoco} with pycocotools in every number of a file. Cases that pycocotools could not answer are
 * left out.
 */
export function cocoMapParity(file: CocoMapFile): ParityRow[] {
  const rows = new ParityRows(1e-9);
  for (const { name, params, expected, ...problem } of file.cases) {
    if (expected === undefined) continue;
    try {
      const found = evaluateCoco(problem, {
        ...(params.iouThrs !== undefined && { iouThresholds: params.iouThrs }),
        ...(params.maxDets !== undefined && { maxDetections: params.maxDets }),
        useCategories: params.useCats !== 0,
      });
      const K = found.categoryIds.length;
      const A = found.areaRanges.length;
      const M = found.maxDetections.length;
      const recall = found.iouThresholds.map((_, t) =>
        found.categoryIds.map((__, k) => found.recall[((t * K + k) * A + 0) * M + M - 1]),
      );
      rows.compareLists("stats (the 12 numbers)", cocoStats(found.stats), expected.stats, name);
      rows.compareLists("iouThrs", found.iouThresholds, expected.iouThrs, name);
      rows.compareLists("catIds", found.categoryIds, expected.catIds, name);
      rows.compareLists("ap_per_iou", found.apByThreshold, expected.ap_per_iou, name);
      rows.compareLists(
        "ap_per_category_per_iou",
        found.apByThresholdAndCategory,
        expected.ap_per_category_per_iou,
        name,
      );
      rows.compareLists("recall_per_category_per_iou", recall, expected.recall_per_category_per_iou, name);
      rows.compare("ap", found.ap, expected.ap, name);
    } catch (error) {
      if (!(error instanceof CocoDataError)) throw error;
      rows.compare("stats (the 12 numbers)", Number.NaN, 0, `${name}: ${error.message}`);
    }
  }
  return rows.result();
}
