/**
 * Rows of a batch laid out as one run of tokens without padding. Rollouts of one prompt form a tree: the prompt once,
 * then each completion, which sees the prompt and itself. A completion's last token is only predicted, never read, so
 * it is left out.
 */
import type { VlmConfig } from "../config/model-config";
import { PromptError } from "../input-error";
import { attentionPlan, type AttentionPlan, type AttentionSegment } from "../kernels/attention-plan";
import { mropePositions } from "./mrope-positions";
import type { VisualInput } from "../vision/visual-input";
import type { PromptInput, TokenizedRollout } from "./tokenized-rollout";

/** A prompt and what follows it, each branch on its own. */
export interface PackedTree {
  readonly prompt: PromptInput;
  /** Tokens after the prompt, one array per branch; may be empty. */
  readonly branches: readonly Int32Array[];
}

/** Pictures or videos in the tower's order, each array of pixels once. */
export interface PackedVisual {
  readonly input: VisualInput;
  /** The first of its merged tokens among all. */
  readonly firstToken: number;
}

export interface PackedTokens {
  /** Token ids, -1 where a visual token stands, [N]. */
  readonly ids: Int32Array;
  /** Merged visual token of each row, -1 for text, [N]. */
  readonly visualRows: Int32Array;
  /** [3 · N]. */
  readonly positions: Int32Array;
  readonly plan: AttentionPlan;
  readonly visuals: readonly PackedVisual[];
  /** Where each tree's prompt and branches start. */
  readonly trees: readonly {
    readonly start: number;
    readonly promptLength: number;
    readonly branchStarts: readonly number[];
  }[];
}

/** @throws PromptError when a prompt is empty, too long, holds an unknown token id or does not match its pictures */
export function packTrees(trees: readonly PackedTree[], config: VlmConfig): PackedTokens {
  const total = treeTokens(trees);
  const ids = new Int32Array(total);
  const visualRows = new Int32Array(total).fill(-1);
  const positions = new Int32Array(3 * total);
  const segments: AttentionSegment[] = [];
  const visuals: PackedVisual[] = [];
  const places: { start: number; promptLength: number; branchStarts: number[] }[] = [];
  const merge = config.vision.spatialMergeSize ** 2;
  let visualTokens = 0;
  const place = (input: VisualInput | undefined): number => {
    if (!input) return 0;
    const known = visuals.find((visual) => visual.input.pixelValues === input.pixelValues);
    if (known) return known.firstToken;
    const firstToken = visualTokens;
    visuals.push({ input, firstToken });
    for (const [t, h, w] of input.gridThw) visualTokens += (t * h * w) / merge;
    return firstToken;
  };

  let row = 0;
  for (const { prompt, branches } of trees) {
    const start = row;
    const length = prompt.promptIds.length;
    const longest = branches.reduce((most, branch) => Math.max(most, branch.length), 0);
    checkPrompt(prompt.promptIds, length + longest, config);
    const { positions: own, next } = mropePositions(prompt, config);
    let image = place(prompt.images);
    let video = place(prompt.videos);
    for (let i = 0; i < length; i++, row++) {
      const id = prompt.promptIds[i]!;
      if (id === config.imageTokenId) visualRows[row] = image++;
      else if (id === config.videoTokenId) visualRows[row] = video++;
      ids[row] = visualRows[row]! >= 0 ? -1 : id;
      for (let axis = 0; axis < 3; axis++) positions[axis * total + row] = own[axis * length + i]!;
    }
    segments.push({ start, count: length, prefixStart: 0, prefixCount: 0, causal: true });
    const branchStarts: number[] = [];
    for (const branch of branches) {
      branchStarts.push(row);
      if (branch.length > 0)
        segments.push({ start: row, count: branch.length, prefixStart: start, prefixCount: length, causal: true });
      for (let i = 0; i < branch.length; i++, row++) {
        const id = branch[i]!;
        checkToken(id, config);
        if (id === config.imageTokenId || id === config.videoTokenId) {
          throw new PromptError({
            what: "A completion holds a visual placeholder, for which there is no picture.",
            expected: "completion ids without image and video tokens",
            found: `token ${id} at place ${i}`,
            fix: "remove the placeholders from completions before they are scored, or ban them in generation",
          });
        }
        ids[row] = id;
        for (let axis = 0; axis < 3; axis++) positions[axis * total + row] = next + i;
      }
    }
    places.push({ start, promptLength: length, branchStarts });
  }
  return { ids, visualRows, positions, plan: attentionPlan(segments), visuals, trees: places };
}

function checkPrompt(ids: Int32Array, length: number, config: VlmConfig): void {
  if (ids.length === 0) throw new PromptError({ what: "A prompt is empty.", expected: "at least one token" });
  const limit = config.text.maxPositionEmbeddings;
  if (length > limit) {
    throw new PromptError({
      what: "A prompt with its completion is longer than the model's limit.",
      expected: `at most ${limit} tokens (max_position_embeddings)`,
      found: `${length} tokens`,
      fix: "shorten the prompt, shrink its pictures, or allow fewer new tokens",
    });
  }
  for (const id of ids) checkToken(id, config);
}

function checkToken(id: number, config: VlmConfig): void {
  if (id >= 0 && id < config.text.vocabSize) return;
  throw new PromptError({
    what: "A token id is not in the model's vocabulary.",
    expected: `0 to ${config.text.vocabSize - 1}`,
    found: String(id),
    fix: "check that the tokenizer belongs to this model",
  });
}

/** Rollouts with their completions, grouped into trees; `order[i]` says which tree and branch row i became. */
export interface GroupedRows {
  readonly trees: PackedTree[];
  readonly order: readonly { readonly tree: number; readonly branch: number }[];
}

/** Puts rows of the same prompt (equal ids, the same pixel arrays, equal `group`) into one tree. */
export function groupRows(rows: readonly TokenizedRollout[]): GroupedRows {
  const trees: { prompt: PromptInput; group: TokenizedRollout["group"]; branches: Int32Array[] }[] = [];
  const byKey = new Map<string, number[]>();
  const order = rows.map((row) => {
    const key = `${String(row.group)}/${row.promptIds.length}/${row.promptIds[row.promptIds.length - 1]}`;
    let candidates = byKey.get(key);
    if (!candidates) byKey.set(key, (candidates = []));
    let tree = candidates.find((index) => samePrompt(trees[index]!.prompt, row));
    if (tree === undefined) {
      tree = trees.length;
      trees.push({ prompt: row, group: row.group, branches: [] });
      candidates.push(tree);
    }
    // The last token is predicted, not read.
    const { branches } = trees[tree]!;
    branches.push(row.completionIds.subarray(0, Math.max(0, row.completionIds.length - 1)));
    return { tree, branch: branches.length - 1 };
  });
  return { trees, order };
}

function samePrompt(a: PromptInput, b: PromptInput): boolean {
  if (a.images?.pixelValues !== b.images?.pixelValues || a.videos?.pixelValues !== b.videos?.pixelValues) return false;
  if (a.promptIds.length !== b.promptIds.length) return false;
  return a.promptIds === b.promptIds || a.promptIds.every((id, i) => id === b.promptIds[i]);
}

/**
 * Tokens of the language model's forward pass over these rows: each prompt once (its visual placeholders are the tokens
 * of its pictures), each completion without its last token, which is predicted and never read.
 *
 *     Σ over trees ( prompt + Σ over branches ( completion − 1 ) )
 */
export function countTreeTokens(rows: readonly TokenizedRollout[]): number {
  return treeTokens(groupRows(rows).trees);
}

function treeTokens(trees: readonly PackedTree[]): number {
  return trees.reduce(
    (sum, { prompt, branches }) => sum + prompt.promptIds.length + branches.reduce((n, branch) => n + branch.length, 0),
    0,
  );
}
