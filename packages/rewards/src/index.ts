/**
 * Rewards: verdicts weighed by each sample's own ratios, and the sources that compute them. Runs in Node and browsers.
 */
export { DEFAULT_IOU_SCHEDULE, IouScheduleError, iouThreshold, type IouStage } from "@v-triune/verifiers";
export { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO } from "@v-triune/schema/reward-defaults";
export { scoreAsync, type AsyncVerdict, type AsyncVerifier, type AsyncVerifierOptions } from "./async-verifier";
export { withAsyncVerifiers, type WithAsyncVerifiersOptions } from "./with-async-verifiers";
export {
  ContentError,
  goldText,
  promptText,
  responseText,
  type ContentOptions,
  type OnIgnoredPart,
} from "./content/content-text";
export { composeReward, RewardRatioError, type RewardParts, type RewardWeights } from "./compose-reward";
export {
  createFunctionRewardSource,
  type FunctionReward,
  type FunctionRewardSourceOptions,
} from "./function-reward-source";
export { createHttpRewardSource, type HttpRewardSource } from "./http/http-reward-source";
export type { HttpRewardSourceOptions, RewardPause } from "./http/http-reward-source-options";
export { createScoreHandler, type ScoreHandlerOptions } from "./http/score-handler";
export type { RewardServerHealth } from "./http/remote-servers";
export { RewardServerError } from "./http/score-batch";
export {
  JudgeRequestError,
  judgeAsOriginal,
  judgeReply,
  judgeRequestToSample,
  originalJudging,
  readJudgeRequest,
  type JudgeReply,
  type JudgeRequest,
  type JudgeRewards,
  type OriginalJudging,
} from "./judge-contract";
export { rewardOfVerdict, scoreRequest, type RewardOutcome, type RewardRule } from "./score-request";
export { createLocalRewardSource, type LocalRewardSourceOptions } from "./local-reward-source";
export {
  REWARD_ERROR_CODES,
  collectRewards,
  type RewardErrorCode,
  type RewardRequest,
  type RewardResult,
  type RewardSource,
  type ScoreOptions,
} from "./reward-source";
export {
  readScoreItems,
  readScoreRequest,
  readScoreRequests,
  readScoreResult,
  ScoreRequestError,
  scoreWireRequest,
  type ScoreWireRequest,
} from "./score-contract";
