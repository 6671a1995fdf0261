/**
 * Verifiers: (response, sample) → verdict. Deterministic, synchronous, without dependencies, in Node, browsers and
 * workers.
 */
export { answer, createAnswerVerifier } from "./answer/answer-verifier";
export {
  BOX_CONVENTIONS,
  farCorner,
  type BoxConvention,
  type BoxFrame,
  type PictureSize,
} from "./boxes/box-convention";
export { choice, createChoiceVerifier } from "./choice/choice-verifier";
export { createCompositeVerifier, type CompositeOptions, type CompositePart } from "./composite/composite-verifier";
export { createDetectionVerifier, detection, type DetectionVerifierOptions } from "./detection/detection-verifier";
export type { EpsilonParam } from "./detection/detection-params";
export {
  DEFAULT_ADAPTIVE_IOU,
  type AdaptiveIouOptions,
  type AdaptiveIouStage,
  type AdaptiveIouState,
} from "./detection/adaptive-iou";
export {
  DEFAULT_IOU_SCHEDULE,
  IouScheduleError,
  iouThreshold,
  type IouEpsilon,
  type IouStage,
} from "./detection/iou-schedule";
export { SIZE_PENALTIES, type SizePenalty } from "./detection/size-penalty";
export { detectionFormat } from "./format/detection-format";
export { mathverifyFormat, type FormatOptions } from "./format/mathverify-format";
export { createMathverifyVerifier, mathverify, type MathverifyVerifierOptions } from "./mathverify/mathverify-verifier";
export { createJsonSchemaVerifier, jsonSchema } from "./json-schema/json-schema-verifier";
export { createNumberVerifier, number } from "./number/number-verifier";
export { createPointVerifier, point } from "./point/point-verifier";
export { createVerifierRegistry, UnknownVerifierError, VerifierRegistryError, type VerifierRegistry } from "./registry";
export { paramsSchema, type ParamsIssue, type ParamsResult, type ParamsSchema } from "./standard-schema";
export { createTextVerifier, text } from "./text/text-verifier";
export type { ShortAnswerOptions } from "./answer/short-answer-options";
export type { Verdict, Verifier, VerifierSample } from "./verifier";
