export { defineTrainingConfig, loadTrainingConfig, resolveTrainingConfig } from "./config/load-training-config";
export type { TrainingConfig } from "./config/training-config";
export type { TrainingConfigInput } from "./config/training-config-schema";
export { ConfigError, RunFolderError, UserError, WriteError } from "./errors";
export { runTraining, type RunTrainingOptions, type TrainingResult } from "./training/run-training";
export type { EvaluationScores, StepSummary, TrainingEvent, TrainingListener } from "./training/training-event";
