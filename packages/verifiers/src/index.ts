/** Verifiers: (response, sample) → verdict. Deterministic, synchronous, without dependencies, in Node, browsers and workers. */
export { createDetectionVerifier, detection, type DetectionVerifierOptions } from "./detection/detection-verifier";
export type { Epsilon } from "./detection/detection-params";
export { DEFAULT_IOU_SCHEDULE, IouScheduleError, iouThreshold, type IouStage } from "./detection/iou-schedule";
export { SIZE_PENALTIES, type SizePenalty } from "./detection/size-penalty";
export { detectionFormat } from "./format/detection-format";
export { mathverifyFormat, type FormatOptions } from "./format/mathverify-format";
export { createMathverifyVerifier, mathverify, type MathverifyVerifierOptions } from "./mathverify/mathverify-verifier";
export { createVerifierRegistry, UnknownVerifierError, VerifierRegistryError, type VerifierRegistry } from "./registry";
export { paramsSchema, type ParamsIssue, type ParamsResult, type ParamsSchema } from "./standard-schema";
export type { Verdict, Verifier, VerifierSample } from "./verifier";
