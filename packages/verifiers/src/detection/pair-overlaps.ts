import { boxIou, type Box } from "../boxes/box";

/** Pairs that one verdict may look at. 4 million pairs take about 50 ms; a real answer has a few hundred. */
export const PAIR_BUDGET = 1 << 22;

/** All overlaps of one answer with its gold boxes, computed once and read by every matching. */
export interface PairOverlaps {
  readonly predictions: number;
  readonly golds: number;
  /** IoU, [predictions, golds] row-major. */
  readonly iou: Float64Array;
  /** Whether the labels agree, [predictions, golds] row-major. */
  readonly sameLabel: Uint8Array;
}

/**
 * Computes the overlaps of every prediction with every gold box.
 *
 * @throws RangeError when there are more than {@link PAIR_BUDGET} pairs; callers that face models check first
 */
export function pairOverlaps(predictions: readonly Box[], golds: readonly Box[]): PairOverlaps {
  const pairs = predictions.length * golds.length;
  if (pairs > PAIR_BUDGET) {
    throw new RangeError(
      `pairOverlaps: ${predictions.length} predictions × ${golds.length} gold boxes are more than ${PAIR_BUDGET} pairs`,
    );
  }
  const iou = new Float64Array(pairs);
  const sameLabel = new Uint8Array(pairs);
  let at = 0;
  for (const prediction of predictions) {
    for (const gold of golds) {
      iou[at] = boxIou(prediction.bbox, gold.bbox);
      sameLabel[at] = prediction.label === gold.label ? 1 : 0;
      at++;
    }
  }
  return { predictions: predictions.length, golds: golds.length, iou, sameLabel };
}
