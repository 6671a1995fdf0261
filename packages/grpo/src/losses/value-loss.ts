/**
 * PPO's clipped value loss, for training a critic beside the policy (arXiv 1707.06347; GAE needs one).
 *
 *   l = 0.5 max((v - G)², (clip(v, v_old - ε, v_old + ε) - G)²)
 *
 * Same numbers as verl 0.9.1 (`compute_value_loss`); the derivative at a tie follows torch (half of each side).
 */
import { CLIPPED_HIGH, emptyTokenLoss, type TokenLoss } from "./token-loss";
import type { TokenGrid } from "../advantages/token-rewards";

/**
 * The value loss by token and its derivative by the predicted value, flat [B · T]; CLIPPED_HIGH marks clipped tokens.
 * @param clip ε. Default 0.2
 */
export function valueLoss(
  grid: TokenGrid,
  predicted: ArrayLike<number>,
  old: ArrayLike<number>,
  returns: ArrayLike<number>,
  clip = 0.2,
): TokenLoss {
  const result = emptyTokenLoss({ ...grid, logProbs: predicted, oldLogProbs: old, advantages: returns });
  for (let i = 0; i < result.values.length; i++) {
    if (grid.mask[i] === 0) continue;
    const v = predicted[i]!;
    const kept = Math.min(Math.max(v, old[i]! - clip), old[i]! + clip);
    const free = (v - returns[i]!) ** 2;
    const bounded = (kept - returns[i]!) ** 2;
    const freeSlope = v - returns[i]!;
    const boundedSlope = kept === v ? freeSlope : 0;
    result.values[i] = 0.5 * Math.max(free, bounded);
    result.gradient[i] = free > bounded ? freeSlope : bounded > free ? boundedSlope : (freeSlope + boundedSlope) / 2;
    if (bounded > free) result.clipped[i] = CLIPPED_HIGH;
  }
  return result;
}
