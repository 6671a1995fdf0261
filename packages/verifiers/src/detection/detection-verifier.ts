/**
 * The `detection` verifier: reads boxes from the answer and rewards them (detection-reward.ts). The answer stands in
 * the last `<answer>` block behind the thought, or else is all that stands there.
 *
 * Where it differs from the original V-Triune server; `compat` restores each:
 *   - IoU-first matches the best pair, not the last scanned one;
 *   - the format check wants the opening tag exactly once;
 *   - ε = "dynamic" holds for training only: with `is_training: false` the verifier's `evaluationEpsilon` is used;
 *   - boxes are never read from the thought; the original reads the first `<answer>` block, wherever it stands;
 *   - a gold answer that cannot be read is `skipped`, not scored 0; a bare gold list without tags is read;
 *   - an empty gold list says that there is nothing to find: an empty list scores 1, boxes score 0;
 *   - a repeat of a box costs a factor of 0.6, as one box too many does; in the original it is free (`repeats`);
 *   - `det_verifier_normalized` without `image_grid_thw`, and malformed parameters, are an `error`, not a score;
 *   - boxes that its reading rejects whole are read one by one (parse-boxes.ts).
 */
import { paramsError } from "../answer/params-reader";
import { goldText } from "../answer/gold-text";
import { normalize } from "../answer/normalize/normalize";
import { onTexts } from "../answer/text-input";
import { extractAnswer } from "../format/answer-text";
import { formattedAnswer } from "../format/detection-format";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { relativeBoxes, type Box } from "../boxes/box";
import { OTHER_BOX_CONVENTION, likelyConvention } from "../boxes/other-convention";
import { answeredText } from "./answered-boxes";
import { boxFrames, scaleBoxes, yFirstIn, type ScaledBoxes } from "./box-scales";
import {
  detectionParamsSchema,
  isBoxRepeats,
  isEpsilon,
  readDetectionParams,
  type BoxRepeats,
  type DetectionParams,
  type EpsilonParam,
} from "./detection-params";
import {
  EMPTY_DETECTION_METRICS,
  EPSILON_RECALL,
  FULL_DETECTION_METRICS,
  MEAN_IOU,
  detectionReward,
  type LabelMatching,
} from "./detection-reward";
import { DEFAULT_IOU_SCHEDULE, checkIouSchedule, iouThreshold, type IouStage } from "./iou-schedule";
import { ASSIGNMENT_BUDGET, assignmentCost } from "./optimal-matching";
import { PAIR_BUDGET } from "./pair-overlaps";
import { isEmptyBoxList, parseBoxes, readBoxes, saysNoBoxes, type ReadBoxes } from "../boxes/parse-boxes";
import { SIZE_PENALTIES, type SizePenalty } from "./size-penalty";

/** What a detection verifier is set to; a sample's own `epsilon` and `size_penalty` parameters go before it. */
export interface DetectionVerifierOptions {
  /** Default "average", as in the original. */
  readonly epsilon?: EpsilonParam;
  /** What evaluation (`is_training: false`) uses in place of "dynamic". Default "average". */
  readonly evaluationEpsilon?: number | "average";
  /** Default {@link DEFAULT_IOU_SCHEDULE}. */
  readonly schedule?: readonly IouStage[];
  /** Default "size-difference", V-Triune's. */
  readonly sizePenalty?: SizePenalty;
  /** Default "greedy", V-Triune's. */
  readonly labelMatching?: LabelMatching;
  /**
   * What becomes of a box with x1 > x2 or y1 > y2. Default "drop", as in the original; "sort" puts its corners in
   * order.
   */
  readonly swappedCorners?: "drop" | "sort";
  /** What a repeat of a box costs: "charge", the default, is a factor of 0.6 for each; "free", as in the original. */
  readonly repeats?: BoxRepeats;
  /** The original server's numbers, faults included. Default false. */
  readonly compat?: boolean;
}

/**
 * Makes a detection verifier.
 *
 * @throws RangeError or IouScheduleError when an option is out of range
 * @example createDetectionVerifier({ epsilon: "dynamic", evaluationEpsilon: 0.5 })
 */
export function createDetectionVerifier(options: DetectionVerifierOptions = {}): Verifier {
  const {
    epsilon = "average",
    evaluationEpsilon = "average",
    schedule = DEFAULT_IOU_SCHEDULE,
    sizePenalty = "size-difference",
    labelMatching = "greedy",
    swappedCorners = "drop",
    repeats = "charge",
    compat = false,
  } = options;
  const settings = {
    epsilon,
    evaluationEpsilon,
    schedule,
    sizePenalty,
    labelMatching,
    swappedCorners,
    repeats,
    compat,
  };
  if (!isEpsilon(epsilon))
    throw new RangeError(
      `createDetectionVerifier: epsilon is ${String(epsilon)}, expected "average", "dynamic" or a number in (0, 1]`,
    );
  if (!isEpsilon(evaluationEpsilon) || (evaluationEpsilon as EpsilonParam) === "dynamic") {
    throw new RangeError(
      `createDetectionVerifier: evaluationEpsilon is ${String(evaluationEpsilon)}, expected "average" or a number in (0, 1]`,
    );
  }
  checkIouSchedule(schedule);
  if (!SIZE_PENALTIES.includes(sizePenalty))
    throw new RangeError(
      `createDetectionVerifier: sizePenalty is ${String(sizePenalty)}, expected one of ${SIZE_PENALTIES.join(", ")}`,
    );
  if (labelMatching !== "greedy" && labelMatching !== "optimal")
    throw new RangeError(
      `createDetectionVerifier: labelMatching is ${String(labelMatching)}, expected greedy or optimal`,
    );
  if (swappedCorners !== "drop" && swappedCorners !== "sort")
    throw new RangeError(`createDetectionVerifier: swappedCorners is ${String(swappedCorners)}, expected drop or sort`);
  if (!isBoxRepeats(repeats))
    throw new RangeError(`createDetectionVerifier: repeats is ${String(repeats)}, expected charge or free`);
  return {
    name: "detection",
    params: detectionParamsSchema,
    verify: onTexts((response, sample) => verifyDetection(response, sample, settings)),
  };
}

/** The detection verifier with its defaults. */
export const detection: Verifier = createDetectionVerifier();

/** A repeat of a box is one box too many: the factor of V-Triune's size penalty, whichever penalty is set. */
const REPEAT_FACTOR = 0.6;
const NO_BOXES: ReadBoxes = { boxes: [], repeats: 0 };
const NO_OVERLAP = { [MEAN_IOU]: 0, [EPSILON_RECALL]: 0 };
const FULL_OVERLAP = { [MEAN_IOU]: 1, [EPSILON_RECALL]: 1 };

function verifyDetection(
  response: string,
  sample: VerifierSample,
  settings: Required<DetectionVerifierOptions>,
): Verdict {
  const { compat, labelMatching } = settings;
  const params = readDetectionParams(sample.params, { compat });
  if (params.issues !== undefined) return paramsError(params.issues);

  const goldText = extractAnswer(sample.groundTruth) ?? (compat ? "" : sample.groundTruth);
  const frames = compat ? undefined : boxFrames(params.value);
  const golds = parseBoxes(goldText, { compat, yFirst: yFirstIn(frames?.gold) });
  const isEmptyGold = !compat && golds.length === 0 && isEmptyBoxList(goldText);
  if (golds.length === 0 && !compat && !isEmptyGold)
    return { status: "skipped", reason: "gold: no box could be read from the ground truth" };

  const reading = {
    compat,
    sortCorners: !compat && settings.swappedCorners === "sort",
    yFirst: yFirstIn(frames?.response),
  };
  const answer = compat ? extractAnswer(response) : answeredText(response);
  const { boxes: written, repeats } = answer === undefined ? NO_BOXES : readBoxes(answer, reading);
  const predictions = compat ? written : withLabels(written, golds);
  const formatted = formattedAnswer(response, compat);
  const { reportOverlap } = params.value;
  const none = reportOverlap ? { ...EMPTY_DETECTION_METRICS, ...NO_OVERLAP } : EMPTY_DETECTION_METRICS;
  if (isEmptyGold) return judgeEmpty(answer, predictions.length, formatted, reportOverlap);
  const inForm =
    formatted === undefined ? 0 : formatted === answer ? predictions.length : parseBoxes(formatted, reading).length;
  const format = inForm > 0 ? 1 : 0;
  if (golds.length === 0 || predictions.length === 0) return { status: "scored", accuracy: 0, format, metrics: none };
  const optimalIsTooMuch =
    labelMatching === "optimal" && assignmentCost(predictions.length, golds.length) > ASSIGNMENT_BUDGET;
  if (predictions.length * golds.length > PAIR_BUDGET || optimalIsTooMuch)
    return { status: "scored", accuracy: 0, format, metrics: none, reason: "undecided" };

  const scaled = (compat ? scaleInCompat : scaleBoxes)(predictions, golds, params.value);
  if (scaled.issue !== undefined) return paramsError([scaled.issue]);
  const epsilon = resolveEpsilon(params.value, settings);
  if (epsilon === undefined) return paramsError([{ message: 'epsilon "dynamic" needs step and total_steps' }]);
  const { ratios, sizePenalty = settings.sizePenalty } = params.value;
  const zeroRatios = ratios.iouMaxIouFirst + ratios.iouMaxLabelFirst + ratios.map + ratios.map50 + ratios.map75 === 0;
  // Only compat gets here with ratios that sum to 0: the original then logs the metrics and scores 0.
  const { score, metrics } = detectionReward(scaled.predictions, scaled.golds, {
    epsilon,
    ratios: zeroRatios ? { ...ratios, iouMaxLabelFirst: 1 } : ratios,
    sizePenalty,
    labelMatching,
    compat,
    reportOverlap,
  });
  const areRepeatsFree = compat || (params.value.repeats ?? settings.repeats) === "free";
  const accuracy = zeroRatios ? 0 : areRepeatsFree ? score : score * REPEAT_FACTOR ** repeats;
  // Infinite boxes and gold boxes too large for COCO, which only compat lets through, can end in NaN or below 0.
  if (!(accuracy >= 0 && accuracy <= 1)) return { status: "error", reason: `score ${accuracy} is outside [0, 1]` };
  const isDoubtful = frames !== undefined && likelyConvention(written, frames.response) !== undefined;
  return {
    status: "scored",
    accuracy,
    format,
    metrics: isDoubtful ? { ...metrics, [OTHER_BOX_CONVENTION]: 1 } : metrics,
  };
}

const unwrapped = (answer: string): string => (answer.length > 500 ? "" : normalize(goldText(answer)).text);

/** Nothing is to be found: only an answer that says so is right. */
function judgeEmpty(
  answer: string | undefined,
  boxes: number,
  formatted: string | undefined,
  reportOverlap: boolean,
): Verdict {
  const isRight = answer !== undefined && boxes === 0 && (saysNoBoxes(answer) || saysNoBoxes(unwrapped(answer)));
  return {
    status: "scored",
    accuracy: isRight ? 1 : 0,
    format: formatted !== undefined && (saysNoBoxes(formatted) || parseBoxes(formatted).length > 0) ? 1 : 0,
    metrics: {
      ...(isRight ? FULL_DETECTION_METRICS : EMPTY_DETECTION_METRICS),
      ...(reportOverlap && (isRight ? FULL_OVERLAP : NO_OVERLAP)),
    },
  };
}

/** Where every gold box has one label, a box that is marked without a name has it too. */
function withLabels(boxes: readonly Box[], golds: readonly Box[]): readonly Box[] {
  const label = golds[0]?.label;
  if (label === undefined || boxes.every((box) => box.label !== "") || golds.some((gold) => gold.label !== label))
    return boxes;
  return boxes.map((box) => (box.label === "" ? { ...box, label } : box));
}

/** The original scales where it is told the picture's size, and compares as written where it is not. */
function scaleInCompat(
  predictions: readonly Box[],
  golds: readonly Box[],
  { normalized, pictureSize }: DetectionParams,
): ScaledBoxes {
  if (!normalized || pictureSize === undefined) return { predictions, golds };
  return { predictions: relativeBoxes(predictions, pictureSize.width, pictureSize.height), golds };
}

/** The threshold; undefined if it follows the schedule and the step is not known. */
function resolveEpsilon(
  params: DetectionParams,
  settings: Required<DetectionVerifierOptions>,
): number | "average" | undefined {
  const epsilon = params.epsilon ?? settings.epsilon;
  if (epsilon !== "dynamic") return epsilon;
  if (!params.training && !settings.compat) return settings.evaluationEpsilon;
  if (params.step === undefined || params.totalSteps === undefined) return undefined;
  return iouThreshold(settings.schedule, params.step, params.totalSteps);
}
