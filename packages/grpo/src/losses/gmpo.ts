/**
 * GMPO: maximizes the geometric instead of the arithmetic mean of the token ratios, which tames outliers (arXiv
 * 2507.20673).
 *
 *   d_t = log π_θ - log π_old;   k_t = d_t where sign(A) d_t ≤ sign(A) clip(d_t, -ε_low, ε_high), else the clipped one
 *   l = -Ā · exp( (1/|y|) Σ_t k_t ),    averaged over all rows, empty ones included
 *
 * A row's loss stands on each of its tokens, so that the mean over tokens gives it back; a token's derivative is the
 * row's times |y|. Importance weights enter as their geometric mean over the row. Same numbers as verl 0.9.1
 * (`compute_policy_loss_geo_mean`). Its log ratios are not bounded.
 */
import { CLIPPED_HIGH, CLIPPED_LOW, emptyTokenLoss, type PolicyLoss } from "./token-loss";

/** Settings of {@link gmpo}. */
export interface GmpoOptions {
  /** Lower bound of the token log ratio. Default 0.4 (the paper's). */
  readonly clipLow?: number;
  /** Upper bound of the token log ratio. Default 0.4. */
  readonly clipHigh?: number;
}

/**
 * The geometric-mean loss.
 * CLIPPED_HIGH marks clipped tokens of positive, CLIPPED_LOW those of negative advantage.
 */
export function gmpo(options: GmpoOptions = {}): PolicyLoss {
  const { clipLow = 0.4, clipHigh = 0.4 } = options;
  return {
    name: "gmpo",
    aggregation: "seq-mean-token-mean",
    appliesImportanceWeights: true,
    countsEmptySequences: true,
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let row = 0; row < batch.rows; row++) {
        const from = row * batch.width;
        const to = from + batch.width;
        let length = 0;
        let logRatio = 0;
        let advantage = 0;
        let logWeight = 0;
        for (let i = from; i < to; i++) {
          if (batch.mask[i] === 0) continue;
          const a = batch.advantages[i]!;
          const d = batch.logProbs[i]! - batch.oldLogProbs[i]!;
          const kept = Math.min(Math.max(d, -clipLow), clipHigh);
          const sign = Math.sign(a);
          const clipActs = sign * kept < sign * d;
          length += 1;
          advantage += a;
          logRatio += sign === 0 ? 0 : clipActs ? kept : d;
          if (batch.importanceWeights) logWeight += Math.log(batch.importanceWeights[i]! + 1e-10);
          result.gradient[i] = sign === 0 || clipActs ? 0 : 1;
          if (d !== kept && sign !== 0) result.clipped[i] = sign > 0 ? CLIPPED_HIGH : CLIPPED_LOW;
        }
        if (length === 0) continue;
        const value = -(advantage / length) * Math.exp((logRatio + logWeight) / length);
        for (let i = from; i < to; i++) {
          if (batch.mask[i] === 0) continue;
          result.values[i] = value;
          result.gradient[i]! *= value;
        }
      }
      return result;
    },
  };
}
