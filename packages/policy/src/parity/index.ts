/** `@v-triune/policy/parity`: this package's numbers against folders of reference values. Needs Node. */
import { generationParity } from "./generation-parity";
import { imageProcessorParity } from "./image-processor-parity";
import { loraParity } from "./lora-parity";
import { modelParity } from "./model-parity";
import { tokenizerParity } from "./tokenizer-parity";
import type { ParityCheck } from "./parity";

/** Every check of this package, for `npm run parity`. */
export const policyParityChecks: readonly ParityCheck[] = [
  tokenizerParity,
  imageProcessorParity,
  modelParity,
  generationParity,
  loraParity,
];

export { checkGeneration, generationParity, recognizeGeneration } from "./generation-parity";
export { checkImageProcessor, imageProcessorParity } from "./image-processor-parity";
export { checkLora, loraParity, recognizeLora } from "./lora-parity";
export { checkModel, modelParity, recognizeModel } from "./model-parity";
export { checkTokenizer, tokenizerParity } from "./tokenizer-parity";
export { formatParityTable, withinTolerance, type ParityCheck, type ParityRow } from "./parity";
