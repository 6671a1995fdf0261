import { cellAp, cellIndex, type CocoCells } from "./coco-cells";

/** COCO's 12 numbers; -1 where undefined. */
export interface CocoSummary {
  /** AP over all thresholds at 100 detections; -1 unless 100 is one of the limits, as in pycocotools. */
  readonly ap: number;
  /** AP at IoU 0.5 and 0.75 exactly; -1 when the threshold is not among those evaluated. */
  readonly ap50: number;
  readonly ap75: number;
  readonly apSmall: number;
  readonly apMedium: number;
  readonly apLarge: number;
  /** Average recall at the first, second and third limit on detections. */
  readonly ar1: number;
  readonly ar10: number;
  readonly ar100: number;
  readonly arSmall: number;
  readonly arMedium: number;
  readonly arLarge: number;
}

/** The 12 numbers in pycocotools' order, for tables and comparisons. */
export function cocoStats(summary: CocoSummary): number[] {
  const { ap, ap50, ap75, apSmall, apMedium, apLarge, ar1, ar10, ar100, arSmall, arMedium, arLarge } = summary;
  return [ap, ap50, ap75, apSmall, apMedium, apLarge, ar1, ar10, ar100, arSmall, arMedium, arLarge];
}

/** Reads the 12 numbers from the tables. A limit, area range or threshold that is missing gives -1. */
export function summarizeCoco(cells: CocoCells): CocoSummary {
  const { iouThresholds, categoryIds, areaRanges, maxDetections } = cells;
  const all = iouThresholds.map((_, t) => t);
  const meanOver = (
    thresholds: readonly number[],
    areaName: string,
    m: number,
    value: (t: number, k: number, a: number) => number,
  ): number => {
    const a = areaRanges.findIndex(({ name }) => name === areaName);
    if (a === -1 || m < 0 || m >= maxDetections.length) return -1;
    let sum = 0;
    let count = 0;
    for (const t of thresholds) {
      for (let k = 0; k < categoryIds.length; k++) {
        const cell = value(t, k, a);
        if (cell <= -1) continue;
        sum += cell;
        count++;
      }
    }
    return count === 0 ? -1 : sum / count;
  };
  const at = (threshold: number) => all.filter((t) => iouThresholds[t] === threshold);
  const ap = (area: string, m: number, thresholds = all) =>
    meanOver(thresholds, area, m, (t, k, a) => cellAp(cells, t, k, a, m));
  const ar = (area: string, m: number) =>
    meanOver(all, area, m, (t, k, a) => cells.recall[cellIndex(cells, t, k, a, m)] as number);
  return {
    ap: ap("all", maxDetections.indexOf(100)),
    ap50: ap("all", 2, at(0.5)),
    ap75: ap("all", 2, at(0.75)),
    apSmall: ap("small", 2),
    apMedium: ap("medium", 2),
    apLarge: ap("large", 2),
    ar1: ar("all", 0),
    ar10: ar("all", 1),
    ar100: ar("all", 2),
    arSmall: ar("small", 2),
    arMedium: ar("medium", 2),
    arLarge: ar("large", 2),
  };
}
