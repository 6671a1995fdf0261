/**
 * The steps of two windows as units, from a run's metrics: for runs that store no rollouts, or not those of every step.
 * A step's mean weighs as much as the number of rollouts that it is the mean of.
 */
import type { ChangeWindows } from "../dashboard-api";
import type { MetricStream } from "../series/metric-streams";
import type { Points } from "../series/downsample";
import { firstAfter } from "../series/step-search";
import { isWithin } from "./change-windows";
import { UNIT_STRIDE, type Unit } from "./mean-change";
import { CHANGE_METRICS } from "./compared-metrics";

/** Rollouts that a metric is the mean of: the scored ones for what a verdict gives, else all. */
const COUNTS = ["verdict/scored", "verdict/scored", "rollouts/count", "rollouts/count", "rollouts/count"] as const;

export interface StepUnits {
  readonly units: readonly Unit[];
  /** Rollouts in each window; null where the run does not record them. */
  readonly rollouts: { readonly before: number | null; readonly after: number | null };
  readonly steps: { readonly before: number; readonly after: number };
}

/** What a series has at a step. */
function valueAt(series: Points | undefined): (step: number) => number | undefined {
  if (series === undefined) return () => undefined;
  const { steps, values } = series;
  return (step) => {
    const index = firstAfter(steps, step, true);
    return steps[index] === step ? values[index] : undefined;
  };
}

/** The units of a source, a task or all. */
export function stepUnits({ metrics }: MetricStream, { before, after }: ChangeWindows): StepUnits {
  const rolloutsAt = valueAt(metrics.get("rollouts/count"));
  const byStep = new Map<number, Unit>();
  const rollouts = [0, 0];
  const stepCounts = [0, 0];
  let isCounted = true;
  for (const [index, { metric }] of CHANGE_METRICS.entries()) {
    const series = metrics.get(metric);
    if (series === undefined) continue;
    const countAt = valueAt(metrics.get(COUNTS[index]!));
    const { steps, values } = series;
    for (const [position, step] of steps.entries()) {
      const side = isWithin(step, before) ? 0 : isWithin(step, after) ? 1 : undefined;
      const value = values[position]!;
      if (side === undefined || !Number.isFinite(value)) continue;
      let unit = byStep.get(step);
      if (unit === undefined) {
        byStep.set(step, (unit = new Float64Array(CHANGE_METRICS.length * UNIT_STRIDE)));
        stepCounts[side]! += 1;
        const all = rolloutsAt(step);
        if (all === undefined) isCounted = false;
        else rollouts[side]! += all;
      }
      const weight = countAt(step) ?? rolloutsAt(step) ?? 1;
      unit[index * UNIT_STRIDE + 2 * side] = weight * value;
      unit[index * UNIT_STRIDE + 2 * side + 1] = weight;
    }
  }
  return {
    units: [...byStep.values()],
    rollouts: { before: isCounted ? rollouts[0]! : null, after: isCounted ? rollouts[1]! : null },
    steps: { before: stepCounts[0]!, after: stepCounts[1]! },
  };
}
