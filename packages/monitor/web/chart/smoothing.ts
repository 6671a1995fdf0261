/**
 * Smoothing of a noisy line: an exponential moving average whose weights are taken by steps, not by points, and add up
 * to one (each point's weight is weight^(steps since), divided by the sum of all of them so far, so that the beginning
 * is not drawn to 0). By steps, because a long run's line has points of unequal distance; W&B and TensorBoard smooth
 * the same way where all are equal.
 */
interface Points {
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/** Weights that the page offers; 0 shows what was recorded. */
export const SMOOTHINGS = [0, 0.6, 0.9, 0.97, 0.99] as const;

/**
 * What a reader has who chose nothing: a step of a run is noise, and what was recorded stays visible behind the line.
 */
export const USUAL_SMOOTHING = 0.6;

/** @param weight of the step before, 0 to below 1 */
export function smoothed<Line extends Points>(line: Line, weight: number): Line {
  if (weight === 0) return line;
  let total = 0;
  let weights = 0;
  let last = line.steps[0] ?? 0;
  const values = line.values.map((value, index) => {
    if (value === null) return null;
    const fade = weight ** (line.steps[index]! - last);
    last = line.steps[index]!;
    total = total * fade + value;
    weights = weights * fade + 1;
    return total / weights;
  });
  return { ...line, values };
}
