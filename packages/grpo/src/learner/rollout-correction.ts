/**
 * Applies importance weights and rejection rules to the rows of one update. Both look at whole responses or at the
 * whole batch, so they run before it is split.
 */
import type { PolicyRow } from "../policy";
import { importanceWeights, type ImportanceWeightOptions } from "../rollout-correction/importance-weights";
import { rejectionMask, type RejectionRule } from "../rollout-correction/rejection";
import { stack, type PreparedRow } from "./training-row";

/** How rollouts of another engine are corrected; needs `rolloutLogProbs`. */
export interface RolloutCorrectionConfig {
  /** Importance weights on the policy loss; absent: none. */
  readonly importance?: ImportanceWeightOptions;
  /** Tokens and responses that leave the batch; absent: none. Needs `oldLogProbs`. */
  readonly rejection?: readonly RejectionRule[];
}

/** Whether the correction must see every old log-probability before the first forward pass. */
export function needsOldLogProbs(config: RolloutCorrectionConfig | undefined): boolean {
  return config?.importance?.normalize === true || (config?.rejection?.length ?? 0) > 0;
}

/**
 * Rows with corrected masks and importance weights, and the metrics of both. `trainerLogProbs` gives log π_old of a
 * row. Rejection comes first; importance weights are measured over what is left.
 */
export function correctRows<Row extends PolicyRow>(
  rows: readonly PreparedRow<Row>[],
  config: RolloutCorrectionConfig,
  trainerLogProbs: (row: PreparedRow<Row>) => ArrayLike<number>,
): { readonly rows: PreparedRow<Row>[]; readonly metrics: Record<string, number> } {
  const width = Math.max(1, ...rows.map((row) => row.length));
  const old = stack(rows, width, trainerLogProbs)!;
  const rollout = stack(rows, width, (row) => row.rolloutLogProbs)!;
  const logRatios = old.map((value, i) => value - rollout[i]!);
  let mask = stack(rows, width, (row) => row.mask)!;
  const metrics: Record<string, number> = {};
  if (!mask.some((selected) => selected !== 0)) return { rows: [...rows], metrics };
  if (config.rejection && config.rejection.length > 0) {
    const rejection = rejectionMask(logRatios, mask, width, config.rejection);
    mask = rejection.mask;
    Object.assign(metrics, rejection.metrics);
  }
  let weights: Float64Array | undefined;
  if (config.importance && mask.some((selected) => selected !== 0)) {
    const importance = importanceWeights(logRatios, mask, width, config.importance);
    weights = importance.weights;
    Object.assign(metrics, importance.metrics);
  }
  return {
    metrics,
    rows: rows.map((row, b) => ({
      ...row,
      mask: mask.slice(b * width, b * width + row.length),
      ...(weights ? { importanceWeights: weights.slice(b * width, b * width + row.length) } : {}),
    })),
  };
}
