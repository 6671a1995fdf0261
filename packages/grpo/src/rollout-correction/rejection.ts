/**
 * A hard trust region around the engine that sampled: tokens or responses whose probability differs too much between
 * trainer and engine leave the batch. With x = log π_old - log π_rollout (bounded to ±20), by token:
 *
 *   k1 = -x        k2 = x² / 2        k3 = exp(x) - 1 - x
 *
 * and for a response their sum, mean or largest value. k1 is kept within [log lower, log upper], k2 and k3 up to
 * `upper`. A response that fails loses all its tokens. Same numbers and metric names as verl 0.9.1
 * (`compute_rollout_rejection_mask`).
 */
import { deviationOf } from "../advantages/groups";
import { LOG_RATIO_BOUND } from "../losses/token-loss";
import { maskedCount, maskedMean } from "../masked-statistics";
import { rowMeans, rowSums } from "./importance-weights";

/** What is measured; named as in verl's `rollout_rs`. */
export type RejectionStatistic =
  | "token_k1"
  | "token_k2"
  | "token_k3"
  | "seq_sum_k1"
  | "seq_sum_k2"
  | "seq_sum_k3"
  | "seq_mean_k1"
  | "seq_mean_k2"
  | "seq_mean_k3"
  | "seq_max_k2"
  | "seq_max_k3";

/** One criterion; a token must pass all of those given. */
export interface RejectionRule {
  readonly statistic: RejectionStatistic;
  /** k1: largest ratio; k2, k3: largest value. */
  readonly upper: number;
  /** k1 only: smallest ratio. Default 1 / upper. */
  readonly lower?: number;
}

/** The mask that is left, flat [B · T], and verl's metrics. */
export interface RejectionResult {
  readonly mask: Float64Array;
  readonly metrics: Record<string, number>;
}

/**
 * Applies rejection rules to a batch.
 * @param logRatios log π_old - log π_rollout, flat [B · T]
 * @throws RangeError for bounds that make no sense, no rule, or no selected token
 */
export function rejectionMask(
  logRatios: ArrayLike<number>,
  mask: ArrayLike<number>,
  width: number,
  rules: readonly RejectionRule[],
): RejectionResult {
  if (rules.length === 0) throw new RangeError("rejection needs at least one rule");
  if (maskedCount(mask) === 0) throw new RangeError("rejection needs at least one selected token");
  const kept = Float64Array.from(mask, (selected) => (selected === 0 ? 0 : 1));
  const metrics: Record<string, number> = {};
  for (const rule of rules) {
    const { lower, upper } = bounds(rule);
    const byToken = tokenStatistic(rule.statistic, logRatios);
    const byRow = rowStatistic(rule.statistic, byToken, mask, width);
    const values = byRow ? byToken.map((_, i) => byRow[Math.floor(i / width)]!) : byToken;
    const pass = values.map((v) => (v >= lower && v <= upper ? 1 : 0));
    for (let i = 0; i < kept.length; i++) kept[i]! *= pass[i]!;
    Object.assign(metrics, ruleMetrics({ rule, values, byRow, pass, mask, width }));
  }
  const rejected = kept.map((k, i) => (mask[i] !== 0 && k === 0 ? 1 : 0));
  metrics["rollout_rs_masked_fraction"] = maskedMean(rejected, mask);
  const touched = rowSums(rejected, mask, width);
  metrics["rollout_rs_seq_masked_fraction"] = touched.filter((n) => n > 0).length / touched.length;
  return { mask: kept.map((k, i) => k * mask[i]!), metrics };
}

function bounds(rule: RejectionRule): { lower: number; upper: number } {
  if (!(rule.upper > 0)) throw new RangeError(`${rule.statistic}: upper must be above 0, found ${rule.upper}`);
  if (!rule.statistic.endsWith("k1")) return { lower: -Infinity, upper: rule.upper };
  const lower = rule.lower ?? 1 / rule.upper;
  if (!(lower > 0 && lower <= rule.upper)) {
    throw new RangeError(`${rule.statistic}: lower must be above 0 and at most upper (${rule.upper}), found ${lower}`);
  }
  return { lower: Math.log(lower), upper: Math.log(rule.upper) };
}

function tokenStatistic(statistic: RejectionStatistic, logRatios: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: logRatios.length }, (_, i) => {
    const x = Math.min(Math.max(logRatios[i]!, -LOG_RATIO_BOUND), LOG_RATIO_BOUND);
    if (statistic.endsWith("k1")) return -x;
    return statistic.endsWith("k2") ? 0.5 * x * x : Math.exp(x) - 1 - x;
  });
}

function rowStatistic(
  statistic: RejectionStatistic,
  values: Float64Array,
  mask: ArrayLike<number>,
  width: number,
): Float64Array | null {
  if (statistic.startsWith("token")) return null;
  if (statistic.startsWith("seq_sum")) return rowSums(values, mask, width);
  if (statistic.startsWith("seq_mean")) return rowMeans(values, mask, width);
  const largest = new Float64Array(mask.length / width).fill(-Infinity);
  for (let i = 0; i < mask.length; i++) {
    const row = Math.floor(i / width);
    if (mask[i] !== 0) largest[row] = Math.max(largest[row]!, values[i]!);
  }
  return largest.map((v) => (v === -Infinity ? 0 : v));
}

/** A rule with the statistic it was tried on. */
interface AppliedRule {
  readonly rule: RejectionRule;
  /** The statistic of each token. */
  readonly values: Float64Array;
  /** The statistic of each row; null for a rule about tokens. */
  readonly byRow: Float64Array | null;
  /** 1 where a token passes. */
  readonly pass: Float64Array;
  readonly mask: ArrayLike<number>;
  readonly width: number;
}

function ruleMetrics({ rule, values, byRow, pass, mask, width }: AppliedRule): Record<string, number> {
  const prefix = `rollout_rs_${rule.statistic}`;
  const { lower, upper } = bounds(rule);
  const hasLower = rule.statistic.endsWith("k1");
  const lengths = rowSums(new Float64Array(mask.length).fill(1), mask, width);
  const filled = (rows: Float64Array) => [...rows].filter((_, row) => lengths[row]! > 0);
  const sequences = filled(byRow ?? rowMeans(values, mask, width));
  const population = byRow ? sequences : [...values].filter((_, i) => mask[i] !== 0);
  const share = (list: readonly number[], test: (v: number) => boolean) => list.filter(test).length / list.length;
  const cut = values.map((v) => Math.min(Math.max(v, hasLower ? lower : 0), upper));
  const mean = maskedMean(cut, mask);
  const failed = pass.map((p) => 1 - p);
  const failedRows = filled(rowSums(failed, mask, width));
  return {
    [`${prefix}_mean`]: maskedMean(values, mask),
    [`${prefix}_max`]: Math.max(...population),
    [`${prefix}_min`]: Math.min(...population),
    [`${prefix}_fraction_high`]: share(population, (v) => v > upper),
    [`${prefix}_fraction_low`]: hasLower ? share(population, (v) => v < lower) : 0,
    [`${prefix}_std`]:
      maskedCount(mask) > 1
        ? Math.sqrt(
            Math.max(
              0,
              maskedMean(
                cut.map((v) => v * v),
                mask,
              ) -
                mean * mean,
            ),
          )
        : 0,
    [`${prefix}_seq_mean`]: sequences.reduce((a, b) => a + b, 0) / sequences.length,
    [`${prefix}_seq_std`]: deviationOf(sequences),
    [`${prefix}_seq_max`]: Math.max(...sequences),
    [`${prefix}_seq_min`]: Math.min(...sequences),
    [`${prefix}_seq_max_deviation`]: Math.max(...sequences.map(Math.abs)),
    [`${prefix}_seq_fraction_high`]: share(sequences, (v) => v > upper),
    ...(hasLower ? { [`${prefix}_seq_fraction_low`]: share(sequences, (v) => v < lower) } : {}),
    [`${prefix}_masked_fraction`]: maskedMean(failed, mask),
    [`${prefix}_seq_masked_fraction`]: share(failedRows, (n) => n > 0),
  };
}
