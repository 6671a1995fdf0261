export { defineTrainingConfig } from "@v-triune/training/config";
export { loadTrainingConfig, resolveTrainingConfig } from "@v-triune/training/config";
export type { TrainingConfig } from "@v-triune/training/config";
export type { TrainingConfigInput } from "@v-triune/training/config";
export { ConfigError, VTriuneError, VTriuneError as UserError, WriteError } from "@v-triune/errors";
export { RunFolderError } from "@v-triune/training/run-folder";
export { runTraining, type RunTrainingOptions, type TrainingResult } from "@v-triune/training";
export type { EvaluationScores, StepSummary, TrainingEvent, TrainingListener } from "@v-triune/training";
