/**
 * SAPO: a soft gate instead of a hard clip (arXiv 2511.20347).
 *
 *   l = -A · (4/τ) σ(τ (r - 1)),    τ = τ_pos where A > 0, else τ_neg
 *
 * Always averaged as seq-mean-token-mean. Same numbers as verl 0.9.1 (`compute_policy_loss_sapo`) and TRL 1.16 (`sapo`,
 * which counts empty rows and does not bound the log ratio).
 */
import { boundedLogRatio, emptyTokenLoss, LOG_RATIO_BOUND, type PolicyLoss } from "./token-loss";

/** Settings of {@link sapo}. */
export interface SapoOptions {
  /** τ for positive advantages. Default 1. */
  readonly tauPositive?: number;
  /** τ for negative advantages. Default 1.05. */
  readonly tauNegative?: number;
}

/** The soft-gated loss. */
export function sapo(options: SapoOptions = {}): PolicyLoss {
  const { tauPositive = 1, tauNegative = 1.05 } = options;
  return {
    name: "sapo",
    aggregation: "seq-mean-token-mean",
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let i = 0; i < result.values.length; i++) {
        if (batch.mask[i] === 0) continue;
        const advantage = batch.advantages[i]!;
        const tau = advantage > 0 ? tauPositive : tauNegative;
        const log = boundedLogRatio(batch.logProbs[i]! - batch.oldLogProbs[i]!, LOG_RATIO_BOUND);
        const ratio = Math.exp(log.value);
        const gate = 1 / (1 + Math.exp(-tau * (ratio - 1)));
        result.values[i] = (-advantage * gate * 4) / tau;
        result.gradient[i] = -advantage * 4 * gate * (1 - gate) * ratio * log.slope;
      }
      return result;
    },
  };
}
