export { DatasetError, formatDatasetError } from "./dataset-error";
export type { DatasetErrorCode, DatasetErrorDetails } from "./dataset-error";
export { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO, KNOWN_VERIFIERS } from "./reward-defaults";
export type { KnownVerifier } from "./reward-defaults";
export { withStoredRatios } from "./stored-ratios";
export { DET_RATIO_KEYS, SAMPLE_COLUMNS, detectionVerifierParm, emptyVerifierParm } from "./sample";
export type {
  DetRewardRatio,
  ExtraInfo,
  PromptMessage,
  RewardModel,
  RubricCriterion,
  Sample,
  SampleColumn,
  SampleImage,
  VerifierParm,
} from "./sample";
export { checkSample, parseSample } from "./sample-validation";
export type { SampleCheckOptions } from "./sample-validation";
export {
  boxedGroundTruth,
  detectionGroundTruth,
  formatBoxes,
  parseDetectionGroundTruth,
  unboxGroundTruth,
} from "./ground-truth";
export type { GoldBox } from "./ground-truth";
export { IMAGE_MARK, countImageMarks } from "./image-marks";
export { parquetFileName, parseParquetFileName } from "./file-name";
export type { ParquetFileNameParts } from "./file-name";
export { TASKS, abilityOf, sourceInfo, sources, taskDefaults, taskKind } from "./sources";
export type { SourceInfo, Task } from "./sources";
