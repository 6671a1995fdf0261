import type { Box } from "../boxes/box";
import {
  matchIouFirst,
  matchIouFirstAsOriginal,
  matchLabelFirst,
  matchedPrefix,
  type BoxMatch,
} from "./greedy-matching";
import { matchOptimal } from "./optimal-matching";
import { pairOverlaps } from "./pair-overlaps";

/** How predictions are given to gold boxes. */
export interface MatchBoxesOptions {
  /** Default `label-first`. `optimal`: the assignment of equal labels with the largest sum of IoUs. */
  readonly strategy?: "label-first" | "iou-first" | "optimal";
  /** IoU that a pair must reach. Default 0.5. */
  readonly epsilon?: number;
  /** `iou-first` as the original computes it. Default false. */
  readonly compat?: boolean;
}

/**
 * Matches predictions with gold boxes.
 *
 * @returns one entry a matched pair, in the order in which they were found
 * @throws RangeError when ε is not in (0, 1] or there are too many pairs
 * @example
 * matchBoxes([{ bbox: [0, 0, 10, 10], label: "cat" }], [{ bbox: [0, 0, 10, 8], label: "cat" }])
 * // [{ prediction: 0, gold: 0, iou: 0.8, overlap: 0.8 }]
 */
export function matchBoxes(
  predictions: readonly Box[],
  golds: readonly Box[],
  options: MatchBoxesOptions = {},
): BoxMatch[] {
  const { strategy = "label-first", epsilon = 0.5, compat = false } = options;
  if (!(epsilon > 0 && epsilon <= 1))
    throw new RangeError(`matchBoxes: epsilon is ${epsilon}, expected 0 < epsilon <= 1`);
  const overlaps = pairOverlaps(predictions, golds);
  if (strategy === "label-first") return matchLabelFirst(overlaps, epsilon);
  if (strategy === "optimal") return matchOptimal(overlaps, epsilon);
  const matches = compat ? matchIouFirstAsOriginal(overlaps) : matchIouFirst(overlaps);
  return matches.slice(0, matchedPrefix(matches, epsilon));
}
