export { formatError, wrapText } from "./format-error";
export { type ErrorDetails, VTriuneError } from "./v-triune-error";
