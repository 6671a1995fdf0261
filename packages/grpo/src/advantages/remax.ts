/**
 * ReMax: the baseline is the reward of the greedy answer to the same prompt (arXiv 2310.10505).
 *
 *   G_t = Σ_{s≥t} r_s;    A_t = G_t - b
 *
 * Same numbers as verl 0.9.1 (`compute_remax_outcome_advantage`).
 */
import { checkGrid, type TokenAdvantages, type TokenGrid } from "./token-rewards";

/**
 * ReMax advantages, flat [B · T].
 * @param baselines reward of the greedy answer of each row's prompt, [B]
 * @throws RangeError on a size mismatch
 */
export function remaxAdvantages(
  grid: TokenGrid,
  tokenRewards: ArrayLike<number>,
  baselines: ArrayLike<number>,
): TokenAdvantages {
  checkGrid(grid, { tokenRewards });
  if (baselines.length !== grid.rows) {
    throw new RangeError(`baselines must have one entry per row (${grid.rows}), found ${baselines.length}`);
  }
  const returns = new Float64Array(grid.rows * grid.width);
  const advantages = new Float64Array(grid.rows * grid.width);
  for (let row = 0; row < grid.rows; row++) {
    let running = 0;
    for (let t = grid.width - 1; t >= 0; t--) {
      const i = row * grid.width + t;
      if (grid.mask[i]! !== 0) running += tokenRewards[i]! * grid.mask[i]!;
      returns[i] = running;
      advantages[i] = running - baselines[row]! * grid.mask[i]!;
    }
  }
  return { advantages, returns };
}
