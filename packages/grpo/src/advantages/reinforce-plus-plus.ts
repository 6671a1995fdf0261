/**
 * REINFORCE++ (arXiv 2501.03262): no group baseline, the batch itself normalizes.
 *
 *   plain      G_t = r_t + γ G_{t+1};                 A = whiten(G)      over all trained tokens of the batch
 *   baseline   s_i = r_i - group mean, on each token;  A = whiten(s)
 *
 * Whitening uses the batch mean and sample variance (masked-statistics.ts). Tokens outside the mask are passed over: a
 * reward behind them still reaches the tokens before them. Same numbers as verl 0.9.1.
 */
import { maskedWhiten } from "../masked-statistics";
import { meanOf, scoredGroups, type GroupId, type Reward } from "./groups";
import { checkGrid, type TokenAdvantages, type TokenGrid } from "./token-rewards";

/**
 * REINFORCE++ advantages from token rewards, flat [B · T].
 * @param gamma discount per token. Default 1
 * @throws RangeError on a size mismatch or when fewer than two tokens are trained
 */
export function reinforcePlusPlusAdvantages(
  grid: TokenGrid,
  tokenRewards: ArrayLike<number>,
  gamma = 1,
): TokenAdvantages {
  checkGrid(grid, { tokenRewards });
  const returns = new Float64Array(grid.rows * grid.width);
  for (let row = 0; row < grid.rows; row++) {
    let running = 0;
    for (let t = grid.width - 1; t >= 0; t--) {
      const i = row * grid.width + t;
      if (grid.mask[i] === 0) continue;
      running = tokenRewards[i]! + gamma * running;
      returns[i] = running;
    }
  }
  return { advantages: selected(maskedWhiten(returns, grid.mask), grid.mask), returns };
}

/**
 * REINFORCE++-baseline advantages, [B] rewards → flat [B · T]. Unscored rows are left out of group means and of the
 * batch statistics.
 * @param options.singleton what a lone scored rollout's raw advantage is before whitening: its reward (verl) or 0
 *   (default)
 * @throws RangeError on a size mismatch or when fewer than two tokens are trained
 */
export function reinforcePlusPlusBaselineAdvantages(
  grid: TokenGrid,
  rewards: ArrayLike<Reward>,
  groups: ArrayLike<GroupId>,
  options: { readonly singleton?: "zero" | "reward" } = {},
): Float64Array {
  checkGrid(grid, {});
  const scores = new Float64Array(grid.rows * grid.width);
  const mask = new Float64Array(grid.rows * grid.width);
  for (const group of scoredGroups(rewards, groups)) {
    const lone = group.rows.length === 1;
    const mean = lone && options.singleton === "reward" ? 0 : meanOf(group.rewards);
    group.rows.forEach((row, k) => {
      for (let i = row * grid.width; i < (row + 1) * grid.width; i++) {
        mask[i] = grid.mask[i]!;
        scores[i] = (group.rewards[k]! - mean) * grid.mask[i]!;
      }
    });
  }
  return selected(maskedWhiten(scores, mask), mask);
}

function selected(values: Float64Array, mask: ArrayLike<number>): Float64Array {
  return values.map((value, i) => (mask[i] === 0 ? 0 : value * mask[i]!));
}
