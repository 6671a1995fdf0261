export { ConfigError } from "./config-error";
export { describeValue } from "./describe-value";
export { formatDetails, formatError, wrapText } from "./format-error";
export { nearest } from "./nearest";
export { type ErrorDetails, VTriuneError } from "./v-triune-error";
export { WriteError, asWriteError } from "./write-error";
