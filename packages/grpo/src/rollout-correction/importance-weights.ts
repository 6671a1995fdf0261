/**
 * Correction for rollouts that another engine sampled: the trainer's probability of a token differs from the engine's
 * (other kernels, other precision, older weights), so each token is weighted by how much.
 *
 *   token      w_t = exp(log π_old - log π_rollout)
 *   sequence   w = exp( Σ_t (log π_old - log π_rollout) ), the same for each token
 *   truncated (TIS)   min(w, upper)                       arXiv 2410.03069; for engines: "Your efficient RL framework
 *                                                         secretly brings you off-policy training", 2025
 *   IcePop            w where lower ≤ w ≤ upper, else 0   arXiv 2510.18855
 *   normalized        divided by the batch mean of the weights
 *
 * Log ratios are bounded to ±20. Same numbers and metric names as verl 0.9.1 (`rollout_corr_helper`). One deviation: a
 * batch whose weights are all 0 has an effective sample size of 0, where verl divides by zero and stops.
 */
import { maskedCount, maskedMean } from "../masked-statistics";
import { LOG_RATIO_BOUND } from "../losses/token-loss";
import { deviationOf } from "../advantages/groups";

/** Settings of {@link importanceWeights}. */
export interface ImportanceWeightOptions {
  /** One weight per token or one per response. Default "token". */
  readonly level?: "token" | "sequence";
  /** Largest weight. Default 2. */
  readonly upper?: number;
  /** With it, weights outside [lower, upper] become 0 (IcePop) instead of being cut to `upper`. */
  readonly lower?: number;
  /** Divide by the batch mean. Default false. */
  readonly normalize?: boolean;
}

/** Weights by token, flat [B · T], 0 outside the mask, and verl's metrics of them. */
export interface ImportanceWeights {
  readonly weights: Float64Array;
  readonly metrics: Record<string, number>;
}

/**
 * Importance weights of a whole batch.
 * @example importanceWeights(Float64Array.of(0.1, -0.2), [1, 1], 2).weights // [1.105, 0.819]
 * @param logRatios log π_old - log π_rollout, flat [B · T]
 * @throws RangeError for bounds that make no sense or when no token is selected
 */
export function importanceWeights(
  logRatios: ArrayLike<number>,
  mask: ArrayLike<number>,
  width: number,
  options: ImportanceWeightOptions = {},
): ImportanceWeights {
  checkBounds(options);
  if (maskedCount(mask) === 0) throw new RangeError("importance weights need at least one selected token");
  const upper = options.upper ?? 2;
  const sequence = options.level === "sequence";
  const rows = mask.length / width;
  const rowLogs = rowSums(logRatios, mask, width);
  const raw = Float64Array.from(mask, (selected, i) => {
    if (selected === 0) return 0;
    const log = sequence ? rowLogs[Math.floor(i / width)]! : logRatios[i]!;
    return Math.exp(Math.min(Math.max(log, -LOG_RATIO_BOUND), LOG_RATIO_BOUND)) * selected;
  });
  let weights = raw.map((w) =>
    options.lower === undefined ? Math.min(w, upper) : w >= options.lower && w <= upper ? w : 0,
  );
  const metrics = weightMetrics({ weights, raw, rowLogs, mask, width, upper, lower: options.lower, sequence });
  if (options.normalize) {
    const mean = sequence ? meanOfRows(weights, mask, width, rows) : maskedMean(weights, mask);
    metrics["rollout_is_batch_norm_factor"] = mean > 1e-8 ? mean : 1;
    if (mean > 1e-8) weights = weights.map((w) => w / mean);
  }
  return { weights, metrics };
}

function checkBounds(options: ImportanceWeightOptions): void {
  const { upper = 2, lower } = options;
  if (!(upper > 0)) throw new RangeError(`upper must be above 0, found ${upper}`);
  if (lower !== undefined && !(lower > 0 && lower <= upper)) {
    throw new RangeError(`lower must be above 0 and at most upper (${upper}), found ${lower}`);
  }
}

/** Sum over each row's selected tokens, flat [B · T] → [B]. */
export function rowSums(values: ArrayLike<number>, mask: ArrayLike<number>, width: number): Float64Array {
  const sums = new Float64Array(mask.length / width);
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) sums[Math.floor(i / width)]! += values[i]! * mask[i]!;
  return sums;
}

/** Mean over each row's selected tokens, 0 for an empty row, flat [B · T] → [B]. */
export function rowMeans(values: ArrayLike<number>, mask: ArrayLike<number>, width: number): Float64Array {
  const lengths = rowSums(new Float64Array(mask.length).fill(1), mask, width);
  return rowSums(values, mask, width).map((sum, row) => sum / (lengths[row]! + 1e-8));
}

function meanOfRows(weights: Float64Array, mask: ArrayLike<number>, width: number, rows: number): number {
  const means = rowMeans(weights, mask, width);
  let sum = 0;
  let filled = 0;
  for (let row = 0; row < rows; row++) {
    if (maskedCount(Array.prototype.slice.call(mask, row * width, (row + 1) * width)) === 0) continue;
    sum += means[row]!;
    filled += 1;
  }
  return sum / Math.max(1e-8, filled);
}

/** Weights before (`raw`) and after the bounds, with what they were made of. */
interface BoundedWeights {
  readonly weights: Float64Array;
  readonly raw: Float64Array;
  /** Log ratio of each row. */
  readonly rowLogs: Float64Array;
  readonly mask: ArrayLike<number>;
  readonly width: number;
  readonly upper: number;
  readonly lower: number | undefined;
  readonly sequence: boolean;
}

function weightMetrics({
  weights,
  raw,
  rowLogs,
  mask,
  width,
  upper,
  lower,
  sequence,
}: BoundedWeights): Record<string, number> {
  const low = lower ?? 1 / upper;
  const indicator = (test: (w: number) => boolean) =>
    maskedMean(
      raw.map((w) => (test(w) ? 1 : 0)),
      mask,
    );
  const selected = [...weights].filter((_, i) => mask[i] !== 0);
  const cut = weights.map((w) => Math.min(Math.max(w, 0), upper));
  const mean = maskedMean(cut, mask);
  const meanSquare = maskedMean(
    cut.map((w) => w * w),
    mask,
  );
  const normalizedSquare = maskedMean(
    cut.map((w) => (w / (mean + 1e-8)) ** 2),
    mask,
  );
  const rows = [...rowMeans(weights, mask, width)];
  const rawRows = [...rowMeans(raw, mask, width)];
  const share = (values: ArrayLike<number>, test: (v: number) => boolean) =>
    Array.from(values).filter(test).length / values.length;
  return {
    rollout_is_mean: maskedMean(weights, mask),
    rollout_is_max: sequence ? Math.exp(Math.min(Math.max(...rowLogs), LOG_RATIO_BOUND)) : Math.max(...selected),
    rollout_is_min: sequence ? Math.exp(Math.min(...rowLogs)) : Math.min(...selected),
    rollout_is_ratio_fraction_high: sequence
      ? share(rowLogs, (log) => log > Math.log(upper))
      : indicator((w) => w > upper),
    rollout_is_ratio_fraction_low: sequence ? share(rowLogs, (log) => log < Math.log(low)) : indicator((w) => w < low),
    rollout_is_std: maskedCount(mask) > 1 ? Math.sqrt(Math.max(0, meanSquare - mean * mean)) : 0,
    rollout_is_eff_sample_size: normalizedSquare > 0 ? 1 / normalizedSquare : 0,
    rollout_is_seq_mean: rows.reduce((a, b) => a + b, 0) / rows.length,
    rollout_is_seq_std: deviationOf(rows),
    rollout_is_seq_max: Math.max(...rows),
    rollout_is_seq_min: Math.min(...rows),
    rollout_is_seq_max_deviation: Math.max(...rows.map((w) => Math.abs(w - 1))),
    rollout_is_seq_fraction_high: share(rawRows, (w) => w > upper),
    rollout_is_seq_fraction_low: share(rawRows, (w) => w < low),
    ...(lower === undefined ? {} : { rollout_is_oob_ratio: indicator((w) => w < lower || w > upper) }),
  };
}
