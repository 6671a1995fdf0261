/** The reward service of V-Triune: verifiers in isolated workers behind HTTP. */
export { SERVER_ARGUMENTS, parseServerArguments, settingsFromArguments, type ArgumentValues } from "./cli/arguments";
export { serveUntilSignal } from "./cli/serve";
export { startRewardServer, type RewardServer } from "./server";
export { ServerConfigError, defaultSettings, type RewardServerSettings, type ServerEpsilon } from "./settings";
