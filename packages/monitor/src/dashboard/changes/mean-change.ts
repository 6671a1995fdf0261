/**
 * How much a mean changed between two windows of a run, and how far chance alone could have moved it.
 *
 *   change = Σ_u sumAfter_u / Σ_u countAfter_u − Σ_u sumBefore_u / Σ_u countBefore_u
 *
 * over units u: the prompts of the two windows, each with the sum over its rollouts and their number, so that the mean
 * weighs every rollout alike. The interval and the standard error come from a cluster bootstrap (A. Davison, D.
 * Hinkley, "Bootstrap Methods and Their Application", 1997, §3.8; the interval is the percentile one): units are drawn
 * with replacement, because the answers to one prompt resemble each other. A prompt that recurs in both windows is one
 * unit, so what makes it hard cancels in the difference.
 *
 * Deviations: units are drawn within three strata (only before, only after, both), which keeps the size of each window;
 * a stratum of more than 256 units is first put together into 256 of several prompts, which changes the interval's
 * expected width by nothing and bounds the time.
 */
import { seededRandom } from "../../seeded-random";

/** Sum and count of every metric in both windows: [metrics × (sumBefore, countBefore, sumAfter, countAfter)]. */
export type Unit = Float64Array;

/** Numbers of a unit for each metric. */
export const UNIT_STRIDE = 4;

export interface MeanChange {
  /** Mean before; null without a value. */
  readonly before: number | null;
  readonly after: number | null;
  /** null where a window has no value. */
  readonly change: number | null;
  /** Standard error of `change`; null where there is none. */
  readonly error: number | null;
  /** Ends of the 95% interval of `change`. */
  readonly low: number | null;
  readonly high: number | null;
  /** Units with a value. */
  readonly unitsBefore: number;
  readonly unitsAfter: number;
}

export interface BootstrapOptions {
  /** Default 1,000. */
  readonly resamples?: number;
  /** Default 1. */
  readonly seed?: number;
}

const MOST_UNITS = 256;
/** Of the interval: a twentieth of the resamples lies outside. */
const TAIL = 0.025;

const isIn = (unit: Unit, offset: 1 | 3): boolean => {
  for (let index = offset; index < unit.length; index += UNIT_STRIDE) if (unit[index]! > 0) return true;
  return false;
};

/** Some units of a kind, column by column. */
interface Stratum {
  /** Columns of a unit that are not zero throughout. */
  readonly columns: readonly number[];
  /** The units' values of each of these columns. */
  readonly totals: readonly Float64Array[];
  readonly size: number;
}

/** At most 256 units of a stratum; further ones are added to those, in random order: ids may follow a pattern. */
function stratumOf(members: readonly Unit[], width: number, random: () => number): Stratum {
  const units = members.length > MOST_UNITS ? shuffled(members, random) : members;
  const columns = Array.from({ length: width }, (_, column) => column).filter((column) =>
    units.some((unit) => unit[column] !== 0),
  );
  const size = Math.min(MOST_UNITS, units.length);
  const totals = columns.map((column) => {
    const sums = new Float64Array(size);
    for (const [index, unit] of units.entries()) sums[index % size]! += unit[column]!;
    return sums;
  });
  return { columns, totals, size };
}

function shuffled(units: readonly Unit[], random: () => number): Unit[] {
  const order = [...units];
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}

/** Adds `size` units of a stratum, drawn with replacement, to the sums of their columns. */
function drawInto(sums: Float64Array, { columns, totals, size }: Stratum, random: () => number): void {
  const times = new Float64Array(size);
  for (let draw = 0; draw < size; draw += 1) times[Math.floor(random() * size)]! += 1;
  for (let place = 0; place < columns.length; place += 1) {
    const column = totals[place]!;
    let sum = 0;
    for (let unit = 0; unit < size; unit += 1) sum += times[unit]! * column[unit]!;
    sums[columns[place]!]! += sum;
  }
}

const ratio = (sum: number, count: number): number | null => (count > 0 ? sum / count : null);

function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  return low + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - low);
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/**
 * The change of each metric of some units.
 *
 * @param metrics number of metrics that a unit holds
 */
export function meanChanges(units: readonly Unit[], metrics: number, options: BootstrapOptions = {}): MeanChange[] {
  const { resamples = 1_000, seed = 1 } = options;
  const width = metrics * UNIT_STRIDE;
  const inBefore = units.map((unit) => isIn(unit, 1));
  const inAfter = units.map((unit) => isIn(unit, 3));
  const random = seededRandom(seed);
  const strata = [
    units.filter((_, index) => inBefore[index] && !inAfter[index]),
    units.filter((_, index) => inAfter[index] && !inBefore[index]),
    units.filter((_, index) => inBefore[index] && inAfter[index]),
  ].flatMap((members) => (members.length === 0 ? [] : [stratumOf(members, width, random)]));

  const drawn = Array.from({ length: metrics }, () => new Float64Array(resamples));
  const kept = new Int32Array(metrics);
  const sums = new Float64Array(width);
  for (let resample = 0; resample < resamples; resample += 1) {
    sums.fill(0);
    for (const stratum of strata) drawInto(sums, stratum, random);
    for (let metric = 0; metric < metrics; metric += 1) {
      const at = metric * UNIT_STRIDE;
      // A draw may miss all of a metric's few values.
      if (sums[at + 1]! > 0 && sums[at + 3]! > 0)
        drawn[metric]![kept[metric]!++] = sums[at + 2]! / sums[at + 3]! - sums[at]! / sums[at + 1]!;
    }
  }

  return Array.from({ length: metrics }, (_, metric): MeanChange => {
    const at = metric * UNIT_STRIDE;
    const total = (column: number): number => units.reduce((sum, unit) => sum + unit[at + column]!, 0);
    const before = ratio(total(0), total(1));
    const after = ratio(total(2), total(3));
    const changes = drawn[metric]!.subarray(0, kept[metric]).sort();
    const hasChange = before !== null && after !== null && changes.length > 0;
    return {
      before,
      after,
      change: before === null || after === null ? null : after - before,
      error: hasChange ? deviation(changes) : null,
      low: hasChange ? quantile(changes, TAIL) : null,
      high: hasChange ? quantile(changes, 1 - TAIL) : null,
      unitsBefore: units.filter((unit) => unit[at + 1]! > 0).length,
      unitsAfter: units.filter((unit) => unit[at + 3]! > 0).length,
    };
  });
}
