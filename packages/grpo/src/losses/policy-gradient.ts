/**
 * The plain policy gradient, without a ratio: REINFORCE, and GPG's loss (arXiv 2504.02546).
 *
 *   l = -A log π_θ
 *
 * With A = 1 it is the cross-entropy of the tokens: supervised training takes the same path. Same numbers as verl 0.9.1
 * (`compute_policy_loss_gpg`).
 */
import { emptyTokenLoss, type PolicyLoss } from "./token-loss";

/** The loss -A log π_θ; old log-probabilities are not used. */
export function policyGradient(): PolicyLoss {
  return {
    name: "policy-gradient",
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let i = 0; i < result.values.length; i++) {
        if (batch.mask[i] === 0) continue;
        result.values[i] = -batch.advantages[i]! * batch.logProbs[i]!;
        result.gradient[i] = -batch.advantages[i]!;
      }
      return result;
    },
  };
}
