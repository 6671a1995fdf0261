/**
 * COCO's average precision of one picture whose boxes carry no confidence (all scores 1), as V-Triune uses it in its
 * reward: the mean over the categories of the gold boxes, and over 0.5:0.05:0.95 for `map`. Numbers as of pycocotools
 * 2.0.11; the original's evaluator differs from it only in skipping the area ranges.
 *
 * Predictions of categories that the gold does not name are left out, as the original leaves them out: they cost
 * nothing here.
 */
import type { Box } from "../boxes/box";
import { cornerSizeIou } from "../boxes/corner-size-iou";
import { COCO_IOU_THRESHOLDS, interpolatePrecision } from "../coco/recall-grid";

/** AP of one picture. */
export interface PictureAp {
  /** Mean over IoU 0.5, 0.55, .., 0.95. */
  readonly map: number;
  readonly map50: number;
  readonly map75: number;
}

const NOTHING_FOUND: PictureAp = { map: 0, map50: 0, map75: 0 };
const MOST_DETECTIONS = 100;
const LARGEST_AREA = 1e10;
const THRESHOLD_75 = 5;
// Written and read within one call; a typed array for each category costs more than the arithmetic.
const PRECISIONS = new Float64Array(101);

/**
 * COCO AP of one picture.
 *
 * @param predictions in the order of the answer; of each category the first 100 count
 * @param golds the gold boxes
 * @returns zeros when no prediction has a label of the gold; -1 when no gold box counts, as COCO says it
 * @example
 * const cat = { bbox: [0, 0, 9, 9], label: "cat" } as const;
 * averagePrecision([cat], [cat]).map // 0.9999999999999998
 */
export function averagePrecision(predictions: readonly Box[], golds: readonly Box[]): PictureAp {
  const goldsByLabel = groupByLabel(golds, Infinity);
  const labeled = predictions.filter(({ label }) => goldsByLabel.has(label));
  if (labeled.length === 0) return NOTHING_FOUND;
  const predictionsByLabel = groupByLabel(labeled, MOST_DETECTIONS);

  const sums = new Float64Array(COCO_IOU_THRESHOLDS.length);
  let categories = 0;
  for (const [label, categoryGolds] of goldsByLabel) {
    if (!categoryGolds.some((gold) => area(gold) <= LARGEST_AREA)) continue;
    categories++;
    addCategory(predictionsByLabel.get(label) ?? [], categoryGolds, sums);
  }
  if (categories === 0) return { map: -1, map50: -1, map75: -1 };
  const total = sums.reduce((sum, value) => sum + value, 0);
  return {
    map: total / (categories * sums.length),
    map50: (sums[0] as number) / categories,
    map75: (sums[THRESHOLD_75] as number) / categories,
  };
}

function groupByLabel(boxes: readonly Box[], most: number): Map<string, Box[]> {
  const groups = new Map<string, Box[]>();
  for (const box of boxes) {
    const group = groups.get(box.label);
    if (group === undefined) groups.set(box.label, [box]);
    else if (group.length < most) group.push(box);
  }
  return groups;
}

const area = ({ bbox }: Box) => (bbox[2] - bbox[0]) * (bbox[3] - bbox[1]);

/** Adds the AP of one category at each IoU threshold to `sums`. */
function addCategory(predictions: readonly Box[], unordered: readonly Box[], sums: Float64Array): void {
  if (predictions.length === 0) return;
  // Gold boxes that are ignored for their size are tried last, as COCO does.
  const counted = unordered.filter((gold) => area(gold) <= LARGEST_AREA);
  const golds =
    counted.length === unordered.length
      ? unordered
      : [...counted, ...unordered.filter((gold) => area(gold) > LARGEST_AREA)];
  const ious = cocoIous(predictions, golds);
  const category: Category = { predictions, golds, countedGolds: counted.length, ious };
  const matched = new Uint8Array(golds.length);
  const hits = new Uint8Array(predictions.length);
  const scratch = new Float64Array(predictions.length);
  let previousPairs = -1;
  let ap = 0;
  for (let t = 0; t < sums.length; t++) {
    const threshold = COCO_IOU_THRESHOLDS[t] as number;
    // Matching depends on the threshold only through which pairs pass it: as long as their number stays, so does the
    // AP.
    let pairs = 0;
    for (const iou of ious) if (iou >= threshold) pairs++;
    if (pairs !== previousPairs) {
      previousPairs = pairs;
      const count = matchCategory(category, threshold, matched, hits);
      interpolatePrecision({ hits, count, positives: counted.length }, scratch, PRECISIONS, 0);
      ap = 0;
      for (let r = 0; r < 101; r++) ap += PRECISIONS[r] as number;
      ap /= 101;
    }
    sums[t] = (sums[t] as number) + ap;
  }
}

/** The boxes of one category. */
interface Category {
  readonly predictions: readonly Box[];
  /** Those that count, then those that are ignored. */
  readonly golds: readonly Box[];
  readonly countedGolds: number;
  /** IoU of each prediction with each gold box, prediction-major. */
  readonly ious: Float64Array;
}

/**
 * Matches one category at one threshold.
 *
 * @param matched overwritten: which gold boxes are taken
 * @param hits overwritten: a hit or a false alarm for each detection that is not ignored
 * @returns the number of entries of `hits`
 */
function matchCategory(
  { predictions, golds, countedGolds, ious }: Category,
  threshold: number,
  matched: Uint8Array,
  hits: Uint8Array,
): number {
  matched.fill(0);
  let count = 0;
  for (let d = 0; d < predictions.length; d++) {
    let best = -1;
    let bestIou = threshold;
    for (let g = 0; g < golds.length; g++) {
      if (matched[g] === 1) continue;
      if (best !== -1 && best < countedGolds && g >= countedGolds) break;
      const iou = ious[d * golds.length + g] as number;
      if (iou < bestIou) continue;
      bestIou = iou;
      best = g;
    }
    if (best !== -1) matched[best] = 1;
    const ignored = best === -1 ? area(predictions[d] as Box) > LARGEST_AREA : best >= countedGolds;
    if (!ignored) hits[count++] = best === -1 ? 0 : 1;
  }
  return count;
}

/** IoUs as COCO computes them from x, y, width, height: x1 + (x2 - x1) may differ from x2 in the last bit. */
function cocoIous(predictions: readonly Box[], golds: readonly Box[]): Float64Array {
  const [found, expected] = [cornerSizes(predictions), cornerSizes(golds)];
  const ious = new Float64Array(predictions.length * golds.length);
  let at = 0;
  for (let p = 0; p < found.length; p += 4)
    for (let g = 0; g < expected.length; g += 4) ious[at++] = cornerSizeIou(found, p, expected, g, false);
  return ious;
}

function cornerSizes(boxes: readonly Box[]): number[] {
  const sizes: number[] = [];
  for (const { bbox } of boxes) sizes.push(bbox[0], bbox[1], bbox[2] - bbox[0], bbox[3] - bbox[1]);
  return sizes;
}
