/**
 * VESPO: weights a response by a gamma-shaped function of its sequence importance ratio (arXiv 2602.10693).
 *
 *   w = exp( Σ_t clamp(log π_θ - log π_old, ±20) + Σ_t log(rollout correction) ),  log w within [log 1e-8, 20]
 *   φ = exp( λ + k log w - λ w ),     k, λ by the sign of the advantage
 *   l_t = -sg[φ] · A · log π_θ
 *
 * φ(1) = 1. The rollout correction enters w, so the weights are not multiplied in again. Same numbers as TRL 1.16
 * (`vespo`).
 */
import { boundedLogRatio, emptyTokenLoss, LOG_RATIO_BOUND, type PolicyLoss, type TokenBatch } from "./token-loss";

/** Settings of {@link vespo}. */
export interface VespoOptions {
  /** k for advantages ≥ 0. Default 2. */
  readonly kPositive?: number;
  /** λ for advantages ≥ 0. Default 3. */
  readonly lambdaPositive?: number;
  /** k for negative advantages. Default 3. */
  readonly kNegative?: number;
  /** λ for negative advantages. Default 2. */
  readonly lambdaNegative?: number;
}

const LOWEST = Math.log(1e-8);

/** The gamma-weighted sequence loss. */
export function vespo(options: VespoOptions = {}): PolicyLoss {
  const { kPositive = 2, lambdaPositive = 3, kNegative = 3, lambdaNegative = 2 } = options;
  return {
    name: "vespo",
    appliesImportanceWeights: true,
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let row = 0; row < batch.rows; row++) {
        const logWeight = sequenceLogWeight(batch, row);
        for (let i = row * batch.width; i < (row + 1) * batch.width; i++) {
          if (batch.mask[i] === 0) continue;
          const advantage = batch.advantages[i]!;
          const k = advantage >= 0 ? kPositive : kNegative;
          const lambda = Math.max(1e-4, advantage >= 0 ? lambdaPositive : lambdaNegative);
          const phi = Math.exp(lambda + k * logWeight - lambda * Math.exp(logWeight));
          result.gradient[i] = -phi * advantage;
          result.values[i] = result.gradient[i]! * batch.logProbs[i]!;
        }
      }
      return result;
    },
  };
}

function sequenceLogWeight(batch: TokenBatch, row: number): number {
  let sum = 0;
  for (let i = row * batch.width; i < (row + 1) * batch.width; i++) {
    if (batch.mask[i] === 0) continue;
    sum += boundedLogRatio(batch.logProbs[i]! - batch.oldLogProbs[i]!, LOG_RATIO_BOUND).value;
    if (batch.importanceWeights) {
      sum += Math.min(Math.max(Math.log(batch.importanceWeights[i]!), LOWEST), LOG_RATIO_BOUND);
    }
  }
  return Math.min(Math.max(sum, LOWEST), LOG_RATIO_BOUND);
}
