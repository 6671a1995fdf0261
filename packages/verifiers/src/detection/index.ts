/** Boxes: reading them from model text, matching, rewards, COCO's average precision. */
export {
  DEFAULT_ADAPTIVE_IOU,
  adaptIou,
  adaptiveIouStatistics,
  checkAdaptiveIou,
  startAdaptiveIou,
  type AdaptiveIouOptions,
  type AdaptiveIouStage,
  type AdaptiveIouState,
  type AdaptiveIouStatistics,
  type GroupOverlap,
} from "./adaptive-iou";
export { answeredBoxes } from "./answered-boxes";
export { averagePrecision, type PictureAp } from "./average-precision";
export { BOX_ANSWER_FORM } from "./box-answer-form";
export { boxIou, relativeBoxes, type Box, type Corners } from "../boxes/box";
export {
  BOX_CONVENTIONS,
  boxesInThousandths,
  farCorner,
  isBoxConvention,
  isYFirst,
  type BoxConvention,
  type BoxFrame,
  type PictureSize,
} from "../boxes/box-convention";
export { conventionOfModel } from "../boxes/model-conventions";
export { OTHER_BOX_CONVENTION, likelyConvention } from "../boxes/other-convention";
export { COCO_AREA_RANGES, cellAp, cellIndex, type AreaRange, type CocoCells } from "../coco/coco-cells";
export {
  CocoDataError,
  type CocoAnnotation,
  type CocoDetection,
  type CocoId,
  type CocoProblem,
} from "../coco/coco-data";
export { evaluateCoco, type CocoEvaluation, type CocoOptions } from "../coco/coco-evaluation";
export { cocoStats, type CocoSummary } from "../coco/coco-summary";
export {
  detectionParamsSchema,
  readDetectionParams,
  type DetectionParams,
  type EpsilonParam,
} from "./detection-params";
export {
  AVERAGE_THRESHOLDS,
  DEFAULT_DETECTION_RATIOS,
  EMPTY_DETECTION_METRICS,
  EPSILON_RECALL,
  MEAN_IOU,
  detectionReward,
  type DetectionRatios,
  type DetectionReward,
  type DetectionRewardOptions,
  type LabelMatching,
} from "./detection-reward";
export { createDetectionVerifier, detection, type DetectionVerifierOptions } from "./detection-verifier";
export type { BoxMatch } from "./greedy-matching";
export {
  DEFAULT_IOU_SCHEDULE,
  IouScheduleError,
  checkIouSchedule,
  iouThreshold,
  type IouEpsilon,
  type IouStage,
} from "./iou-schedule";
export { matchBoxes, type MatchBoxesOptions } from "./match-boxes";
export { evaluateNmsAp, suppressByGold } from "../coco/nms-average-precision";
export { parseBoxes, type ParseBoxesOptions } from "../boxes/parse-boxes";
export { PENALTY_BASE, SIZE_PENALTIES, sizePenaltyFactor, type SizePenalty } from "./size-penalty";
