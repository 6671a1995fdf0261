/** The reward service of V-Triune: verifiers in isolated workers behind HTTP. */
export { SERVER_ARGUMENTS, parseServerArguments, settingsFromArguments, type ArgumentValues } from "./cli/arguments";
export { serveUntilSignal } from "./cli/serve";
export { defaultSettings } from "./complete-settings";
export type { EnvironmentOptions } from "./environment/environment";
export { TaskError } from "./environment/task-set";
export type { EnvironmentTask, TaskMessage, TaskPart, TaskSet, TaskSplit } from "./environment/task-set";
export { startRewardServer, type RewardServer } from "./server";
export { ServerConfigError, type RewardServerSettings } from "./settings";
