import { averagePrecision, type PictureAp } from "./average-precision";
import type { Box } from "./box";
import {
  matchIouFirst,
  matchIouFirstAsOriginal,
  matchLabelFirst,
  matchedPrefix,
  type BoxMatch,
} from "./greedy-matching";
import { matchOptimal } from "./optimal-matching";
import { pairOverlaps, type PairOverlaps } from "./pair-overlaps";
import { sizePenaltyFactor, type SizePenalty } from "./size-penalty";

/**
 * V-Triune's detection reward (arXiv 2505.18129 §3.2; numbers of reward_server/verify.py @ 39bcf0d).
 *
 *     mean_iou      = Σ matched IoU / #gold
 *     completeness  = 1 − (miss + false alarm) / 2,   miss = unmatched gold / #gold,   false alarm = unmatched pred / #pred
 *     score_ε       = mean_iou · (1 − w) + completeness · w                             for each of the two matchings
 *     R             = Σ_k ratio_k · penalty · score_k / Σ_k ratio_k
 *     over k        = label first, IoU first (at ε, or the mean over 0.5, 0.55, .., 0.95, 0.99), map, map50, map75
 */

/** The thresholds whose mean is ε = "average". */
export const AVERAGE_THRESHOLDS: readonly number[] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99];

/** The weights of one sample's detection reward, each in [0, 1]; a sample's `det_reward_ratio`. */
export interface DetectionRatios {
  readonly iouMaxLabelFirst: number;
  readonly iouMaxIouFirst: number;
  /** w: the part of a matching's score that completeness makes up; no summand of its own. */
  readonly iouCompleteness: number;
  readonly map: number;
  readonly map50: number;
  readonly map75: number;
}

/** What Orsta's detection rows carry. */
export const DEFAULT_DETECTION_RATIOS: DetectionRatios = {
  iouMaxLabelFirst: 1,
  iouMaxIouFirst: 0,
  iouCompleteness: 0.3,
  map: 0,
  map50: 0,
  map75: 0,
};

/** How boxes are rewarded. */
export interface DetectionRewardOptions {
  /** The threshold, already resolved: a number in (0, 1] or the mean over {@link AVERAGE_THRESHOLDS}. */
  readonly epsilon: number | "average";
  readonly ratios?: DetectionRatios;
  /** Default `size-difference`, V-Triune's. */
  readonly sizePenalty?: SizePenalty;
  /** How equal labels are matched for the label-first score. Default `greedy`, V-Triune's. */
  readonly labelMatching?: LabelMatching;
  /** IoU-first as the original computes it. Default false. */
  readonly compat?: boolean;
}

/** `greedy`: gold box by gold box. `optimal`: the assignment with the largest sum of IoUs. */
export type LabelMatching = "greedy" | "optimal";

/** The reward and what is logged with it; metric names are those of the original server without their `_reward`. */
export interface DetectionReward {
  readonly score: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** One matching at one threshold. */
export interface MatchScore {
  readonly meanIou: number;
  readonly precision: number;
  readonly recall: number;
  readonly score: number;
  /** Predictions given to a gold box of their own label. */
  readonly matched: number;
}

const METRIC_NAMES = [
  "size_penalty",
  "pure_iou_score_max_iou",
  "pure_iou_score_max_label",
  "pure_map_score",
  "pure_map50_score",
  "pure_map75_score",
  "weighted_iou_score_max_iou",
  "weighted_iou_score_max_label",
  "weighted_map_score",
  "weighted_map50_score",
  "weighted_map75_score",
  "report_iou_50_iou_match_pure",
  "report_iou_50_iou_match_precision",
  "report_iou_50_iou_match_recall",
  "report_iou_95_iou_match_pure",
  "report_iou_95_iou_match_precision",
  "report_iou_95_iou_match_recall",
  "report_iou_50_label_match_pure",
  "report_iou_50_label_match_precision",
  "report_iou_50_label_match_recall",
  "report_iou_75_label_match_pure",
  "report_iou_75_label_match_precision",
  "report_iou_75_label_match_recall",
  "report_iou_95_label_match_pure",
  "report_iou_95_label_match_precision",
  "report_iou_95_label_match_recall",
  "report_iou_99_label_match_pure",
  "report_iou_99_label_match_precision",
  "report_iou_99_label_match_recall",
] as const;

/** The metrics of an answer without boxes: every name, all 0, so that each sample logs the same keys. */
export const EMPTY_DETECTION_METRICS: Readonly<Record<string, number>> = Object.freeze(
  Object.fromEntries(METRIC_NAMES.map((name) => [name, 0])),
);

/**
 * Rewards predicted boxes.
 *
 * @param predictions at least one box
 * @param golds at least one box, in the same units
 * @throws RangeError when a side is empty, or no ratio but the completeness is above 0
 */
export function detectionReward(
  predictions: readonly Box[],
  golds: readonly Box[],
  options: DetectionRewardOptions,
): DetectionReward {
  if (predictions.length === 0 || golds.length === 0)
    throw new RangeError(
      `detectionReward: ${predictions.length} predictions and ${golds.length} gold boxes; both sides need at least one`,
    );
  const {
    epsilon,
    ratios = DEFAULT_DETECTION_RATIOS,
    sizePenalty = "size-difference",
    labelMatching = "greedy",
    compat = false,
  } = options;
  const ratioSum = ratios.iouMaxIouFirst + ratios.iouMaxLabelFirst + ratios.map + ratios.map50 + ratios.map75;
  if (!(ratioSum > 0))
    throw new RangeError(
      "detectionReward: the ratios of label first, IoU first, map, map50 and map75 sum to 0; at least one must be above 0",
    );

  const overlaps = pairOverlaps(predictions, golds);
  const scorer = new MatchScorer(overlaps, ratios.iouCompleteness, labelMatching, compat);
  const at50 = scorer.labelFirst(0.5);
  const penaltyOf = ({ matched }: MatchScore) =>
    sizePenaltyFactor(sizePenalty, predictions.length, golds.length, matched);
  const penalty = penaltyOf(at50);

  const label = atEpsilon(epsilon, (threshold) => scorer.labelFirst(threshold), penaltyOf);
  const iou = atEpsilon(epsilon, (threshold) => scorer.iouFirst(threshold), penaltyOf);
  // With one factor for all thresholds it is applied last, as the original does, so that the numbers agree to the last bit.
  const uniform = sizePenalty !== "unmatched";
  const weightedLabel = uniform ? label.pure * penalty : label.penalised;
  const weightedIou = uniform ? iou.pure * penalty : iou.penalised;
  const ap = pictureAp(predictions, golds, compat);
  const weighted = { map: ap.map * penalty, map50: ap.map50 * penalty, map75: ap.map75 * penalty };

  const score =
    (weightedIou * ratios.iouMaxIouFirst +
      weightedLabel * ratios.iouMaxLabelFirst +
      weighted.map * ratios.map +
      weighted.map50 * ratios.map50 +
      weighted.map75 * ratios.map75) /
    ratioSum;

  const iou50 = scorer.iouFirst(0.5);
  const iou95 = scorer.iouFirst(0.95);
  const label75 = scorer.labelFirst(0.75);
  const label95 = scorer.labelFirst(0.95);
  const label99 = scorer.labelFirst(0.99);
  return {
    score,
    metrics: {
      size_penalty: penalty,
      pure_iou_score_max_iou: iou.pure,
      pure_iou_score_max_label: label.pure,
      pure_map_score: ap.map,
      pure_map50_score: ap.map50,
      pure_map75_score: ap.map75,
      weighted_iou_score_max_iou: weightedIou,
      weighted_iou_score_max_label: weightedLabel,
      weighted_map_score: weighted.map,
      weighted_map50_score: weighted.map50,
      weighted_map75_score: weighted.map75,
      report_iou_50_iou_match_pure: iou50.meanIou,
      report_iou_50_iou_match_precision: iou50.precision,
      report_iou_50_iou_match_recall: iou50.recall,
      report_iou_95_iou_match_pure: iou95.meanIou,
      report_iou_95_iou_match_precision: iou95.precision,
      report_iou_95_iou_match_recall: iou95.recall,
      report_iou_50_label_match_pure: at50.meanIou,
      report_iou_50_label_match_precision: at50.precision,
      report_iou_50_label_match_recall: at50.recall,
      report_iou_75_label_match_pure: label75.meanIou,
      report_iou_75_label_match_precision: label75.precision,
      report_iou_75_label_match_recall: label75.recall,
      report_iou_95_label_match_pure: label95.meanIou,
      report_iou_95_label_match_precision: label95.precision,
      report_iou_95_label_match_recall: label95.recall,
      report_iou_99_label_match_pure: label99.meanIou,
      report_iou_99_label_match_precision: label99.precision,
      report_iou_99_label_match_recall: label99.recall,
    },
  };
}

/** AP, with COCO's "-1: no gold box counts" as 0 unless the original's numbers are asked for. */
function pictureAp(predictions: readonly Box[], golds: readonly Box[], compat: boolean): PictureAp {
  const ap = averagePrecision(predictions, golds);
  return compat || ap.map >= 0 ? ap : { map: 0, map50: 0, map75: 0 };
}

/** One matching at ε, pure and penalised; for "average" the mean of both over the thresholds. */
function atEpsilon(
  epsilon: number | "average",
  scoreAt: (threshold: number) => MatchScore,
  penaltyOf: (score: MatchScore) => number,
): { pure: number; penalised: number } {
  const thresholds = epsilon === "average" ? AVERAGE_THRESHOLDS : [epsilon];
  let pure = 0;
  let penalised = 0;
  for (const threshold of thresholds) {
    const score = scoreAt(threshold);
    pure += score.score;
    penalised += score.score * penaltyOf(score);
  }
  return { pure: pure / thresholds.length, penalised: penalised / thresholds.length };
}

/** Scores both matchings at any threshold, computing each distinct matching once. */
class MatchScorer {
  private readonly iouFirstMatches: readonly BoxMatch[];
  private readonly iouFirstScores = new Map<number, MatchScore>();
  private readonly labelFirstScores = new Map<number, MatchScore>();
  /** IoUs of the pairs with equal labels: label-first depends on ε only through how many of them pass. */
  private readonly labelledIous: Float64Array;

  constructor(
    private readonly overlaps: PairOverlaps,
    private readonly completenessWeight: number,
    private readonly labelMatching: LabelMatching,
    compat: boolean,
  ) {
    this.iouFirstMatches = compat ? matchIouFirstAsOriginal(overlaps) : matchIouFirst(overlaps);
    this.labelledIous = overlaps.iou.filter((_, at) => overlaps.sameLabel[at] === 1).sort();
  }

  iouFirst(epsilon: number): MatchScore {
    const count = matchedPrefix(this.iouFirstMatches, epsilon);
    let score = this.iouFirstScores.get(count);
    if (score === undefined) this.iouFirstScores.set(count, (score = this.score(this.iouFirstMatches, count)));
    return score;
  }

  labelFirst(epsilon: number): MatchScore {
    let below = 0;
    while (below < this.labelledIous.length && (this.labelledIous[below] as number) < epsilon) below++;
    let score = this.labelFirstScores.get(below);
    if (score === undefined) {
      const matches =
        this.labelMatching === "optimal"
          ? matchOptimal(this.overlaps, epsilon)
          : matchLabelFirst(this.overlaps, epsilon);
      this.labelFirstScores.set(below, (score = this.score(matches, matches.length)));
    }
    return score;
  }

  private score(matches: readonly BoxMatch[], count: number): MatchScore {
    const { predictions, golds, sameLabel } = this.overlaps;
    let iouSum = 0;
    let matched = 0;
    for (let i = 0; i < count; i++) {
      const { prediction, gold, iou } = matches[i] as BoxMatch;
      iouSum += iou;
      matched += sameLabel[prediction * golds + gold] as number;
    }
    const meanIou = iouSum / golds;
    const missRate = (golds - count) / golds;
    const falseAlarmRate = (predictions - count) / predictions;
    const completeness = 1 - (missRate + falseAlarmRate) / 2;
    const score = meanIou * (1 - this.completenessWeight) + completeness * this.completenessWeight;
    return { meanIou, precision: 1 - falseAlarmRate, recall: 1 - missRate, score, matched };
  }
}
