/**
 * COCO's grids and its interpolated precision (pycocotools 2.0.11, cocoeval.py).
 *
 *     AP = mean over the 101 recalls r = 0, 0.01, .., 1 of  max { precision at recall ≥ r }
 *     precision = tp / (tp + fp + 2^-52)
 *
 * The last term is why a perfect detector has AP 0.9999999999999998.
 */

/** numpy.linspace(0, 1, 101): i · 0.01 in double precision, the last one exactly 1. */
export const RECALL_THRESHOLDS: Float64Array = Float64Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/** numpy.linspace(0.5, 0.95, 10), digit for digit as numpy computes it. */
export const COCO_IOU_THRESHOLDS: Float64Array = Float64Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
);

const EPSILON = 2 ** -52;

/** The outcome of a matching. */
export interface RankedHits {
  /** For each detection, best score first: 1 a hit, 0 a false alarm; ignored detections left out. */
  readonly hits: Uint8Array;
  /** The number of entries of `hits` to read. */
  readonly count: number;
  /** The number of gold boxes that count, more than 0. */
  readonly positives: number;
}

/**
 * Interpolates precision at the 101 recalls.
 *
 * @param scratch at least `count` numbers, overwritten
 * @param out where the 101 precisions go
 * @param offset where in `out` they start
 * @returns the recall reached
 */
export function interpolatePrecision(
  { hits, count, positives }: RankedHits,
  scratch: Float64Array,
  out: Float64Array,
  offset: number,
): number {
  let hitCount = 0;
  for (let i = 0; i < count; i++) {
    hitCount += hits[i] as number;
    scratch[i] = hitCount / (i + 1 - hitCount + hitCount + EPSILON);
  }
  for (let i = count - 1; i > 0; i--)
    if ((scratch[i] as number) > (scratch[i - 1] as number)) scratch[i - 1] = scratch[i] as number;
  let detection = 0;
  let reached = 0;
  for (let r = 0; r < 101; r++) {
    const recall = RECALL_THRESHOLDS[r] as number;
    while (detection < count && (reached + (hits[detection] as number)) / positives < recall)
      reached += hits[detection++] as number;
    out[offset + r] = detection < count ? (scratch[detection] as number) : 0;
  }
  return hitCount / positives;
}
