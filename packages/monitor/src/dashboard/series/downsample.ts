/**
 * Fewer points that still look like the series. A 10,000-step chart is 1,000 pixels wide: what is not drawn need not
 * travel.
 *
 * minMax: the smallest and the largest value of each bucket; no spike is lost, which is what a chart of a training run
 * is read for. lttb: largest triangle three buckets (S. Steinarsson, "Downsampling Time Series for Visual
 * Representation", 2013): one point a bucket, that which spans the largest triangle with the point chosen before and
 * the mean of the next bucket; for sparklines. Long series are reduced to the extremes of four times as many buckets
 * first (MinMaxLTTB, arXiv 2305.00332): as good to the eye, and ten times as fast.
 *
 * Deviation: values that are not finite stay out of LTTB's areas; minMax keeps one of a bucket that has nothing else,
 * as a gap.
 */

import type { ReducedPoints } from "../dashboard-api";

/** A metric over steps; both arrays have the same length, steps ascend. */
export interface Points {
  readonly steps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

const jsonNumber = (value: number): number | null => (Number.isFinite(value) ? value : null);

function copy(points: Points, indexes: Iterable<number>): ReducedPoints {
  const steps: number[] = [];
  const values: (number | null)[] = [];
  for (const index of indexes) {
    steps.push(points.steps[index]!);
    values.push(jsonNumber(points.values[index]!));
  }
  return { steps, values };
}

/**
 * At most `limit` points: each bucket's extremes, in order of their steps. First and last point stay.
 *
 * @param limit at least 4
 */
export function minMax(points: Points, limit: number): ReducedPoints {
  return copy(points, minMaxIndexes(points, limit));
}

/** Where the smallest and the largest value of a bucket stand, the first of equal ones; -1 where no value is finite. */
function extremes(values: Points["values"], from: number, to: number): { low: number; high: number } {
  let low = -1;
  let high = -1;
  for (let index = from; index < to; index += 1) {
    const value = values[index]!;
    if (!Number.isFinite(value)) continue;
    if (low < 0 || value < values[low]!) low = index;
    if (high < 0 || value > values[high]!) high = index;
  }
  return { low, high };
}

/**
 * As {@link minMax} for lines that are drawn in one chart: a bucket's extremes stand at its first and its middle step,
 * in the order in which they came, so that lines over the same steps keep the same ones. Else 18 lines of 1,000 points
 * would make 18,000 places. What is moved is moved by less than a pixel; the stretch that is zoomed into comes as it
 * is.
 *
 * @param limit at least 4
 */
export function sharedMinMax(points: Points, limit: number): ReducedPoints {
  const { steps, values } = points;
  const { length } = steps;
  if (length <= limit)
    return copy(
      points,
      Array.from({ length }, (_, index) => index),
    );
  const buckets = limit >> 1;
  const reduced: ReducedPoints = { steps: [], values: [] };
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const from = Math.floor((bucket * length) / buckets);
    const to = Math.floor(((bucket + 1) * length) / buckets);
    const { low, high } = extremes(values, from, to);
    reduced.steps.push(steps[from]!);
    reduced.values.push(low < 0 ? null : values[Math.min(low, high)]!);
    if (to - from < 2) continue;
    // The last of all stays at its step, so that the line ends where the run does.
    reduced.steps.push(steps[bucket === buckets - 1 ? to - 1 : (from + to) >> 1]!);
    reduced.values.push(low < 0 ? null : values[Math.max(low, high)]!);
  }
  return reduced;
}

/** The indexes that {@link minMax} keeps, ascending. */
function minMaxIndexes({ steps, values }: Points, limit: number): number[] {
  const length = steps.length;
  if (length <= limit) return Array.from({ length }, (_, index) => index);
  const buckets = Math.max(1, (limit - 2) >> 1);
  const kept: number[] = [0];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const from = 1 + Math.floor((bucket * (length - 2)) / buckets);
    const to = 1 + Math.floor(((bucket + 1) * (length - 2)) / buckets);
    const { low, high } = extremes(values, from, to);
    if (low < 0) kept.push(from);
    else if (low === high) kept.push(low);
    else kept.push(Math.min(low, high), Math.max(low, high));
  }
  kept.push(length - 1);
  return kept;
}

/** Points a bucket that LTTB chooses from. */
const PRESELECTION = 8;

function pick({ steps, values }: Points, indexes: readonly number[]): Points {
  return { steps: indexes.map((index) => steps[index]!), values: indexes.map((index) => values[index]!) };
}

/**
 * At most `limit` points by LTTB; values that are not finite are left out.
 *
 * @param limit at least 3
 */
export function lttb(whole: Points, limit: number): ReducedPoints {
  const points =
    whole.steps.length > PRESELECTION * limit ? pick(whole, minMaxIndexes(whole, PRESELECTION * limit)) : whole;
  const finite: number[] = [];
  for (let index = 0; index < points.values.length; index += 1)
    if (Number.isFinite(points.values[index]!)) finite.push(index);
  if (finite.length <= limit) return copy(points, finite);
  const step = (at: number): number => points.steps[finite[at]!]!;
  const value = (at: number): number => points.values[finite[at]!]!;
  const last = finite.length - 1;
  const start = (bucket: number): number => 1 + Math.floor((bucket * (last - 1)) / (limit - 2));
  const chosen: number[] = [0];
  for (let bucket = 0; bucket < limit - 2; bucket += 1) {
    const from = start(bucket);
    const to = start(bucket + 1);
    const nextTo = Math.min(start(bucket + 2), last + 1);
    let meanStep = 0;
    let meanValue = 0;
    const nextFrom = Math.min(to, last);
    const nextCount = Math.max(1, nextTo - nextFrom);
    for (let at = nextFrom; at < nextFrom + nextCount; at += 1) {
      meanStep += step(at) / nextCount;
      meanValue += value(at) / nextCount;
    }
    const before = chosen.at(-1)!;
    let best = from;
    let bestArea = -1;
    for (let at = from; at < to; at += 1) {
      const area = Math.abs(
        (step(before) - meanStep) * (value(at) - value(before)) -
          (step(before) - step(at)) * (meanValue - value(before)),
      );
      if (area > bestArea) {
        bestArea = area;
        best = at;
      }
    }
    chosen.push(best);
  }
  chosen.push(last);
  return copy(
    points,
    chosen.map((at) => finite[at]!),
  );
}
