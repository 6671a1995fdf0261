/**
 * Sources × metrics: which one changed for the worse. A cell's change is the mean of the last `window` points minus
 * that of the `window` points before; in deviations of the whole series it can be compared between metrics, with the
 * sign that says good or bad.
 */
import { lttb, type Points } from "../series/downsample";
import type { GridCell } from "../dashboard-api";

/** Whether more of a metric is better (1), worse (-1) or neither (0). */
export function metricDirection(metric: string): -1 | 0 | 1 {
  if (
    /(clip_ratio|error_ratio|skipped_ratio|zero_signal_ratio|verdict\/error|verdict\/skipped|not_finite|worst_change)/.test(
      metric,
    )
  )
    return -1;
  if (/^(critic\/rewards\/mean|reward\/.*\/mean|correct\/ratio|acc\/|verifier\/)/.test(metric)) return 1;
  return 0;
}

/** Changes under this share of a deviation are no news. */
const LEAST_DEVIATION = 1e-9;

// Loops instead of callbacks: a page asks for a hundred cells of 10,000 points each.
function meanOf(values: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index]!;
  return sum / values.length;
}

function deviationOf(values: Float64Array): number {
  const mean = meanOf(values);
  let squares = 0;
  for (let index = 0; index < values.length; index += 1) squares += (values[index]! - mean) ** 2;
  return Math.sqrt(squares / values.length);
}

function finiteOf(values: ArrayLike<number>): Float64Array {
  const finite = new Float64Array(values.length);
  let length = 0;
  for (let index = 0; index < values.length; index += 1)
    if (Number.isFinite(values[index]!)) finite[length++] = values[index]!;
  return finite.subarray(0, length);
}

/**
 * One cell of the grid.
 *
 * @param window steps on each side of the comparison; less where the series is shorter
 * @param points points of the sparkline
 */
export function gridCell(metric: string, series: Points, window: number, points: number): GridCell {
  const finite = finiteOf(series.values);
  const size = Math.min(window, finite.length >> 1);
  const reduced = lttb(series, points);
  const last = finite.at(-1) ?? null;
  if (size === 0) return { metric, ...reduced, last, change: null, goodness: 0 };
  const change = meanOf(finite.subarray(-size)) - meanOf(finite.subarray(-2 * size, -size));
  const deviation = deviationOf(finite);
  const goodness = deviation < LEAST_DEVIATION ? 0 : (metricDirection(metric) * change) / deviation;
  return { metric, ...reduced, last, change, goodness: goodness === 0 ? 0 : goodness };
}
