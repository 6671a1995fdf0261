/**
 * Splits an update into micro-batches. Two orders are tried: the caller's, which keeps the rollouts of a prompt together
 * (a policy may compute a shared prompt once), and by length, which leaves little padding. The one that computes fewer
 * tokens wins. Nothing here is random: the same rows always give the same split.
 */

/** Limits of a micro-batch. With both, both hold; with neither, all rows go at once. */
export interface MicroBatchLimits {
  /** Most rows. */
  readonly rows?: number;
  /** Most computed tokens, as the policy counts them. A single row above it goes alone. */
  readonly tokens?: number;
}

/** Tokens computed for some rows together. */
export type TokenCount = (rows: readonly number[]) => number;

/**
 * @example planMicroBatches([5, 12, 4], { rows: 2 }) // [[0, 1], [2]]
 * @param lengths completion length of each row, in tokens
 * @param count what rows cost together; without it: rows × longest completion, and the caller's order is kept
 * @returns row indices by micro-batch
 * @throws RangeError for limits below 1
 */
export function planMicroBatches(lengths: readonly number[], limits: MicroBatchLimits = {}, count?: TokenCount): number[][] {
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && !(limit >= 1)) throw new RangeError(`microBatch.${name} must be at least 1, found ${limit}`);
  }
  const given = lengths.map((_, i) => i);
  const padded: TokenCount = (rows) => rows.length * Math.max(...rows.map((i) => lengths[i]!));
  if (!count) return fill(given, limits, padded);
  const alone = given.map((i) => count([i]));
  const byLength = [...given].sort((a, b) => alone[b]! - alone[a]! || a - b);
  const plans = [given, byLength].map((order) => fill(order, limits, count));
  const [first, second] = plans.map((plan) => plan.reduce((sum, rows) => sum + count(rows), 0));
  return second! < first! ? plans[1]! : plans[0]!;
}

/** Takes rows in order, opening a new micro-batch where the next row would break a limit. */
function fill(order: readonly number[], limits: MicroBatchLimits, count: TokenCount): number[][] {
  const { rows = Infinity, tokens = Infinity } = limits;
  const batches: number[][] = [];
  let current: number[] = [];
  for (const index of order) {
    const full = current.length >= rows || (tokens < Infinity && count([...current, index]) > tokens);
    if (current.length > 0 && full) {
      batches.push(current);
      current = [];
    }
    current.push(index);
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
