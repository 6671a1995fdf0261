/** `@v-triune/policy/parity`: this package's numbers against folders of reference values. Needs Node. */
import { imageProcessorParity } from "./image-processor-parity";
import { tokenizerParity } from "./tokenizer-parity";
import type { ParityCheck } from "./parity";

/** Every check of this package, for `npm run parity`. */
export const policyParityChecks: readonly ParityCheck[] = [tokenizerParity, imageProcessorParity];

export { checkImageProcessor, imageProcessorParity } from "./image-processor-parity";
export { checkTokenizer, tokenizerParity } from "./tokenizer-parity";
export { formatParityTable, withinTolerance, type ParityCheck, type ParityRow } from "./parity";
