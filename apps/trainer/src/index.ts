export { defineTrainingConfig } from "./training/config/define-training-config";
export { loadTrainingConfig, resolveTrainingConfig } from "./training/config/load-training-config";
export type { TrainingConfig } from "./training/config/training-config";
export type { TrainingConfigInput } from "./training/config/training-config-schema";
export { ConfigError, VTriuneError, VTriuneError as UserError, WriteError } from "@v-triune/errors";
export { RunFolderError } from "./training/run-folder/run-folder-error";
export { runTraining, type RunTrainingOptions, type TrainingResult } from "./training/run/run-training";
export type {
  EvaluationScores,
  StepSummary,
  TrainingEvent,
  TrainingListener,
} from "./training/reporting/training-event";
