/**
 * Image and video placeholders that the model generated are taken out of the rollout before its log-probabilities are
 * recomputed: no picture stands behind them (arXiv 2505.18129, training).
 */
export interface StrippedCompletion {
  readonly tokenIds: Int32Array;
  readonly logProbs?: Float32Array;
  /** How many tokens were taken out. */
  readonly stripped: number;
}

export function stripVisualTokens(
  completion: { readonly tokenIds: Int32Array; readonly logProbs?: Float32Array },
  placeholders: ReadonlySet<number>,
): StrippedCompletion {
  const kept = [...completion.tokenIds.keys()].filter((at) => !placeholders.has(completion.tokenIds[at] as number));
  const stripped = completion.tokenIds.length - kept.length;
  if (stripped === 0) return { ...completion, stripped };
  const { tokenIds, logProbs } = completion;
  return {
    tokenIds: Int32Array.from(kept, (at) => tokenIds[at] as number),
    ...(logProbs ? { logProbs: Float32Array.from(kept, (at) => logProbs[at] as number) } : {}),
    stripped,
  };
}
