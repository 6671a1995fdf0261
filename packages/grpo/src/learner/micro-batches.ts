/**
 * Splits an update into micro-batches. Two orders are tried: the caller's, which keeps the rollouts of a prompt
 * together (a policy may compute a shared prompt once), and by length, which leaves little padding. The one that
 * computes fewer tokens wins. Nothing here depends on chance or on the number of threads: the same rows always give the
 * same split.
 */

/** Limits of a micro-batch. With both, both hold; with neither, all rows go at once. */
export interface MicroBatchLimits {
  /** Most rows. */
  readonly rows?: number;
  /** Most computed tokens, as the policy counts them. A single row above it goes alone. */
  readonly tokens?: number;
  /**
   * Cuts the update into at most this number of micro-batches of about equal cost, for threads that share them. No
   * micro-batch gets smaller than {@link SMALLEST_PART} tokens because of it.
   */
  readonly parts?: number;
}

/** Below this a micro-batch costs more in calls than it gains in threads. */
const SMALLEST_PART = 128;

/** Tokens computed for some rows together. */
export type TokenCount = (rows: readonly number[]) => number;

/**
 * @example planMicroBatches([5, 12, 4], { rows: 2 }) // [[0, 1], [2]]
 * @param lengths completion length of each row, in tokens
 * @param count what rows cost together; without it: rows × longest completion, and the caller's order is kept
 * @returns row indices by micro-batch
 * @throws RangeError for limits below 1
 */
export function planMicroBatches(
  lengths: readonly number[],
  limits: MicroBatchLimits = {},
  count?: TokenCount,
): number[][] {
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && !(limit >= 1))
      throw new RangeError(`microBatch.${name} must be at least 1, found ${limit}`);
  }
  const given = lengths.map((_, i) => i);
  const padded: TokenCount = (rows) => rows.length * Math.max(...rows.map((i) => lengths[i]!));
  if (!count) return divide(given, limits, padded);
  const alone = given.map((i) => count([i]));
  const byLength = [...given].sort((a, b) => alone[b]! - alone[a]! || a - b);
  const plans = [given, byLength].map((order) => divide(order, limits, count));
  const [first, second] = plans.map((plan) => plan.reduce((sum, rows) => sum + count(rows), 0));
  return second! < first! ? plans[1]! : plans[0]!;
}

/** `fill` with the smallest budget that leaves no more than `parts` micro-batches. */
function divide(order: readonly number[], limits: MicroBatchLimits, count: TokenCount): number[][] {
  const { parts = 1, tokens = Infinity } = limits;
  const whole = fill(order, limits, count);
  const all = count(order);
  const wanted = Math.min(parts, Math.floor(all / SMALLEST_PART));
  if (wanted <= whole.length) return whole;
  let best = whole;
  let low = Math.floor(all / wanted);
  let high = Math.min(tokens, all);
  // To a fiftieth of a part; finer would cost more than it saves.
  while (high - low > Math.max(1, all / wanted / 50)) {
    const middle = Math.floor((low + high) / 2);
    const found = fill(order, { ...limits, tokens: middle }, count);
    if (found.length <= wanted) [high, best] = [middle, found];
    else low = middle;
  }
  return best;
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
