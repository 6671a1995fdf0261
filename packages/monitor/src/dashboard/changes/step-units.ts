/**
 * The steps of two windows as units, from a run's metrics: for runs that store no rollouts, or not those of every step.
 * A step's mean weighs as much as the number of rollouts that it is the mean of.
 */
import type { ChangeWindows } from "../dashboard-api";
import type { MetricStream } from "../series/metric-streams";
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

/** The units of a source, a task or all. */
export function stepUnits({ metrics }: MetricStream, { before, after }: ChangeWindows): StepUnits {
  const at = (metric: string, step: number): number | undefined => {
    const series = metrics.get(metric);
    if (series === undefined) return undefined;
    const index = firstAfter(series.steps, step, true);
    return series.steps[index] === step ? series.values[index] : undefined;
  };
  const byStep = new Map<number, Unit>();
  const rollouts = [0, 0];
  const stepCounts = [0, 0];
  let isCounted = true;
  for (const [index, { metric }] of CHANGE_METRICS.entries()) {
    const series = metrics.get(metric);
    if (series === undefined) continue;
    for (const [position, step] of series.steps.entries()) {
      const side = isWithin(step, before) ? 0 : isWithin(step, after) ? 1 : undefined;
      const value = series.values[position]!;
      if (side === undefined || !Number.isFinite(value)) continue;
      let unit = byStep.get(step);
      if (unit === undefined) {
        byStep.set(step, (unit = new Float64Array(CHANGE_METRICS.length * UNIT_STRIDE)));
        stepCounts[side]! += 1;
        const all = at("rollouts/count", step);
        if (all === undefined) isCounted = false;
        else rollouts[side]! += all;
      }
      const weight = at(COUNTS[index]!, step) ?? at("rollouts/count", step) ?? 1;
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
