/**
 * DPPO: drops a token when its *probability* (not its ratio) has moved too far in the direction its advantage pushes
 * (arXiv 2602.04879).
 *
 *   p = π_θ, q = π_old of the token;   D = p - q (tv)   or   D = q log(q/p) + (1-q) log((1-q)/(1-p)) (kl)
 *   tv:  keep while  D ≤ δ_high (A > 0),   D ≥ -δ_low (A ≤ 0)
 *   kl:  keep while  D ≤ δ_high or p ≤ q (A > 0),   D ≤ δ_low or p ≥ q (A ≤ 0)
 *   l = -A · sg[min(r, c)] · log π_θ · keep
 *
 * Same numbers as verl 0.9.1 (`compute_policy_loss_dppo_tv`, `compute_policy_loss_dppo_kl`; both with 1e-8 inside the
 * logarithm and log ratios bounded to ±20).
 */
import {
  boundedLogRatio,
  CLIPPED_HIGH,
  CLIPPED_LOW,
  CLIPPED_OUTER,
  emptyTokenLoss,
  LOG_RATIO_BOUND,
  type PolicyLoss,
} from "./token-loss";

/** Settings of {@link dppo}. */
export interface DppoOptions {
  /** How far a probability has moved: total variation or KL of the token against the rest. Default "tv". */
  readonly divergence?: "tv" | "kl";
  /** δ_low. Default 0.2. */
  readonly low?: number;
  /** δ_high. Default 0.28. */
  readonly high?: number;
  /** c: truncation of the importance ratio. Default 20. */
  readonly truncation?: number;
}

/** The divergence-bounded loss. CLIPPED_HIGH and CLIPPED_LOW mark dropped tokens of positive and other advantage. */
export function dppo(options: DppoOptions = {}): PolicyLoss {
  const { divergence = "tv", low = 0.2, high = 0.28, truncation = 20 } = options;
  return {
    name: `dppo-${divergence}`,
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let i = 0; i < result.values.length; i++) {
        if (batch.mask[i] === 0) continue;
        const advantage = batch.advantages[i]!;
        const logNew = batch.logProbs[i]!;
        const logOld = batch.oldLogProbs[i]!;
        const limit = advantage > 0 ? high : low;
        const keep =
          divergence === "tv"
            ? advantage > 0
              ? Math.exp(logNew) - Math.exp(logOld) <= limit
              : Math.exp(logNew) - Math.exp(logOld) >= -limit
            : binaryKl(logNew, logOld) <= limit || (advantage > 0 ? logNew <= logOld : logNew >= logOld);
        if (!keep) {
          result.clipped[i] = advantage > 0 ? CLIPPED_HIGH : CLIPPED_LOW;
          continue;
        }
        const ratio = Math.exp(boundedLogRatio(logNew - logOld, LOG_RATIO_BOUND).value);
        if (ratio > truncation) result.clipped[i] = CLIPPED_OUTER;
        result.gradient[i] = -advantage * Math.min(ratio, truncation);
        result.values[i] = result.gradient[i]! * logNew;
      }
      return result;
    },
  };
}

function binaryKl(logNew: number, logOld: number): number {
  const p = Math.exp(logNew);
  const q = Math.exp(logOld);
  return q * (logOld - logNew) + (1 - q) * Math.log((1 - q + 1e-8) / (1 - p + 1e-8));
}
