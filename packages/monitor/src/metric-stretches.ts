/**
 * Means over neighboring steps of a metric, and the chance that is in them: what alarms compare. Every mean takes
 * constant time from running sums, because an alarm looks at hundreds of them at each step.
 */

/** A metric over the steps of a run, ascending. */
export type MetricSeries = readonly MetricPoint[];

export interface MetricPoint {
  readonly step: number;
  readonly value: number;
  /** Prompts that the value is the mean of. Without it the value counts as a step's. */
  readonly prompts?: number;
  /** Standard deviation of what the value is the mean of. Default 0. */
  readonly spread?: number;
}

/** The mean of neighboring steps. */
export interface Stretch {
  readonly value: number;
  /** Variance of what the mean is taken of: a prompt's value, or a step's if the points state no prompts. */
  readonly variance: number;
  /** Prompts (or steps) that it rests on; Infinity for a value that counts as exact. */
  readonly size: number;
  /** Whether its points state their prompts. */
  readonly isOfPrompts: boolean;
  /** Index of its first point. */
  readonly start: number;
  /** The step of its last point. */
  readonly step: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The noise of a series from the differences of its neighbors, which a trend or a single jump hardly moves. */
function differenceVariance(series: MetricSeries): number {
  const squares = series.slice(1).map(({ value }, index) => (value - series[index]!.value) ** 2);
  return squares.reduce((sum, square) => sum + square, 0) / (2 * Math.max(1, squares.length));
}

/** The stretches of a series; values that are not finite are left out. */
export class MetricStretches {
  readonly #points: MetricSeries;
  readonly #prompts: number;
  /** Of each step's value by chance, for steps that do not state their prompts. */
  readonly #stepVariance: number;
  readonly #statesPrompts: boolean;
  /** Sums over the first n points: of weights, of weight × value, of weight × (value² + spread²). */
  readonly #sums: readonly [weight: Float64Array, value: Float64Array, square: Float64Array];

  /** @param prompts that a mean must rest on; 0: every value counts as exact */
  constructor(series: MetricSeries, prompts: number) {
    this.#points = series.filter(({ value }) => Number.isFinite(value));
    this.#prompts = prompts;
    this.#statesPrompts = prompts > 0 && this.#points.every((point) => point.prompts !== undefined);
    this.#stepVariance = prompts > 0 && !this.#statesPrompts ? differenceVariance(this.#points) : 0;
    const length = this.#points.length + 1;
    this.#sums = [new Float64Array(length), new Float64Array(length), new Float64Array(length)];
    const [weights, values, squares] = this.#sums;
    for (const [index, point] of this.#points.entries()) {
      const weight = this.#statesPrompts ? point.prompts! : 1;
      weights[index + 1] = weights[index]! + weight;
      values[index + 1] = values[index]! + weight * point.value;
      squares[index + 1] = squares[index]! + weight * (point.value ** 2 + (point.spread ?? 0) ** 2);
    }
  }

  /** Number of points. */
  get length(): number {
    return this.#points.length;
  }

  /**
   * The last `window` of the first `end` points, and more until they rest on enough prompts.
   *
   * @returns undefined if too few do
   */
  before(end: number, window: number): Stretch | undefined {
    const start = this.#startOf(end, window);
    if (start < 0) return undefined;
    const [weights, , squares] = this.#sums;
    const total = weights[end]! - weights[start]!;
    const value = this.#mean(start, end);
    const { step } = this.#points[end - 1]!;
    const place = { value, isOfPrompts: this.#statesPrompts, start, step };
    if (this.#prompts === 0) return { ...place, variance: 0, size: Infinity };
    if (!this.#statesPrompts) return { ...place, variance: this.#stepVariance, size: end - start };
    // What differs within the steps and between them; the answers to one prompt count as one.
    const variance = Math.max(0, (squares[end]! - squares[start]!) / total - value ** 2);
    return { ...place, variance, size: total };
  }

  /** The stretch of `window` points, before the given one, whose mean is the most extreme. */
  extremeBefore(start: number, window: number, isMore: (a: number, b: number) => boolean): Stretch | undefined {
    let extreme: { readonly value: number; readonly end: number } | undefined;
    for (let end = window; end <= start; end += 1) {
      const first = this.#startOf(end, window);
      if (first < 0) continue;
      const value = this.#mean(first, end);
      if (extreme === undefined || isMore(value, extreme.value)) extreme = { value, end };
    }
    return extreme && this.before(extreme.end, window);
  }

  /** Where the stretch of at least `window` points that ends before `end` starts; -1 if too few prompts are there. */
  #startOf(end: number, window: number): number {
    const [weights] = this.#sums;
    const needed = this.#statesPrompts ? this.#prompts : 0;
    let start = end - window;
    while (start > 0 && weights[end]! - weights[start]! < needed) start -= 1;
    if (start < 0) return -1;
    const total = weights[end]! - weights[start]!;
    return total < needed || total <= 0 ? -1 : start;
  }

  #mean(start: number, end: number): number {
    const [weights, values] = this.#sums;
    return (values[end]! - values[start]!) / (weights[end]! - weights[start]!);
  }
}
