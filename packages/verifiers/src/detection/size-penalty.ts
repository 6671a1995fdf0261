/**
 * Penalties for a wrong number of boxes.
 *
 *     size-difference   0.6^|#pred − #gold|            V-Triune's, the default
 *     surplus           0.6^max(0, #pred − #gold)
 *     unmatched         0.6^(#pred − #matched)          matched: given to a gold box of its label
 *     none              1
 *
 * Under size-difference, an answer with too few boxes gains by adding wrong ones: 0.6^|..| grows by 1/0.6 while the
 * score itself falls less (gold 3, one right: 0.156; with one wrong added 0.215; with two 0.333). Under `surplus` a
 * wrong box never raises the score; under `unmatched` it always lowers a score above 0, and guessing one object several
 * times costs too. docs/detection-reward.md has the search that found these and its numbers.
 */

/** How the number of boxes is penalized. */
export type SizePenalty = "size-difference" | "surplus" | "unmatched" | "none";

/** All penalties, in the order of the documentation. */
export const SIZE_PENALTIES: readonly SizePenalty[] = ["size-difference", "surplus", "unmatched", "none"];

/** V-Triune's base: what one box too many or too few costs. */
export const PENALTY_BASE = 0.6;

/**
 * The factor for one answer.
 *
 * @param predictions how many boxes were predicted
 * @param golds how many there are
 * @param matched how many predictions were given to a gold box of their label
 * @returns a number in (0, 1]
 */
export function sizePenaltyFactor(penalty: SizePenalty, predictions: number, golds: number, matched: number): number {
  switch (penalty) {
    case "size-difference":
      return PENALTY_BASE ** Math.abs(predictions - golds);
    case "surplus":
      return PENALTY_BASE ** Math.max(0, predictions - golds);
    case "unmatched":
      return PENALTY_BASE ** (predictions - matched);
    case "none":
      return 1;
  }
}
