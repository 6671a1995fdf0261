/**
 * How much a source learns from what is spent on it: the slope of its accuracy over the tokens that it generated, by
 * least squares over its last steps.
 *
 *     slope = Σ w (x - x̄)(y - ȳ) / Σ w (x - x̄)²         x: tokens so far in thousands, y: accuracy, w: rollouts
 *     error = sqrt(Σ w (y - ŷ)² / ((n - 2) Σ w (x - x̄)²))
 *
 * With the error a reader can tell a slope from chance: beyond twice the error it hardly is.
 */

/** What a step says of a source. */
export interface ProgressPoint {
  readonly accuracy: number;
  readonly rollouts: number;
  /** Generated in the step. */
  readonly tokens: number;
}

/** Steps of a source that the slope is taken over. */
export const PROGRESS_WINDOW = 20;
/** With fewer steps there is no slope. */
const FEWEST = 5;

/**
 * @param points of the last steps, oldest first
 * @returns accuracy per 1,000 tokens, and its standard error; undefined for too few steps
 */
export function learningProgress(
  points: readonly ProgressPoint[],
): { readonly slope: number; readonly error: number } | undefined {
  if (points.length < FEWEST) return undefined;
  let total = 0;
  const rows = points.map(({ accuracy, rollouts, tokens }) => {
    // The middle of the step: its answers are drawn by the weights before its update.
    const x = (total + tokens / 2) / 1000;
    total += tokens;
    return { x, y: accuracy, w: rollouts };
  });
  const weight = rows.reduce((sum, { w }) => sum + w, 0);
  const mean = (of: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((sum, row) => sum + row.w * of(row), 0) / weight;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const squares = rows.reduce((sum, { x, w }) => sum + w * (x - meanX) ** 2, 0);
  if (!(squares > 0)) return undefined;
  const slope = rows.reduce((sum, { x, y, w }) => sum + w * (x - meanX) * (y - meanY), 0) / squares;
  const residuals = rows.reduce((sum, { x, y, w }) => sum + w * (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(residuals / ((rows.length - 2) * squares)) };
}
