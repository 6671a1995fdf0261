/**
 * The first index whose step is greater than `step`, or with `orAt` equal to it or greater. Without such an index, the
 * length. Steps ascend.
 */
export function firstAfter(steps: ArrayLike<number>, step: number, orAt = false): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orAt ? steps[middle]! >= step : steps[middle]! > step) high = middle;
    else low = middle + 1;
  }
  return low;
}
