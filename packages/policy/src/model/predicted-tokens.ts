/** Which positions of packed rows predict the tokens that the policy wrote. */
import type { VlmConfig } from "../config/model-config";
import { type PackedTokens, groupRows, packTrees } from "./packed-batch";
import type { TokenizedRollout } from "./tokenized-rollout";

export interface PredictedTokens {
  readonly tokens: PackedTokens;
  /** The positions of `tokens`, [M]. */
  readonly select: Int32Array;
  /** The token that each predicts, [M]. */
  readonly targets: Int32Array;
  /** The row of each, and where its token stands in that row's completion, [M]. */
  readonly at: readonly (readonly [row: number, position: number])[];
}

/** @throws PromptError when a prompt does not match its pictures, is too long, or holds unknown tokens */
export function predictedTokens(rows: readonly TokenizedRollout[], config: VlmConfig): PredictedTokens {
  const { trees, order } = groupRows(rows);
  const tokens = packTrees(trees, config);
  const select: number[] = [];
  const targets: number[] = [];
  const at: [number, number][] = [];
  rows.forEach(({ completionIds, responseMask }, row) => {
    const { tree, branch } = order[row]!;
    const { start, promptLength, branchStarts } = tokens.trees[tree]!;
    for (let t = 0; t < completionIds.length; t++) {
      if (responseMask?.[t] === 0) continue;
      select.push(t === 0 ? start + promptLength - 1 : branchStarts[branch]! + t - 1);
      targets.push(completionIds[t]!);
      at.push([row, t]);
    }
  });
  return { tokens, select: Int32Array.from(select), targets: Int32Array.from(targets), at };
}

/** The predicted token at each place of [B, T], -1 where none is: what `gatherRows` spreads them by. */
export function placesIn({ at }: Pick<PredictedTokens, "at">, rows: number, width: number): Int32Array {
  const place = new Int32Array(rows * width).fill(-1);
  at.forEach(([row, position], index) => (place[row * width + position] = index));
  return place;
}
