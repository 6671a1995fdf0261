/**
 * CISPO: clips the importance *weight* instead of the objective, so that every token keeps a gradient (MiniMax-M1,
 * arXiv 2506.13585).
 *
 *   l = -sg[clip(r, 1 - ε_low, 1 + ε_high)] · A · log π_θ
 *
 * Same numbers as verl 0.9.1 (`compute_policy_loss_cispo`). TRL 1.16 clips only from above, at its epsilon_high itself:
 * that is `{clipLow: Infinity, clipHigh: epsilon_high - 1}`.
 */
import {
  boundedLogRatio,
  CLIPPED_HIGH,
  CLIPPED_LOW,
  emptyTokenLoss,
  LOG_RATIO_BOUND,
  type PolicyLoss,
} from "./token-loss";

/** Settings of {@link cispo}. */
export interface CispoOptions {
  /** ε_low; 1 or more means no lower bound. Default 0.2. */
  readonly clipLow?: number;
  /** ε_high. Default 0.28. */
  readonly clipHigh?: number;
}

/** The clipped-importance-weight loss. */
export function cispo(options: CispoOptions = {}): PolicyLoss {
  const { clipLow = 0.2, clipHigh = 0.28 } = options;
  return {
    name: "cispo",
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let i = 0; i < result.values.length; i++) {
        if (batch.mask[i] === 0) continue;
        const ratio = Math.exp(boundedLogRatio(batch.logProbs[i]! - batch.oldLogProbs[i]!, LOG_RATIO_BOUND).value);
        const weight = Math.min(Math.max(ratio, 1 - clipLow), 1 + clipHigh);
        result.gradient[i] = -weight * batch.advantages[i]!;
        result.values[i] = result.gradient[i]! * batch.logProbs[i]!;
        result.clipped[i] = ratio < weight ? CLIPPED_LOW : ratio > weight ? CLIPPED_HIGH : 0;
      }
      return result;
    },
  };
}
