export { EngineError } from "./engine-error";
export type { EngineEvents } from "./engine-events";
export { type OpenEngineOptions, openRemoteEngine, reach, readApiKey } from "./open-engine";
export { engineLine, formatEngineReport } from "./probe/format-engine-report";
export {
  type Ability,
  type AbilityReport,
  type EngineReport,
  type ProbeOptions,
  can,
  probeEngine,
} from "./probe/probe-engine";
export { type OpenAiMessage, type OpenAiPart, chatMessages } from "./protocols/chat-completions";
export { pictureUrls } from "./protocols/picture-url";
export { RemoteEngine, type RemoteEngineOptions } from "./remote-engine";
export type { RemoteEngineConfig } from "./remote-engine-config";
export { SERVER_KINDS, type ServerKind, serverNames } from "./servers/server-kind";
export { WEIGHT_SYNCS, type WeightSync } from "./servers/weight-transfer";
export type { AnswerScores } from "./teacher/answer-scores";
export {
  type AnswerToScore,
  ScoringServer,
  type ScoringServerConfig,
  type ScoringServerOptions,
} from "./teacher/scoring-server";
