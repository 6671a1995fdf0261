export { type BoxNaming, boxConventionOf, boxParameters } from "./box-naming";
export {
  type AnswerProcessor,
  type CollectOptions,
  type CollectedRollouts,
  type Rollout,
  collectRollouts,
} from "./collect-rollouts";
export { createLocalEngine, samplingOptions } from "./local-engine";
export { type PreparedPrompt, seenSizes } from "./prepared-prompt";
export {
  type PromptMaker,
  type PromptMakerOptions,
  createPromptMaker,
  isSampleError,
  withPoolSentences,
} from "./prompt-maker";
export { loadPromptPool } from "./load-prompt-pool";
export { type PromptForm, type PromptPool, builtInPromptPool } from "./prompt-pool";
export { type JudgingContext, type RewardRatios, rewardRequest } from "./reward-request";
export type { EngineCompletion, EngineTurn, EngineWeights, RolloutEngine, SamplingRequest } from "./rollout-engine";
export { type Conversation, type ConversationTurn, maskOf } from "./turns/conversation";
export { type LookQuality, lookQuality } from "./turns/looks";
export { type ToolOffer, toolOffer, withToolOffer } from "./turns/tool-offer";
export { type SeededRandom, createRandom } from "./seeded-random";
