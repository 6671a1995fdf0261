/**
 * What a step asks of the language model, counted from shapes: the rows that it trains and the arithmetic of a forward
 * pass over them.
 */
import { type ParameterShape, type TokenizedRollout, type VlmConfig, parameterShapes } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";

/** Special tokens of all families lie above these, and those of the demonstration below. */
const FIRST_TEXT = 10;
const TEXT_IDS = 500;

/** Ids that stand for text, none of them special. */
export function textIds(count: number, { text, ...special }: VlmConfig): Int32Array {
  const taken = new Set([
    special.imageTokenId,
    special.videoTokenId,
    special.visionStartTokenId,
    special.visionEndTokenId,
  ]);
  const ids = Array.from({ length: Math.min(TEXT_IDS, text.vocabSize - FIRST_TEXT) }, (_, i) => FIRST_TEXT + i).filter(
    (id) => !taken.has(id),
  );
  return Int32Array.from({ length: count }, (_, i) => ids[i % ids.length]!);
}

/** `count` prompts from those that are known, in turn: each one is a prompt of its own and shares the pictures. */
export function promptsInTurn(prompts: readonly PreparedPrompt[], count: number): PreparedPrompt[] {
  return Array.from({ length: count }, (_, i) => ({ ...prompts[i % prompts.length]! }));
}

/** Rows of `n` answers of `answerTokens` to each prompt. */
export function answeredRows(
  prompts: readonly PreparedPrompt[],
  n: number,
  answerTokens: number,
  architecture: VlmConfig,
): TokenizedRollout[] {
  const completionIds = textIds(answerTokens, architecture);
  return prompts.flatMap(({ promptIds, images }, group) =>
    Array.from({ length: n }, () => ({ promptIds, completionIds, group, ...(images ? { images } : {}) })),
  );
}

/** Tokens that a forward pass over a micro-batch computes, as `VlmPolicy.tokenCount` counts them. */
export function countTokens(rows: readonly TokenizedRollout[]): number {
  const prompts = new Map(rows.map(({ group, promptIds }) => [group, promptIds.length]));
  const read = rows.reduce((sum, { completionIds }) => sum + completionIds.length - 1, 0);
  return read + [...prompts.values()].reduce((sum, length) => sum + length, 0);
}

/**
 * Multiplications and additions of a forward pass over a micro-batch: products with the weights of all layers,
 * attention, and logits at the positions that predict. Rows of one group share their prompt.
 */
export function forwardWork(rows: readonly TokenizedRollout[], architecture: VlmConfig): number {
  const { hiddenSize, vocabSize, numLayers, numHeads, headDim } = architecture.text;
  const prompts = new Map(rows.map(({ group, promptIds }) => [group, promptIds.length]));
  let [seen, predicted] = [0, 0];
  for (const length of prompts.values()) seen += length ** 2 / 2;
  for (const { group, completionIds } of rows) {
    // The last token is only predicted.
    const read = completionIds.length - 1;
    seen += read * (prompts.get(group)! + read / 2);
    predicted += completionIds.length;
  }
  const tokens = countTokens(rows);
  const layers = countNumbers(architecture, ({ group, layer }) => group === "language" && layer !== undefined);
  return 2 * layers * tokens + 4 * numHeads * headDim * numLayers * seen + 2 * vocabSize * hiddenSize * predicted;
}

/** The same of the tower, once for each prompt: products with its weights. */
export function towerWork(rows: readonly TokenizedRollout[], architecture: VlmConfig): number {
  const prompts = new Map(rows.map(({ group, images }) => [group, images]));
  const numbers = countNumbers(architecture, ({ group }) => group !== "language");
  const patches = [...prompts.values()].flatMap((images) => images?.gridThw ?? []);
  return patches.reduce((sum, [time, height, width]) => sum + 2 * numbers * time * height * width, 0);
}

/** Numbers of the tensors that `counts` picks. */
export function countNumbers(architecture: VlmConfig, counts: (shape: ParameterShape) => boolean = () => true): number {
  return parameterShapes(architecture).reduce(
    (sum, one) => sum + (counts(one) ? one.shape.reduce((product, length) => product * length, 1) : 0),
    0,
  );
}
