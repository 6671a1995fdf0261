/**
 * Exact quantiles of whole numbers (tokens of an answer) by counting each: memory grows with the different lengths, of
 * which the longest answer allows a few thousand, and neither with the rollouts nor with the run. A sketch (DDSketch,
 * t-digest) would need as many bins for an answer to the token, and give an approximate one.
 */
export class CountedValues {
  readonly #counts = new Map<number, number>();
  #count = 0;

  add(value: number, times = 1): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + times);
    this.#count += times;
  }

  merge(other: CountedValues): void {
    for (const [value, times] of other.#counts) this.add(value, times);
  }

  /**
   * The values below which the shares lie, linearly interpolated between neighbors (numpy's default).
   *
   * @param shares from 0 to 1, ascending
   * @returns one a share; none when nothing was counted
   */
  quantiles(shares: readonly number[]): number[] {
    if (this.#count === 0) return [];
    const values = [...this.#counts.keys()].sort((a, b) => a - b);
    let index = 0;
    let upTo = this.#counts.get(values[0]!)!;
    /** The value at a place among all, sorted; places ascend. */
    const at = (place: number): number => {
      while (place >= upTo) upTo += this.#counts.get(values[(index += 1)]!)!;
      return values[index]!;
    };
    return shares.map((share) => {
      const place = (this.#count - 1) * share;
      const low = at(Math.floor(place));
      if (Number.isInteger(place)) return low;
      const [keptIndex, keptUpTo] = [index, upTo];
      const high = at(Math.floor(place) + 1);
      [index, upTo] = [keptIndex, keptUpTo];
      return low + (high - low) * (place - Math.floor(place));
    });
  }
}
