/**
 * V-Triune's detection reward (arXiv 2505.18129 §3.2; numbers of reward_server/verify.py @ 39bcf0d).
 *
 *     mean_iou      = Σ matched IoU / #gold
 *     completeness  = 1 − (miss + false alarm) / 2,   miss = unmatched gold / #gold,   false alarm = unmatched pred / #pred
 *     score_ε       = mean_iou · (1 − w) + completeness · w                             for each of the two matchings
 *     R             = Σ_k ratio_k · penalty · score_k / Σ_k ratio_k
 *     over k        = label first, IoU first (at ε, or the mean over 0.5, 0.55, .., 0.95, 0.99), map, map50, map75
 */
import { averagePrecision, type PictureAp } from "./average-precision";
import type { Box } from "../boxes/box";
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
  /** Adds {@link MEAN_IOU} and {@link EPSILON_RECALL} to the metrics. Default false. */
  readonly reportOverlap?: boolean;
}

/** The metric of the IoU of the gold boxes with what is matched to them, label first and however little: their mean. */
export const MEAN_IOU = "mean_iou";

/** The metric of the share of gold boxes that are matched at ε, label first; for "average" the mean of these shares. */
export const EPSILON_RECALL = "epsilon_recall";

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

/** What is measured of an answer. */
interface Measured {
  readonly penalty: number;
  readonly pureIou: number;
  readonly pureLabel: number;
  readonly weightedIou: number;
  readonly weightedLabel: number;
  readonly ap: PictureAp;
  readonly weightedAp: PictureAp;
  /** Matchings IoU first and label first, by threshold. */
  readonly iou50: MatchScore;
  readonly iou95: MatchScore;
  readonly label50: MatchScore;
  readonly label75: MatchScore;
  readonly label95: MatchScore;
  readonly label99: MatchScore;
}

/** The one place where the metrics have their names. */
function metricsOf(measured: Measured): Readonly<Record<string, number>> {
  return {
    size_penalty: measured.penalty,
    pure_iou_score_max_iou: measured.pureIou,
    pure_iou_score_max_label: measured.pureLabel,
    pure_map_score: measured.ap.map,
    pure_map50_score: measured.ap.map50,
    pure_map75_score: measured.ap.map75,
    weighted_iou_score_max_iou: measured.weightedIou,
    weighted_iou_score_max_label: measured.weightedLabel,
    weighted_map_score: measured.weightedAp.map,
    weighted_map50_score: measured.weightedAp.map50,
    weighted_map75_score: measured.weightedAp.map75,
    report_iou_50_iou_match_pure: measured.iou50.meanIou,
    report_iou_50_iou_match_precision: measured.iou50.precision,
    report_iou_50_iou_match_recall: measured.iou50.recall,
    report_iou_95_iou_match_pure: measured.iou95.meanIou,
    report_iou_95_iou_match_precision: measured.iou95.precision,
    report_iou_95_iou_match_recall: measured.iou95.recall,
    report_iou_50_label_match_pure: measured.label50.meanIou,
    report_iou_50_label_match_precision: measured.label50.precision,
    report_iou_50_label_match_recall: measured.label50.recall,
    report_iou_75_label_match_pure: measured.label75.meanIou,
    report_iou_75_label_match_precision: measured.label75.precision,
    report_iou_75_label_match_recall: measured.label75.recall,
    report_iou_95_label_match_pure: measured.label95.meanIou,
    report_iou_95_label_match_precision: measured.label95.precision,
    report_iou_95_label_match_recall: measured.label95.recall,
    report_iou_99_label_match_pure: measured.label99.meanIou,
    report_iou_99_label_match_precision: measured.label99.precision,
    report_iou_99_label_match_recall: measured.label99.recall,
  };
}

const NO_AP: PictureAp = { map: 0, map50: 0, map75: 0 };
const NO_MATCH: MatchScore = { meanIou: 0, precision: 0, recall: 0, score: 0, matched: 0 };

/** The metrics of an answer without boxes: every name, all 0, so that each sample logs the same keys. */
export const EMPTY_DETECTION_METRICS: Readonly<Record<string, number>> = Object.freeze(
  metricsOf({
    penalty: 0,
    pureIou: 0,
    pureLabel: 0,
    weightedIou: 0,
    weightedLabel: 0,
    ap: NO_AP,
    weightedAp: NO_AP,
    iou50: NO_MATCH,
    iou95: NO_MATCH,
    label50: NO_MATCH,
    label75: NO_MATCH,
    label95: NO_MATCH,
    label99: NO_MATCH,
  }),
);

/** The metrics of an answer that rightly says that there is nothing to find: every name, all 1. */
export const FULL_DETECTION_METRICS: Readonly<Record<string, number>> = Object.freeze(
  Object.fromEntries(Object.keys(EMPTY_DETECTION_METRICS).map((name) => [name, 1])),
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
    reportOverlap = false,
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
  // With one factor for all thresholds it is applied last, as the original does, so that the numbers agree to the last
  // bit.
  const uniform = sizePenalty !== "unmatched";
  const weightedLabel = uniform ? label.pure * penalty : label.penalized;
  const weightedIou = uniform ? iou.pure * penalty : iou.penalized;
  const ap = pictureAp(predictions, golds, compat);
  const weighted = { map: ap.map * penalty, map50: ap.map50 * penalty, map75: ap.map75 * penalty };

  const score =
    (weightedIou * ratios.iouMaxIouFirst +
      weightedLabel * ratios.iouMaxLabelFirst +
      weighted.map * ratios.map +
      weighted.map50 * ratios.map50 +
      weighted.map75 * ratios.map75) /
    ratioSum;

  const metrics = metricsOf({
    penalty,
    pureIou: iou.pure,
    pureLabel: label.pure,
    weightedIou,
    weightedLabel,
    ap,
    weightedAp: weighted,
    iou50: scorer.iouFirst(0.5),
    iou95: scorer.iouFirst(0.95),
    label50: at50,
    label75: scorer.labelFirst(0.75),
    label95: scorer.labelFirst(0.95),
    label99: scorer.labelFirst(0.99),
  });
  if (!reportOverlap) return { score, metrics };
  const { meanIou } = scorer.labelFirst(Number.MIN_VALUE);
  return { score, metrics: { ...metrics, [MEAN_IOU]: meanIou, [EPSILON_RECALL]: label.recall } };
}

/** AP, with COCO's "-1: no gold box counts" as 0 unless the original's numbers are asked for. */
function pictureAp(predictions: readonly Box[], golds: readonly Box[], compat: boolean): PictureAp {
  const ap = averagePrecision(predictions, golds);
  return compat || ap.map >= 0 ? ap : NO_AP;
}

/**
 * One matching at ε: its score, pure and penalized, and its recall; for "average" the mean of both over the thresholds.
 */
function atEpsilon(
  epsilon: number | "average",
  scoreAt: (threshold: number) => MatchScore,
  penaltyOf: (score: MatchScore) => number,
): { pure: number; penalized: number; recall: number } {
  const thresholds = epsilon === "average" ? AVERAGE_THRESHOLDS : [epsilon];
  let pure = 0;
  let penalized = 0;
  let recall = 0;
  for (const threshold of thresholds) {
    const score = scoreAt(threshold);
    pure += score.score;
    penalized += score.score * penaltyOf(score);
    recall += score.recall;
  }
  return {
    pure: pure / thresholds.length,
    penalized: penalized / thresholds.length,
    recall: recall / thresholds.length,
  };
}

/** Scores both matchings at any threshold, computing each distinct matching once. */
class MatchScorer {
  readonly #iouFirstMatches: readonly BoxMatch[];
  readonly #iouFirstScores = new Map<number, MatchScore>();
  readonly #labelFirstScores = new Map<number, MatchScore>();
  /** IoUs of the pairs with equal labels: label-first depends on ε only through how many of them pass. */
  readonly #labeledIous: Float64Array;

  readonly #overlaps: PairOverlaps;
  readonly #completenessWeight: number;
  readonly #labelMatching: LabelMatching;

  constructor(overlaps: PairOverlaps, completenessWeight: number, labelMatching: LabelMatching, compat: boolean) {
    this.#overlaps = overlaps;
    this.#completenessWeight = completenessWeight;
    this.#labelMatching = labelMatching;

    this.#iouFirstMatches = compat ? matchIouFirstAsOriginal(overlaps) : matchIouFirst(overlaps);
    this.#labeledIous = overlaps.iou.filter((_, at) => overlaps.sameLabel[at] === 1).sort();
  }

  iouFirst(epsilon: number): MatchScore {
    const count = matchedPrefix(this.#iouFirstMatches, epsilon);
    let score = this.#iouFirstScores.get(count);
    if (score === undefined) this.#iouFirstScores.set(count, (score = this.#score(this.#iouFirstMatches, count)));
    return score;
  }

  labelFirst(epsilon: number): MatchScore {
    let below = 0;
    while (below < this.#labeledIous.length && (this.#labeledIous[below] as number) < epsilon) below++;
    let score = this.#labelFirstScores.get(below);
    if (score === undefined) {
      const matches =
        this.#labelMatching === "optimal"
          ? matchOptimal(this.#overlaps, epsilon)
          : matchLabelFirst(this.#overlaps, epsilon);
      this.#labelFirstScores.set(below, (score = this.#score(matches, matches.length)));
    }
    return score;
  }

  #score(matches: readonly BoxMatch[], count: number): MatchScore {
    const { predictions, golds, sameLabel } = this.#overlaps;
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
    const score = meanIou * (1 - this.#completenessWeight) + completeness * this.#completenessWeight;
    return { meanIou, precision: 1 - falseAlarmRate, recall: 1 - missRate, score, matched };
  }
}
