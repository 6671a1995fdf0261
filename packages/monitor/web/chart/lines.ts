/** The lines of a chart: joined over their steps, and cut to the steps that are shown. */
import type uPlot from "uplot";

export interface Line {
  readonly label: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/** A range of steps, both ends included. */
export type Stretch = readonly [from: number, to: number];

/** Lines over the union of their steps; where a line has no point of its own it is joined over the gap. */
export function align(lines: readonly Line[]): uPlot.AlignedData {
  const steps = [...new Set(lines.flatMap(({ steps: own }) => own))].sort((a, b) => a - b);
  const columns = lines.map((line) => {
    const byStep = new Map(line.steps.map((step, index) => [step, line.values[index] ?? null]));
    return steps.map((step) => (byStep.has(step) ? (byStep.get(step) as number | null) : undefined));
  });
  return [steps, ...columns] as unknown as uPlot.AlignedData;
}

/** First and last step. */
export function ends(lines: readonly Line[]): Stretch {
  return [
    Math.min(...lines.map(({ steps }) => steps[0] ?? Infinity)),
    Math.max(...lines.map(({ steps }) => steps.at(-1) ?? -Infinity)),
  ];
}

/** What several plots have room for, so that they can be compared. */
export interface Extent {
  readonly steps: Stretch;
  readonly values: readonly [low: number, high: number];
}

/** The steps and values of all lines; null without a value. */
export function extentOf(lines: readonly Line[]): Extent | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { values } of lines)
    for (const value of values) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  return low <= high ? { steps: ends(lines), values: [low, high] } : null;
}

/** A stretch moved by a number of steps, but not past the first or last step; its length stays. */
export function movedStretch([from, to]: Stretch, by: number, [first, last]: Stretch): Stretch {
  const start = Math.max(first, Math.min(last - (to - from), from + by));
  return [start, start + (to - from)];
}

/** Reduced lines in which the points of one stretch are replaced by all that were recorded there. */
export function withDetail(whole: readonly Line[], detail: readonly Line[], [from, to]: Stretch): Line[] {
  return whole.map((line) => {
    const fine = detail.find(({ label }) => label === line.label);
    if (fine === undefined) return line;
    const before = line.steps.filter((step) => step < from).length;
    const after = line.steps.findIndex((step) => step > to);
    const end = after < 0 ? line.steps.length : after;
    return {
      label: line.label,
      steps: [...line.steps.slice(0, before), ...fine.steps, ...line.steps.slice(end)],
      values: [...line.values.slice(0, before), ...fine.values, ...line.values.slice(end)],
    };
  });
}

/** The points of a stretch. */
export function within(line: Line, [from, to]: Stretch): Line {
  const inside = line.steps.map((step) => step >= from && step <= to);
  return {
    label: line.label,
    steps: line.steps.filter((_, index) => inside[index]),
    values: line.values.filter((_, index) => inside[index]),
  };
}
