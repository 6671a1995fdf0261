/** The model of a run in this process: its policy, its learner, the threads that compute, and servers that may answer. */
import type { BackendChoice } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import type { TrainingConfig } from "../config/training-config";
import { engineWeights } from "../model/engine-weights";
import type { LoadedModel } from "../model/load-model";
import { openReference } from "../model/open-reference";
import type { Resources } from "../resources";
import { type ForeignEngineOptions, openForeignEngine } from "../sampling/open-engine";
import { describeCompute, workerCount } from "../threads/worker-count";
import { learnerConfig, usesRolloutLogProbs } from "../update/learner-config";
import type { RunTrainer } from "../update/run-trainer";
import { openCompute } from "./open-compute";

export interface LocalTrainerOptions extends Omit<ForeignEngineOptions, "config" | "model" | "weights"> {
  readonly config: TrainingConfig;
  readonly model: LoadedModel;
  /** The step that the run goes on from. */
  readonly fromStep: number;
  readonly backend: BackendChoice;
  readonly onProblem: (message: string) => void;
}

export async function openLocalTrainer(
  { fromStep, backend, onProblem, ...options }: LocalTrainerOptions,
  resources: Resources,
): Promise<RunTrainer> {
  const { config, model } = options;
  const { policy } = model;
  const reference = await openReference(config, resources);
  const foreignEngine = await openForeignEngine({ ...options, weights: engineWeights(policy, fromStep) }, resources);
  const foreignLogProbs = usesRolloutLogProbs(config.rollout.asyncLevel, foreignEngine);
  const learner = await resources.open(createLearner(learnerConfig(config, policy, foreignLogProbs)), (opened) =>
    opened.dispose(),
  );
  const workers = workerCount(config.workers);
  const compute = await resources.open(
    openCompute({ policy, learner, config, foreignLogProbs, backend: backend.name, workers, onProblem }),
    (opened) => opened.close(),
  );
  // Without another engine the policy answers for itself, with all threads.
  const engine = foreignEngine ?? compute.engine;
  return {
    compute,
    engine,
    overlaps: foreignEngine !== undefined,
    showWeights: async (step) => engine.useWeights?.(engineWeights(policy, step)),
    reference,
    foreignLogProbs,
    policy,
    learner,
    trainable: policy.parameters.reduce((sum, { variable }) => sum + variable.size, 0),
    description: describeCompute(backend.description, workers),
  };
}
