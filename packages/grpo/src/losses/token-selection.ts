/**
 * Which tokens or rows a policy loss should learn from at all. Each gives factors for the policy loss (not for the
 * mask): a token left out still counts in N.
 */

/**
 * Learns only from the tokens where the model was least certain: 1 where the entropy is at or above the batch's
 * (1 - share) quantile, else 0 (arXiv 2506.01939, "80/20": share 0.2). Quantiles interpolate linearly, as torch's do.
 * Same numbers as TRL 1.16 (`top_entropy_quantile`).
 *
 * @param entropies flat [B · T] of the whole update, from before it
 * @param share which part of the tokens is kept, 0 to 1
 */
export function highEntropyTokens(entropies: ArrayLike<number>, mask: ArrayLike<number>, share: number): Float64Array {
  const kept = Float64Array.from({ length: mask.length });
  const values = Array.from(entropies).filter((_, i) => mask[i] !== 0);
  if (values.length === 0) return kept;
  values.sort((a, b) => a - b);
  const position = (1 - share) * (values.length - 1);
  const below = values[Math.floor(position)]!;
  const above = values[Math.ceil(position)]!;
  const threshold = below + (above - below) * (position - Math.floor(position));
  for (let i = 0; i < kept.length; i++) kept[i] = mask[i] !== 0 && entropies[i]! >= threshold ? 1 : 0;
  return kept;
}

/**
 * Drops rows of negative advantage that the policy has moved away from: 0 where A < 0 and the mean of
 * (log π_rollout - log π_θ) exceeds the threshold, else 1, on every token of the row (DeepSeek-V3.2, arXiv 2512.02556).
 * Same numbers as TRL 1.16 (`off_policy_mask_threshold`).
 *
 * @param advantages flat [B · T]; a row's first is taken as the row's
 */
export function offPolicySequences(
  batch: {
    readonly rows: number;
    readonly width: number;
    readonly mask: ArrayLike<number>;
    readonly logProbs: ArrayLike<number>;
    readonly advantages: ArrayLike<number>;
  },
  rolloutLogProbs: ArrayLike<number>,
  threshold: number,
): Float64Array {
  const kept = new Float64Array(batch.rows * batch.width);
  for (let row = 0; row < batch.rows; row++) {
    const from = row * batch.width;
    let sum = 0;
    let length = 0;
    for (let i = from; i < from + batch.width; i++) {
      if (batch.mask[i] === 0) continue;
      const moved = rolloutLogProbs[i]! - batch.logProbs[i]!;
      if (!Number.isNaN(moved)) sum += moved;
      length += 1;
    }
    const keep = batch.advantages[from]! >= 0 || sum / Math.max(1, length) <= threshold;
    kept.fill(keep ? 1 : 0, from, from + batch.width);
  }
  return kept;
}
