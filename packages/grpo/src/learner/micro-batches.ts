/**
 * Splits an update into micro-batches: rows of similar length together, so that little is padding. The order is decided by
 * length, then by position: the same rows always give the same split.
 */

/** Limits of a micro-batch. With both, both hold; with neither, all rows go at once. */
export interface MicroBatchLimits {
  /** Most rows. */
  readonly rows?: number;
  /** Most padded tokens: rows × longest row. A single longer row goes alone. */
  readonly tokens?: number;
}

/**
 * @example planMicroBatches([5, 12, 4], { tokens: 12 }) // [[1], [0, 2]]
 * @param lengths sequence length of each row, in tokens
 * @returns row indices, longest first (so that memory runs out at once, if it does)
 * @throws RangeError for limits below 1
 */
export function planMicroBatches(lengths: readonly number[], limits: MicroBatchLimits = {}): number[][] {
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && !(limit >= 1)) throw new RangeError(`microBatch.${name} must be at least 1, found ${limit}`);
  }
  const { rows = Infinity, tokens = Infinity } = limits;
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const batches: number[][] = [];
  let current: number[] = [];
  for (const index of order) {
    const longest = lengths[current[0] ?? index]!;
    if (current.length > 0 && (current.length >= rows || (current.length + 1) * longest > tokens)) {
      batches.push(current);
      current = [];
    }
    current.push(index);
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
