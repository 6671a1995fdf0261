import type { Points } from "./downsample";

/**
 * What a metric of single steps adds up to, from 0 at the step before the first. A value stands for the steps since the
 * one before it: trainers log every k-th step, and long series are thinned. A value that is not finite adds nothing.
 */
export function runningSum(
  series: Points | undefined,
): { readonly steps: Float64Array; readonly values: Float64Array } | undefined {
  if (series === undefined || series.steps.length === 0) return undefined;
  const { length } = series.steps;
  const steps = new Float64Array(length + 1);
  const values = new Float64Array(length + 1);
  const firstGap = length > 1 ? series.steps[1]! - series.steps[0]! : 1;
  steps[0] = Math.max(0, series.steps[0]! - firstGap);
  for (let index = 0; index < length; index += 1) {
    const step = series.steps[index]!;
    const value = series.values[index]!;
    steps[index + 1] = step;
    values[index + 1] = values[index]! + (Number.isFinite(value) ? value * (step - steps[index]!) : 0);
  }
  return { steps, values };
}
