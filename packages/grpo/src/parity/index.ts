/** `@v-triune/grpo/parity`: checks of this package's numbers against folders of golden files. Needs Node. */
export { checkLosses, recogniseLosses } from "./losses";
export { checkAdamW, recogniseAdamW } from "./adamw";
export { Comparison, type ParityRow } from "./comparison";
