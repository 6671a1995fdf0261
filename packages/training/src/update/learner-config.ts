/** The run's configuration in the learner's words. */
import {
  type KlEstimator,
  type LearnerConfig,
  type ObjectiveConfig,
  type PolicyLoss,
  type RolloutCorrectionConfig,
  type ScheduleConfig,
  type UpdateGoal,
  cispo,
  gmpo,
  gspo,
  ppoClip,
  sapo,
} from "@v-triune/grpo";
import type { VlmPolicy, TokenizedRollout } from "@v-triune/policy";
import type { RolloutEngine } from "@v-triune/rollouts";
import type { AlgorithmConfig, ParameterGroupName, RolloutConfig, TrainingConfig } from "../config/training-config";
import { MOST_PARTS, isOneThreaded } from "../threads/one-threaded";

const groupNames: readonly ParameterGroupName[] = ["vision", "connector", "language"];

/** Groups that the run leaves as they are. */
export function frozenGroups({ optimizer }: TrainingConfig): ParameterGroupName[] {
  return groupNames.filter((name) => optimizer.groups[name].freeze);
}

/** Optimizer updates of the whole run. */
export function totalUpdates({ run, rollout, update }: TrainingConfig): number {
  return run.steps * update.epochs * Math.ceil(rollout.promptsPerStep / update.miniBatch);
}

/** Whether a rollout batch is used for more than one update, so that π_old is not the policy itself. */
export function isOffPolicy({ rollout, update }: TrainingConfig): boolean {
  return update.epochs > 1 || update.miniBatch < rollout.promptsPerStep;
}

/**
 * Whether the learner is told by which probabilities the rollouts were drawn, to correct for them: other engines than
 * the trainer's policy say so, and so does the policy itself when it was of the step before (verl's asynchronous
 * trainers do the same: π_old by the weights that are updated, importance weights against those that generated).
 *
 * @param foreignEngine what answers in place of the policy in this process
 */
export function usesRolloutLogProbs(
  asyncLevel: RolloutConfig["asyncLevel"],
  foreignEngine: Pick<RolloutEngine, "givesForeignLogProbs"> | undefined,
): boolean {
  return foreignEngine ? (foreignEngine.givesForeignLogProbs ?? false) : asyncLevel === 1;
}

/**
 * How the learner corrects rollouts of an engine that says by which probabilities it drew them; undefined: not at all.
 */
export function correctionConfig(
  { rollout }: TrainingConfig,
  givesLogProbs: boolean,
): RolloutCorrectionConfig | undefined {
  const { importance, threshold, lower, normalise, rejection } = rollout.correction;
  if (!givesLogProbs || (importance === "none" && rejection === null)) return undefined;
  return {
    ...(importance === "none"
      ? {}
      : {
          importance: {
            level: importance,
            upper: threshold,
            normalize: normalise,
            ...(lower === null ? {} : { lower }),
          },
        }),
    ...(rejection === null
      ? {}
      : {
          rejection: [
            {
              statistic: rejection.statistic,
              upper: rejection.upper,
              ...(rejection.lower === null ? {} : { lower: rejection.lower }),
            },
          ],
        }),
  };
}

/** @param givesLogProbs whether rollouts come from another engine that gives their log-probabilities */
export function learnerConfig(
  config: TrainingConfig,
  policy: VlmPolicy,
  givesLogProbs = false,
): LearnerConfig<TokenizedRollout> {
  const { optimizer, update, rollout } = config;
  const { computeWith = "auto" } = update;
  const correction = correctionConfig(config, givesLogProbs);
  // An adapter may not reach every group, and reach one that is frozen.
  const present = groupNames.filter((name) => policy.parameters.some(({ group }) => group === name));
  return {
    policy,
    optimizer: {
      learningRate: optimizer.lr,
      beta1: optimizer.betas[0],
      beta2: optimizer.betas[1],
      epsilon: optimizer.eps,
      weightDecay: optimizer.weightDecay,
      // By "auto" the optimizer does as the policy does.
      ...(computeWith === "auto" ? {} : { computeWith }),
    },
    schedule: learningSchedule(config),
    groups: Object.fromEntries(
      present.map((name) => [name, { learningRate: optimizer.groups[name].lr, frozen: optimizer.groups[name].freeze }]),
    ),
    maxGradNorm: optimizer.maxGradNorm,
    objective: objective(config),
    // Also for a single thread: how many there are must not show in the numbers.
    microBatch: { tokens: update.microBatchTokens, ...(isOneThreaded() ? { parts: MOST_PARTS } : {}) },
    temperature: rollout.temperature,
    measureEntropy: true,
    ...(correction ? { correction } : {}),
  };
}

/** What is minimized. @param givesLogProbs as for `learnerConfig` */
export function updateGoal(config: TrainingConfig, givesLogProbs: boolean): UpdateGoal {
  return { objective: objective(config), correction: correctionConfig(config, givesLogProbs) };
}

export function learningSchedule(config: TrainingConfig): ScheduleConfig {
  const totalSteps = totalUpdates(config);
  const warmupSteps = Math.round(config.optimizer.warmupRatio * totalSteps);
  const { schedule: kind } = config.optimizer;
  return kind === "constant" ? { kind, warmupSteps } : { kind, warmupSteps, totalSteps };
}

function objective({ algorithm, rollout }: TrainingConfig): ObjectiveConfig {
  const { kl, aggregation, entropyCoefficient, distillation } = algorithm;
  return {
    policyLoss: policyLoss(algorithm),
    aggregation,
    maxLength: rollout.maxNewTokens,
    entropyCoefficient,
    ...(kl.coefficient === 0 || kl.in === "reward"
      ? {}
      : { kl: { coefficient: kl.coefficient, estimator: klEstimator(algorithm) } }),
    // A run.json of an earlier version has neither key.
    ...(distillation?.divergence
      ? {
          divergence: {
            coefficient: distillation.weight,
            count: distillation.divergence.topK,
            alpha: distillation.divergence.alpha,
            tail: distillation.divergence.tail,
          },
        }
      : {}),
  };
}

/** verl and TRL call k2 "mse". */
export function klEstimator({ kl }: Pick<AlgorithmConfig, "kl">): KlEstimator {
  return kl.estimator === "mse" ? "k2" : kl.estimator;
}

function policyLoss({ loss, clipLow, clipHigh, dualClip, tau }: AlgorithmConfig): PolicyLoss {
  switch (loss) {
    case "ppo":
      return ppoClip({ clipLow, clipHigh, dualClip });
    case "gspo":
      return gspo({ clipLow, clipHigh });
    case "cispo":
      return cispo({ clipLow, clipHigh });
    case "gmpo":
      return gmpo({ clipLow, clipHigh });
    case "sapo":
      return sapo({ tauPositive: tau.positive, tauNegative: tau.negative });
  }
}
