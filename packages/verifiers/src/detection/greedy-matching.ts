/**
 * The two greedy matchings of V-Triune's detection reward (arXiv 2505.18129; reward_server/utils/det_helper.py @
 * 39bcf0d).
 *
 * Label first: for each gold box in order, the best remaining prediction of the same label; matched when its IoU ≥ ε.
 * IoU first: the best remaining pair of all, while its IoU ≥ ε; a pair with different labels is matched but scores 0.
 * Ties go to the earlier prediction, then to the earlier gold box.
 *
 * Fault of the original, kept under `matchIouFirstAsOriginal`: it records the best IoU together with the *last scanned*
 * pair, that is, always the last remaining prediction with the last remaining gold box.
 *
 * IoU-first picks pairs in falling order of IoU whatever ε is, so it is computed once and cut at ε; see
 * `matchedPrefix`.
 */
import type { PairOverlaps } from "./pair-overlaps";

/** A prediction given to a gold box. */
export interface BoxMatch {
  readonly prediction: number;
  readonly gold: number;
  /** What the pair scores: its IoU, or 0 when IoU-first matched two different labels. */
  readonly iou: number;
  /** The overlap that decided, also when the pair scores 0. */
  readonly overlap: number;
}

/** Label-first matching at threshold ε. */
export function matchLabelFirst(overlaps: PairOverlaps, epsilon: number): BoxMatch[] {
  const { predictions, golds, iou, sameLabel } = overlaps;
  const taken = new Uint8Array(predictions);
  const matches: BoxMatch[] = [];
  for (let gold = 0; gold < golds; gold++) {
    let best = -1;
    let bestIou = -1;
    for (let prediction = 0, at = gold; prediction < predictions; prediction++, at += golds) {
      if (taken[prediction] === 1 || sameLabel[at] === 0) continue;
      const overlap = iou[at] as number;
      if (overlap > bestIou) {
        bestIou = overlap;
        best = prediction;
      }
    }
    if (best === -1 || bestIou < epsilon) continue;
    taken[best] = 1;
    matches.push({ prediction: best, gold, iou: bestIou, overlap: bestIou });
  }
  return matches;
}

/** All IoU-first matches with some overlap, best first: {@link matchedPrefix} cuts them at a threshold. */
export function matchIouFirst(overlaps: PairOverlaps): BoxMatch[] {
  const { predictions, golds, iou, sameLabel } = overlaps;
  const candidates: number[] = [];
  for (let at = 0; at < iou.length; at++) if ((iou[at] as number) > 0) candidates.push(at);
  candidates.sort((a, b) => (iou[b] as number) - (iou[a] as number) || a - b);
  const predictionTaken = new Uint8Array(predictions);
  const goldTaken = new Uint8Array(golds);
  const matches: BoxMatch[] = [];
  for (const at of candidates) {
    const prediction = Math.floor(at / golds);
    const gold = at - prediction * golds;
    if (predictionTaken[prediction] === 1 || goldTaken[gold] === 1) continue;
    predictionTaken[prediction] = 1;
    goldTaken[gold] = 1;
    const overlap = iou[at] as number;
    matches.push({ prediction, gold, iou: sameLabel[at] === 1 ? overlap : 0, overlap });
  }
  return matches;
}

/**
 * IoU-first as the original computes it: the k-th match is the k-th pair from the end, scored with the best IoU left.
 */
export function matchIouFirstAsOriginal(overlaps: PairOverlaps): BoxMatch[] {
  const { predictions, golds, iou, sameLabel } = overlaps;
  const rounds = Math.min(predictions, golds);
  // A pair is still there in round k while k ≤ min(predictions-1-i, golds-1-j): the best of a round is a suffix
  // maximum.
  const best = new Float64Array(rounds + 1).fill(-1);
  let at = 0;
  for (let prediction = 0; prediction < predictions; prediction++) {
    for (let gold = 0; gold < golds; gold++, at++) {
      const lastRound = Math.min(predictions - 1 - prediction, golds - 1 - gold);
      if ((iou[at] as number) > (best[lastRound] as number)) best[lastRound] = iou[at] as number;
    }
  }
  for (let round = rounds - 2; round >= 0; round--)
    best[round] = Math.max(best[round] as number, best[round + 1] as number);
  const matches: BoxMatch[] = [];
  for (let round = 0; round < rounds; round++) {
    const prediction = predictions - 1 - round;
    const gold = golds - 1 - round;
    const overlap = best[round] as number;
    matches.push({ prediction, gold, iou: sameLabel[prediction * golds + gold] === 1 ? overlap : 0, overlap });
  }
  return matches;
}

/** How many of the IoU-first matches hold at threshold ε. They are in falling order of overlap. */
export function matchedPrefix(matches: readonly BoxMatch[], epsilon: number): number {
  let count = 0;
  while (count < matches.length && (matches[count] as BoxMatch).overlap >= epsilon) count++;
  return count;
}
