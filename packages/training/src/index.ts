export { verifyCheckpoint } from "./checkpoint/checkpoint";
export { readMoments, writeMoments } from "./checkpoint/saved-moments";
export { defineTrainingConfig } from "./config/define-training-config";
export { loadTrainingConfig, resolveTrainingConfig } from "./config/load-training-config";
export type { TrainingConfig } from "./config/training-config";
export type { TrainingConfigInput } from "./config/training-config-schema";
export { configuredPromptMaker } from "./data/configured-prompt-maker";
export { DifficultySampler } from "./data/difficulty-sampler";
export { type PromptLengths, measurePromptLengths } from "./data/prompt-lengths";
export {
  type TrainingBatch,
  type TrainingDataOptions,
  type TrainingSource,
  openEvaluationData,
  openTrainingSource,
} from "./data/training-data";
export {
  type BenchmarkScores,
  type ChosenBenchmark,
  type EvaluateOnBenchmarkOptions,
  evaluateOnBenchmarks,
} from "./evaluation/evaluate-on-benchmarks";
export { openTurns } from "./sampling/open-turns";
export { type EvaluateOnSetsOptions, evaluateOnSets } from "./evaluation/evaluate-on-sets";
export {
  type LoadedModel,
  configuredProcessor,
  loadModel,
  modelArchitecture,
  processorFolder,
} from "./model/load-model";
export {
  type MemoryEstimate,
  answerTokens,
  estimateMemory,
  fitsMemory,
  teacherArchitecture,
} from "./model/memory-estimate";
export { type ClientMemory, estimateClientMemory } from "./remote/client-memory";
export { openCompute } from "./parallel/open-compute";
export {
  type EvaluationScores,
  type StepSummary,
  type TrainingEvent,
  type TrainingListener,
  rowStoreEvents,
} from "./training-event";
export { formatTrainerReport } from "./remote/format-trainer-report";
export { tryTrainer } from "./remote/open-remote-trainer";
export type { TrainerAbility, TrainerReport } from "./remote/probe-trainer";
export type { RunBenchmark } from "./run/run-evaluation";
export type { RunTrainingOptions, TrainingResult } from "./run/run-options";
export { runTraining } from "./run/run-training";
export { type StepTrial, type StepTrialParts, withStepTrial } from "./run/step-trial";
export { TrainingMemoryError } from "./run/training-memory-error";
export { RunFolderError } from "./run-folder/run-folder-error";
export { workerCount } from "./threads/worker-count";
export type { Compute } from "./update/compute";
export { frozenGroups, isOffPolicy, learnerConfig, totalUpdates } from "./update/learner-config";
