/**
 * Rows of a batch laid out as one run of tokens without padding. Rollouts of one prompt form a tree: the prompt once,
 * then each completion, which sees the prompt and itself. A completion's last token is only predicted, never read, so
 * it is left out. A completion of several turns holds pictures of its own, which take positions as those of a prompt do.
 */
import type { VlmConfig } from "../config/model-config";
import { PromptError } from "../input-error";
import { attentionPlan, type AttentionPlan, type AttentionSegment } from "../kernels/attention-plan";
import { type MropePositions, mropePositions } from "./mrope-positions";
import type { VisualInput } from "../vision/visual-input";
import type { PromptInput, TokenizedRollout } from "./tokenized-rollout";

/** A prompt and what follows it, each branch on its own. */
export interface PackedTree {
  readonly prompt: PromptInput;
  /** Tokens after the prompt, one array per branch; may be empty. */
  readonly branches: readonly Int32Array[];
  /** Pictures in each branch, in the order of their placeholders. Default: none. */
  readonly branchImages?: readonly (readonly VisualInput[])[];
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
  const places: { start: number; promptLength: number; branchStarts: number[] }[] = [];
  const merge = config.vision.spatialMergeSize ** 2;
  const { visuals, place } = visualPlaces(merge);

  let row = 0;
  for (const { prompt, branches, branchImages } of trees) {
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
    for (const [index, branch] of branches.entries()) {
      branchStarts.push(row);
      if (branch.length > 0)
        segments.push({ start: row, count: branch.length, prefixStart: start, prefixCount: length, causal: true });
      const pictures = branchImages?.[index] ?? [];
      const rowsOf = visualRowsOf(pictures, place, merge);
      const at = continuedPositions(branch, pictures, next, config);
      let picture = 0;
      for (let i = 0; i < branch.length; i++, row++) {
        const id = branch[i]!;
        checkToken(id, config);
        if (id === config.imageTokenId) visualRows[row] = rowsOf[picture++]!;
        ids[row] = visualRows[row]! >= 0 ? -1 : id;
        for (let axis = 0; axis < 3; axis++) positions[axis * total + row] = at.positions[axis * branch.length + i]!;
      }
    }
    places.push({ start, promptLength: length, branchStarts });
  }
  return { ids, visualRows, positions, plan: attentionPlan(segments), visuals, trees: places };
}

/**
 * Positions of tokens that follow others.
 *
 * @param start the position of the first of them
 * @throws PromptError when a visual placeholder has no picture
 */
export function continuedPositions(
  ids: Int32Array,
  pictures: readonly VisualInput[],
  start: number,
  config: VlmConfig,
): MropePositions {
  const stray = ids.findIndex(
    (id) => id === config.videoTokenId || (id === config.imageTokenId && pictures.length === 0),
  );
  if (stray >= 0)
    throw new PromptError({
      what: "A completion holds a visual placeholder, for which there is no picture.",
      expected: "completion ids without image and video tokens",
      found: `token ${ids[stray]} at place ${stray}`,
      fix: "remove the placeholders from completions before they are scored, or ban them in generation",
    });
  if (pictures.length === 0) {
    const positions = Int32Array.from({ length: 3 * ids.length }, (_, i) => start + (i % ids.length));
    return { positions, next: start + ids.length };
  }
  const images = { pixelValues: new Float32Array(), gridThw: pictures.flatMap(({ gridThw }) => gridThw) };
  return mropePositions({ promptIds: ids, images }, config, start);
}

/** The merged visual tokens of pictures, one after another. */
function visualRowsOf(
  pictures: readonly VisualInput[],
  place: (input: VisualInput) => number,
  merge: number,
): number[] {
  return pictures.flatMap((input) => {
    const first = place(input);
    const count = input.gridThw.reduce((sum, [t, h, w]) => sum + (t * h * w) / merge, 0);
    return Array.from({ length: count }, (_, i) => first + i);
  });
}

/** Tokens that go on from others, which are computed already. */
export interface PackedContinuation {
  readonly ids: Int32Array;
  /** In the order of their placeholders. */
  readonly pictures: readonly VisualInput[];
  /** Number of tokens before. */
  readonly past: number;
  /** The position of the first of the new tokens. */
  readonly next: number;
}

/**
 * Continuations one after another. The attention has rows for the tokens before as well: those of all continuations come
 * first, at position 0, so that keys which are rotated already stay as they are. `positions` and `plan` count them,
 * `ids`, `visualRows` and `trees` do not.
 *
 * @throws PromptError when tokens are unknown, do not match their pictures, or exceed the model's limit
 */
export function packContinuations(parts: readonly PackedContinuation[], config: VlmConfig): PackedTokens {
  const count = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  const before = parts.reduce((sum, { past }) => sum + past, 0);
  const rows = before + count;
  const ids = new Int32Array(count);
  const visualRows = new Int32Array(count).fill(-1);
  const positions = new Int32Array(3 * rows);
  const segments: AttentionSegment[] = [];
  const merge = config.vision.spatialMergeSize ** 2;
  const { visuals, place } = visualPlaces(merge);
  const places: { start: number; promptLength: number; branchStarts: number[] }[] = [];
  let row = 0;
  let prefixStart = 0;
  for (const part of parts) {
    const { length } = part.ids;
    checkPrompt(part.ids, part.past + length, config);
    const rowsOf = visualRowsOf(part.pictures, place, merge);
    const own = continuedPositions(part.ids, part.pictures, part.next, config).positions;
    const start = row;
    let picture = 0;
    for (const [i, id] of part.ids.entries()) {
      if (id === config.imageTokenId) visualRows[row] = rowsOf[picture++]!;
      ids[row] = visualRows[row]! >= 0 ? -1 : id;
      for (let axis = 0; axis < 3; axis++) positions[axis * rows + before + row] = own[axis * length + i]!;
      row++;
    }
    segments.push({ start: before + start, count: length, prefixStart, prefixCount: part.past, causal: true });
    places.push({ start, promptLength: length, branchStarts: [] });
    prefixStart += part.past;
  }
  // Not by `attentionPlan`: nothing is asked of the rows before.
  return { ids, visualRows, positions, plan: { rows, segments }, visuals, trees: places };
}

/** Pictures as they get their place among all merged tokens, each array of pixels once. */
function visualPlaces(merge: number): { visuals: PackedVisual[]; place: (input: VisualInput | undefined) => number } {
  const visuals: PackedVisual[] = [];
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
  return { visuals, place };
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
  const trees: {
    prompt: PromptInput;
    group: TokenizedRollout["group"];
    branches: Int32Array[];
    branchImages: (readonly VisualInput[])[];
  }[] = [];
  const byKey = new Map<string, number[]>();
  const order = rows.map((row) => {
    const key = `${String(row.group)}/${row.promptIds.length}/${row.promptIds[row.promptIds.length - 1]}`;
    let candidates = byKey.get(key);
    if (!candidates) byKey.set(key, (candidates = []));
    let tree = candidates.find((index) => samePrompt(trees[index]!.prompt, row));
    if (tree === undefined) {
      tree = trees.length;
      trees.push({ prompt: row, group: row.group, branches: [], branchImages: [] });
      candidates.push(tree);
    }
    // The last token is predicted, not read.
    const { branches, branchImages } = trees[tree]!;
    branchImages.push(row.observations ?? []);
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
