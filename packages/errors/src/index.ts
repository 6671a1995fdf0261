export { ConfigError } from "./config-error";
export { describeValue } from "./describe-value";
export type { ErrorDetails } from "./error-details";
export { formatDetails, formatError, wrapText } from "./format-error";
export { nearest } from "./nearest";
export { VTriuneError } from "./v-triune-error";
export { WriteError, asWriteError } from "./write-error";
