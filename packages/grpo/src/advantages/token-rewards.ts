/**
 * Rewards laid out over tokens, for the estimators that discount along a response (REINFORCE++, ReMax, GAE). All arrays
 * are flat [B · T], row after row.
 */

/** The shape and mask that token-level estimators share. */
export interface TokenGrid {
  readonly rows: number;
  readonly width: number;
  /** 1 for a trained token, 0 for padding or for tokens the model did not write, flat [B · T]. */
  readonly mask: ArrayLike<number>;
}

/** Advantages and returns of each token, flat [B · T]. */
export interface TokenAdvantages {
  readonly advantages: Float64Array;
  readonly returns: Float64Array;
}

/** @throws RangeError when an array does not have rows × width entries */
export function checkGrid(grid: TokenGrid, arrays: Readonly<Record<string, ArrayLike<number>>>): void {
  const size = grid.rows * grid.width;
  for (const [name, array] of Object.entries({ mask: grid.mask, ...arrays })) {
    if (array.length !== size) {
      throw new RangeError(`${name} must have ${grid.rows} × ${grid.width} = ${size} entries, found ${array.length}`);
    }
  }
}

/** Puts the reward of each response on its last trained token (on token 0 of an empty row), [B] → flat [B · T]. */
export function outcomeTokenRewards(grid: TokenGrid, rewards: ArrayLike<number>): Float64Array {
  const result = new Float64Array(grid.rows * grid.width);
  for (let row = 0; row < grid.rows; row++) {
    let last = 0;
    for (let t = 0; t < grid.width; t++) if (grid.mask[row * grid.width + t]! !== 0) last = t;
    result[row * grid.width + last] = rewards[row]!;
  }
  return result;
}
