/** `@v-triune/grpo/parity`: checks of this package's numbers against folders of golden files. Needs Node. */
export { checkLosses, recognizeLosses } from "./losses";
export { checkAdamW, recognizeAdamW } from "./adamw";
export { checkGdpo, recognizeGdpo } from "./decoupled";
export { Comparison, type ParityRow } from "./comparison";
