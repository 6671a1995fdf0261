/**
 * GAE(γ, λ) with a value function (arXiv 1506.02438), whitened over the batch as PPO does.
 *
 *   δ_t = r_t + γ V_{t+1} - V_t;    a_t = δ_t + γ λ a_{t+1};    returns = a + V;    A = whiten(a)
 *
 * Tokens outside the mask keep the value and the running sum of the next trained token. Same numbers as verl 0.9.1
 * (`compute_gae_advantage_return`); padding holds what the recursion leaves there, and no loss reads it.
 */
import { maskedWhiten } from "../masked-statistics";
import { checkGrid, type TokenAdvantages, type TokenGrid } from "./token-rewards";

/**
 * Generalized advantage estimates, flat [B · T].
 * @param values the critic's value before each token, flat [B · T]
 * @throws RangeError on a size mismatch or when fewer than two tokens are trained
 */
export function generalizedAdvantages(
  grid: TokenGrid,
  tokenRewards: ArrayLike<number>,
  values: ArrayLike<number>,
  options: { readonly gamma?: number; readonly lambda?: number } = {},
): TokenAdvantages {
  checkGrid(grid, { tokenRewards, values });
  const { gamma = 1, lambda = 1 } = options;
  const raw = new Float64Array(grid.rows * grid.width);
  for (let row = 0; row < grid.rows; row++) {
    let nextValue = 0;
    let running = 0;
    for (let t = grid.width - 1; t >= 0; t--) {
      const i = row * grid.width + t;
      if (grid.mask[i]! !== 0) {
        running = tokenRewards[i]! + gamma * nextValue - values[i]! + gamma * lambda * running;
        nextValue = values[i]!;
      }
      raw[i] = running;
    }
  }
  const returns = raw.map((advantage, i) => advantage + values[i]!);
  return { advantages: maskedWhiten(raw, grid.mask), returns };
}
