export { groupAdvantages, type GroupAdvantageOptions } from "./advantages/group-relative";
export {
  decoupledAdvantages,
  decoupledScores,
  type DecoupledOptions,
  type RewardComponent,
} from "./advantages/decoupled";
export { leaveOneOutAdvantages } from "./advantages/leave-one-out";
export { optimalRewardBaselineAdvantages } from "./advantages/optimal-reward-baseline";
export { groupPolicyGradientAdvantages } from "./advantages/group-policy-gradient";
export { passAtKAdvantages } from "./advantages/pass-at-k";
export { perSourceAdvantages } from "./advantages/per-source";
export { reinforcePlusPlusAdvantages, reinforcePlusPlusBaselineAdvantages } from "./advantages/reinforce-plus-plus";
export { remaxAdvantages } from "./advantages/remax";
export { generalizedAdvantages } from "./advantages/generalized-advantage";
export { outcomeTokenRewards, type TokenAdvantages, type TokenGrid } from "./advantages/token-rewards";
export type { GroupId, Reward } from "./advantages/groups";

export {
  CLIPPED_HIGH,
  CLIPPED_LOW,
  CLIPPED_OUTER,
  type AggregationMode,
  type PolicyLoss,
  type TokenBatch,
  type TokenLoss,
} from "./losses/token-loss";
export { ppoClip, type PpoClipOptions } from "./losses/ppo-clip";
export { gspo, type GspoOptions } from "./losses/gspo";
export { cispo, type CispoOptions } from "./losses/cispo";
export { gmpo, type GmpoOptions } from "./losses/gmpo";
export { sapo, type SapoOptions } from "./losses/sapo";
export { dppo, type DppoOptions } from "./losses/dppo";
export { dro } from "./losses/dro";
export { vespo, type VespoOptions } from "./losses/vespo";
export { policyGradient } from "./losses/policy-gradient";
export { valueLoss } from "./losses/value-loss";
export { aggregationWeights, countBatch, type BatchCounts } from "./losses/aggregation";
export { divergence, type Divergence, type DivergenceConfig } from "./losses/divergence";
export { klTerm, penalizeRewards, type KlEstimator, type KlTerm } from "./losses/kl-penalty";
export { highEntropyTokens, offPolicySequences } from "./losses/token-selection";
export {
  addObjectiveSums,
  evaluateObjective,
  type ObjectiveBatch,
  type ObjectiveConfig,
  type ObjectiveResult,
  type ObjectiveSums,
} from "./losses/objective";
export { differentiableLoss, type EvaluateLoss, type HostLoss } from "./losses/differentiable-loss";
export { selectedLogProbs, tokenEntropies } from "./losses/selected-log-probs";
export { maskedCount, maskedMean, maskedSum, maskedVariance, maskedWhiten } from "./masked-statistics";

export {
  importanceWeights,
  type ImportanceWeightOptions,
  type ImportanceWeights,
} from "./rollout-correction/importance-weights";
export {
  rejectionMask,
  type RejectionResult,
  type RejectionRule,
  type RejectionStatistic,
} from "./rollout-correction/rejection";

export {
  createAdamW,
  type AdamW,
  type AdamWOptions,
  type AdamWState,
  type AdamWTarget,
  type MomentState,
} from "./optimizer/adamw";
export { scheduledLearningRate, type ScheduleConfig } from "./optimizer/schedule";
export { clipCoefficient, gradientNorms, sumOfSquares, type GradientNorms } from "./optimizer/gradient-norms";

export { createLearner, type Learner, type LearnerState, type SupervisedRow } from "./learner/learner";
export type { LearnerConfig, LearnerGroupConfig } from "./learner/learner-config";
export type { UpdateParts } from "./learner/update-parts";
export {
  addInto,
  disposeGradients,
  joinParts,
  type Contribution,
  type MicroBatchPart,
  type UpdatePlan,
  type UpdateSizes,
} from "./learner/contribution";
export { evaluateRows, planRowsOf, type EvaluatedRows, type RowPlan, type UpdateGoal } from "./learner/host-update";
export { policyGradients } from "./learner/policy-gradients";
export {
  evaluateCandidates,
  evaluateLogProbs,
  evaluateTopTokens,
  type EvaluatedPolicy,
} from "./learner/evaluate-log-probs";
export type { UpdateStats } from "./learner/update-stats";
export type { PreparedRow, TrainingRow } from "./learner/training-row";
export type { RolloutCorrectionConfig } from "./learner/rollout-correction";
export { planMicroBatches, type MicroBatchLimits } from "./learner/micro-batches";

export type {
  Gradients,
  LogProbsOptions,
  Policy,
  PolicyParameter,
  PolicyRow,
  TokenLogProbs,
  TopTokens,
} from "./policy";
export { LearnerConfigError, TrainingDivergedError, type DivergedNumber, type LearnerConfigProblem } from "./errors";
