/**
 * The learner: one update from scored rollouts to new weights.
 *
 *   rows → checked, corrected, counted (N, S of the whole update) → micro-batches by length
 *        → each: log-probabilities, loss share, gradients; added up, no clipping in between
 *        → norms by module and layer, one clip coefficient → AdamW with a learning rate per group
 *
 * The result does not depend on how the rows were split (beyond float32 rounding of the sums). Rows whose advantage is
 * 0 everywhere are not sent through the model unless a KL term, an entropy bonus or the loss itself would move them:
 * they count in N and S all the same. A failed update changes nothing.
 */
import type { ObjectiveConfig } from "../losses/objective";
import { policyGradient } from "../losses/policy-gradient";
import { createAdamW, type AdamWState } from "../optimizer/adamw";
import type { PolicyRow, TopTokens } from "../policy";
import { evaluateLogProbs, evaluateTopTokens } from "./evaluate-log-probs";
import { checkMoments, checkNumbers, trainedParameters, type LearnerConfig } from "./learner-config";
import type { TrainingRow } from "./training-row";
import { createUpdateParts, type UpdateContext, type UpdateParts } from "./update-parts";
import type { UpdateStats } from "./update-stats";

/** What a checkpoint needs besides the weights. */
export interface LearnerState {
  readonly optimizer: AdamWState;
}

/** A learner; see {@link createLearner}. */
export interface Learner<Row extends PolicyRow> {
  /** Updates done. */
  readonly step: number;
  /** One update. @throws LearnerConfigError, TrainingDivergedError; the weights are unchanged then */
  update(rows: readonly TrainingRow<Row>[]): UpdateStats;
  /** One supervised update: cross-entropy of the completion tokens, mean over tokens; `weight` scales a row. */
  supervised(rows: readonly SupervisedRow<Row>[]): UpdateStats;
  /**
   * Log-probabilities of each row's completion under the present weights, no gradient: π_old, or π_ref of a frozen
   * copy.
   */
  logProbs(rows: readonly Row[]): Float32Array[];
  /** `update` in parts, for threads that share it. Nothing else needs them. */
  readonly parts: UpdateParts<Row>;
  /**
   * The K likeliest tokens at each position of the rows' completions, no gradient.
   * @throws LearnerConfigError for a policy that cannot say
   */
  topTokens(rows: readonly Row[], count: number): TopTokens[];
  exportState(): LearnerState;
  importState(state: LearnerState): void;
  /** Frees the optimizer's tensors; the policy's stay. */
  dispose(): void;
}

/** A row for {@link Learner.supervised}. */
export interface SupervisedRow<Row extends PolicyRow> {
  readonly row: Row;
  /** 1 for tokens to learn, 0 for others. Default: all are learned. */
  readonly mask?: ArrayLike<number>;
  /** Factor on the row's loss. Default 1. */
  readonly weight?: number;
}

const SUPERVISED: ObjectiveConfig = { policyLoss: policyGradient(), aggregation: "token-mean" };

/**
 * @example
 * const learner = createLearner({ policy, optimizer: { learningRate: 1e-6 }, microBatch: { tokens: 4096 } });
 * const stats = learner.update(rollouts.map((row, i) => ({ row, advantage: advantages[i] })));
 * @throws LearnerConfigError for settings that cannot be trained with
 */
export function createLearner<Row extends PolicyRow>(config: LearnerConfig<Row>): Learner<Row> {
  const { policy, objective = {}, correction } = config;
  const parameters = trainedParameters(config);
  checkNumbers(config);
  const { learningRate: _, ...adamOptions } = config.optimizer;
  const computeWith = policy.inOneOp === undefined ? "auto" : policy.inOneOp ? "kernels" : "backend";
  const optimizer = createAdamW({ computeWith, ...adamOptions });
  const context: UpdateContext<Row> = { config, parameters, optimizer };
  const parts = createUpdateParts(context, { objective, correction });
  const supervised = createUpdateParts(context, { objective: SUPERVISED });

  return {
    get step() {
      return optimizer.stepCount;
    },
    update: (rows) => parts.apply(parts.contribution(rows)),
    supervised: (rows) =>
      supervised.apply(
        supervised.contribution(
          rows.map(({ row, mask, weight }) => ({ row, advantage: weight ?? 1, ...(mask ? { mask } : {}) })),
        ),
      ),
    logProbs: (rows) => evaluateLogProbs(policy, rows, config.microBatch, config.temperature ?? 1),
    parts,
    topTokens: (rows, count) => evaluateTopTokens(policy, rows, config.microBatch, count, config.temperature ?? 1),
    exportState: () => ({ optimizer: optimizer.exportState() }),
    importState(state) {
      checkMoments(parameters, state.optimizer);
      optimizer.importState(state.optimizer);
    },
    dispose: () => optimizer.dispose(),
  };
}
