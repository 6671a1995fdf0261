/** Training for a browser: configurations written in code, and runs whose samples, numbers and weights stay in memory. */
import { completeConfig } from "../config/complete-config";
import type { TrainingConfig } from "../config/training-config";
import type { TrainingConfigInput } from "../config/training-config-schema";

export {
  openTrainingInMemory,
  type CallOff,
  type EvaluatedAnswer,
  type EvaluationInMemory,
  type MemorySample,
  type StepInMemory,
  type TrainingInMemory,
  type TrainingInMemoryOptions,
} from "./training-in-memory";
export type { TrainingConfig } from "../config/training-config";
export type { TrainingConfigInput } from "../config/training-config-schema";
export type { Evaluated } from "../evaluation/measure-answers";
export type { StoredRollout } from "../reporting/rollout-store";
export type { EvaluationScores, StepSummary } from "../training-event";
export { frozenGroups } from "../update/learner-config";

/**
 * Fills in a configuration written in code. Paths stay as they are written.
 *
 * @throws ConfigError naming the key and what it may be
 */
export function resolveTrainingConfig(input: TrainingConfigInput): TrainingConfig {
  const source = { value: input, locate: () => undefined, baseFolder: () => "", title: undefined };
  return completeConfig(source, "", (_folder, path) => path);
}
