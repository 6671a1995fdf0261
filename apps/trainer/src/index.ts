export type { Benchmark } from "@v-triune/benchmarks";
export type { FilterRule, SourceAdapter } from "@v-triune/data-filters";
export { ConfigError, VTriuneError, VTriuneError as UserError, WriteError } from "@v-triune/errors";
export type { Policy } from "@v-triune/grpo";
export type { MetricSink } from "@v-triune/monitor";
export type { RewardSource } from "@v-triune/rewards";
export type {
  EngineCompletion,
  EngineWeights,
  PreparedPrompt,
  RolloutEngine,
  SamplingRequest,
} from "@v-triune/rollouts";
export {
  type EvaluationScores,
  RunFolderError,
  type RunBenchmark,
  type RunTrainingOptions,
  type StepSummary,
  type TrainingEvent,
  type TrainingListener,
  type TrainingResult,
  runTraining,
} from "@v-triune/training";
export {
  type TrainingConfig,
  type TrainingConfigInput,
  defineTrainingConfig,
  loadTrainingConfig,
  resolveTrainingConfig,
} from "@v-triune/training/config";
export type { Verifier } from "@v-triune/verifiers";
export { type ModelServer, startModelServer } from "./serve-model/model-server";
export type { ModelServerSettings } from "./serve-model/model-settings";
