/**
 * DRO: the policy gradient with a quadratic pull back to the old policy (direct reward optimization, arXiv 2405.19107).
 *
 *   l = -(A log π_θ - (β/2) (log π_θ - log π_old)²)
 *
 * Same numbers as verl 0.9.1 (`compute_policy_loss_dro`).
 */
import { emptyTokenLoss, type PolicyLoss } from "./token-loss";

/**
 * The quadratic-penalty loss.
 * @param beta strength of the pull, above 0
 * @throws RangeError when beta is not above 0
 */
export function dro(beta: number): PolicyLoss {
  if (!(beta > 0)) throw new RangeError(`beta must be above 0, found ${beta}`);
  return {
    name: "dro",
    pullsWithoutAdvantage: true,
    evaluate(batch) {
      const result = emptyTokenLoss(batch);
      for (let i = 0; i < result.values.length; i++) {
        if (batch.mask[i] === 0) continue;
        const advantage = batch.advantages[i]!;
        const logRatio = batch.logProbs[i]! - batch.oldLogProbs[i]!;
        result.values[i] = -(batch.logProbs[i]! * advantage - 0.5 * beta * logRatio ** 2);
        result.gradient[i] = -(advantage - beta * logRatio);
      }
      return result;
    },
  };
}
