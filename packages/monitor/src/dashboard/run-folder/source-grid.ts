/**
 * Sources × metrics: which one changed for the worse. A cell's change is the mean over the last steps of the run minus
 * that over as many steps before; in deviations of the whole series it can be compared between metrics, with the sign
 * that says good or bad. The steps are the run's, not the source's: a source that misses some is still compared over
 * the same stretch. Steps weigh by their rollouts where the run records them. Changes (run-changes.ts) is the exact
 * answer.
 */
import { lttb, type Points } from "../series/downsample";
import { firstAfter } from "../series/step-search";
import type { ChangeWindows, GridCell, StepWindow } from "../dashboard-api";

/**
 * Whether more of a metric is better (1), worse (-1) or neither (0). Groups without signal are neither: a source that
 * is solved has none either.
 */
export function metricDirection(metric: string): -1 | 0 | 1 {
  if (
    /(clip_ratio|error_ratio|skipped_ratio|verdict\/error|verdict\/skipped|not_finite|worst_change|forgetting\/.*drop)/.test(
      metric,
    )
  )
    return -1;
  if (/^(critic\/rewards\/mean|reward\/.*\/mean|correct\/ratio|acc\/|verifier\/|progress\/accuracy)/.test(metric))
    return 1;
  return 0;
}

/** Changes under this share of a deviation or of the means are rounding. */
const ROUNDING = 1e-9;

/**
 * The last `window` recorded steps and as many before them; fewer on both sides where the run has fewer, null where it
 * has no two steps.
 *
 * @param steps ascending
 */
export function gridWindows(steps: ArrayLike<number>, window: number): ChangeWindows | null {
  const size = Math.min(window, steps.length >> 1);
  if (size === 0) return null;
  const at = (fromEnd: number): number => steps[steps.length - fromEnd]!;
  return { before: { from: at(2 * size), to: at(size + 1) }, after: { from: at(size), to: at(1) } };
}

// Loops instead of callbacks: a page asks for a hundred cells of 10,000 points each.
function deviationOf(values: ArrayLike<number>): number {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!;
    if (!Number.isFinite(value)) continue;
    count += 1;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  return count === 0 ? 0 : Math.sqrt(squares / count);
}

/** null without a finite value in the window. */
function windowMean(series: Points, { from, to }: StepWindow, weights: Points | undefined): number | null {
  let sum = 0;
  let total = 0;
  for (let index = firstAfter(series.steps, from, true); index < series.steps.length; index += 1) {
    const step = series.steps[index]!;
    const value = series.values[index]!;
    if (step > to) break;
    if (!Number.isFinite(value)) continue;
    const place = weights === undefined ? -1 : firstAfter(weights.steps, step, true);
    const weight = weights?.steps[place] === step ? weights.values[place]! : 1;
    sum += weight * value;
    total += weight;
  }
  return total > 0 ? sum / total : null;
}

function lastFinite(values: ArrayLike<number>): number | null {
  for (let index = values.length - 1; index >= 0; index -= 1)
    if (Number.isFinite(values[index]!)) return values[index]!;
  return null;
}

export interface GridCellOptions {
  /** What is compared; null for a run without two steps. */
  readonly windows: ChangeWindows | null;
  /** Points of the sparkline. */
  readonly points: number;
  /** Rollouts of each step. Default: each step weighs the same. */
  readonly weights?: Points | undefined;
}

/** One cell of the grid. Its change is null where the source has no value in one of the windows. */
export function gridCell(metric: string, series: Points, { windows, points, weights }: GridCellOptions): GridCell {
  const reduced = lttb(series, points);
  const last = lastFinite(series.values);
  const before = windows && windowMean(series, windows.before, weights);
  const after = windows && windowMean(series, windows.after, weights);
  if (before === null || after === null) return { metric, ...reduced, last, change: null, goodness: 0 };
  const deviation = deviationOf(series.values);
  const difference = after - before;
  const isRounding = Math.abs(difference) <= ROUNDING * Math.max(deviation, Math.abs(before), Math.abs(after));
  const change = isRounding ? 0 : difference;
  const goodness = isRounding || deviation === 0 ? 0 : (metricDirection(metric) * change) / deviation;
  return { metric, ...reduced, last, change, goodness: goodness === 0 ? 0 : goodness };
}
