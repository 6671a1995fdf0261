/**
 * Per-source normalization for mixed runs: after the group advantage, each data source is brought to the same scale, so
 * that a source with dense rewards (boxes) does not drown one with rare ones (hard maths).
 *
 *   A'_i = A_i / (rms_s + ε),   rms_s = sqrt(mean over the source's rows with A ≠ 0 of A²)
 *
 * The mean is not subtracted: group advantages are centered already, and shifting a source by its mean would favor
 * long over short groups. Rows with advantage 0 (no signal) stay 0 and take no part in the scale, so a source with many
 * solved prompts is not blown up. No other library has this form; the idea is the task-wise normalization that mixed
 * runs ask for (V-Triune, arXiv 2505.18129, monitors by source for the same reason).
 */

/**
 * Rescales advantages so that every source's non-zero ones have root mean square 1, [B] → [B], float64.
 * @param sources the data source of each row, [B]
 * @throws RangeError when the lengths differ
 */
export function perSourceAdvantages(
  advantages: ArrayLike<number>,
  sources: ArrayLike<string>,
  options: { readonly epsilon?: number } = {},
): Float64Array {
  if (advantages.length !== sources.length) {
    throw new RangeError(
      `advantages and sources must be equally long, found ${advantages.length} and ${sources.length}`,
    );
  }
  const epsilon = options.epsilon ?? 1e-6;
  const totals = new Map<string, { squares: number; count: number }>();
  for (let i = 0; i < advantages.length; i++) {
    if (advantages[i] === 0) continue;
    const total = totals.get(sources[i]!) ?? { squares: 0, count: 0 };
    total.squares += advantages[i]! ** 2;
    total.count += 1;
    totals.set(sources[i]!, total);
  }
  return Float64Array.from({ length: advantages.length }, (_, i) => {
    if (advantages[i] === 0) return 0;
    const { squares, count } = totals.get(sources[i]!)!;
    return advantages[i]! / (Math.sqrt(squares / count) + epsilon);
  });
}
