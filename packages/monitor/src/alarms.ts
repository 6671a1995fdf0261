/**
 * Alarms over metric records. Evaluating a rule on a series is a pure function; `createAlarmWatch` keeps the series it
 * needs, a bounded stretch of each, and tells an alarm when it begins.
 */
import type { AlarmRule } from "./alarm-rules";
import { DEFAULT_ALARM_RULES } from "./alarm-rules";
import type { MetricRecord } from "./metric-record";

/** A metric over the steps of a run, ascending. */
export type MetricSeries = readonly MetricPoint[];

export interface MetricPoint {
  readonly step: number;
  readonly value: number;
  /** Prompts that the value is the mean of. Without it the value counts as exact. */
  readonly prompts?: number;
  /** Standard deviation of what the value is the mean of. Default 0. */
  readonly spread?: number;
}

export interface Alarm {
  readonly rule: string;
  readonly severity: "warn" | "stop";
  /** The source or task; "all" for the whole step. */
  readonly name: string;
  readonly metric: string;
  readonly step: number;
  /** The first step at which the rule held without a break. */
  readonly since: number;
  /** What was seen, in a sentence. */
  readonly message: string;
  readonly advice: string;
}

/** Longest stretch of a series that a rule looks back on. */
const LOOK_BACK = 100;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const shown = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);

/** The mean of neighboring steps. */
interface Stretch {
  readonly value: number;
  /** Variance of the mean, by chance; 0 if its points state no prompts. */
  readonly noise: number;
  /** Index of its first point. */
  readonly start: number;
  /** The step of its last point. */
  readonly step: number;
}

/** The last `window` of the first `end` points, and more until they rest on enough prompts; undefined if too few do. */
function stretchBefore(series: MetricSeries, end: number, window: number, prompts: number): Stretch | undefined {
  let start = end;
  let total = 0;
  while (start > 0 && (end - start < window || total < prompts)) total += series[--start]!.prompts ?? Infinity;
  if (end - start < window || total < prompts) return undefined;
  const points = series.slice(start, end);
  const step = series[end - 1]!.step;
  const weights = points.map((point) => point.prompts ?? 1);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const mean = (of: (point: MetricPoint) => number): number =>
    points.reduce((all, point, i) => all + weights[i]! * of(point), 0) / sum;
  const value = mean((point) => point.value);
  if (prompts === 0 || !Number.isFinite(total)) return { value, noise: 0, start, step };
  // What differs within the steps and between them; the answers to one prompt count as one.
  const variance = mean((point) => (point.spread ?? 0) ** 2 + (point.value - value) ** 2);
  return { value, noise: variance / total, start, step };
}

/** A window of the rule, and if its source has few prompts longer ones, which show a smaller change. */
function stretchesAt(rule: AlarmRule, series: MetricSeries): { window: number; recent: Stretch }[] {
  const windows = rule.prompts === undefined ? [rule.window] : [1, 2, 4].map((times) => times * rule.window);
  return windows.flatMap((window) => {
    const recent = stretchBefore(series, series.length, window, rule.prompts ?? 0);
    return recent === undefined ? [] : [{ window, recent }];
  });
}

/** The most extreme stretch before `recent`. */
function extremeBefore(
  series: MetricSeries,
  { window, recent, prompts }: { readonly window: number; readonly recent: Stretch; readonly prompts: number },
  better: (a: number, b: number) => boolean,
): Stretch | undefined {
  let extreme: Stretch | undefined;
  for (let end = window; end <= recent.start; end += 1) {
    const stretch = stretchBefore(series, end, window, prompts);
    if (stretch !== undefined && (extreme === undefined || better(stretch.value, extreme.value))) extreme = stretch;
  }
  return extreme;
}

/** Standard errors that two means must be apart. The extreme of many means is compared, so two would be too few. */
const STANDARD_ERRORS = 3.5;

const isBeyondChance = (a: Stretch, b: Stretch): boolean =>
  Math.abs(a.value - b.value) > STANDARD_ERRORS * Math.sqrt(a.noise + b.noise);

/** What a rule sees at the end of a series, or null when it does not hold there. */
function look(rule: AlarmRule, series: MetricSeries): string | null {
  const last = series.at(-1);
  if (last === undefined || series.length < rule.window) return null;
  const prompts = rule.prompts ?? 0;
  switch (rule.shape) {
    case "above": {
      const recent = stretchBefore(series, series.length, rule.window, prompts);
      return recent !== undefined && recent.value > rule.limit
        ? `is ${shown(recent.value)}, over ${shown(rule.limit)}`
        : null;
    }
    case "fall":
      for (const { window, recent } of stretchesAt(rule, series)) {
        const best = extremeBefore(series, { window, recent, prompts }, (a, b) => a > b);
        if (best === undefined || best.value < rule.least || recent.value >= best.value * (1 - rule.share)) continue;
        if (isBeyondChance(best, recent))
          return `fell from ${shown(best.value)} around step ${best.step} to ${shown(recent.value)}`;
      }
      return null;
    case "rise":
      for (const { window, recent } of stretchesAt(rule, series)) {
        const lowest = extremeBefore(series, { window, recent, prompts }, (a, b) => a < b);
        if (lowest === undefined || recent.value < rule.least || recent.value <= lowest.value * rule.factor) continue;
        if (isBeyondChance(lowest, recent))
          return `rose from ${shown(lowest.value)} around step ${lowest.step} to ${shown(recent.value)}`;
      }
      return null;
    case "spike": {
      if (!Number.isFinite(last.value)) return `is ${shown(last.value)}`;
      const before = series
        .slice(0, -1)
        .slice(-rule.window)
        .filter((point) => Number.isFinite(point.value));
      if (before.length < rule.window) return null;
      const usual = median(before.map((point) => point.value));
      return last.value >= rule.least && last.value > usual * rule.factor
        ? `is ${shown(last.value)} where ${shown(usual)} was usual`
        : null;
    }
  }
}

/**
 * Evaluates one rule on one series.
 *
 * @param name the source or task that the series is of
 * @returns null when the rule does not hold at the last step
 */
export function evaluateAlarm(rule: AlarmRule, name: string, series: MetricSeries): Alarm | null {
  const recent = series.slice(-LOOK_BACK);
  const seen = look(rule, recent);
  if (seen === null) return null;
  let first = recent.length - 1;
  while (first > 0 && look(rule, recent.slice(0, first)) !== null) first -= 1;
  const { step } = recent.at(-1)!;
  const since = recent[first]!.step;
  return {
    rule: rule.name,
    severity: rule.severity,
    name,
    metric: rule.metric,
    step,
    since,
    message: `${rule.name}${name === "all" ? "" : ` in ${name}`}: ${rule.metric} ${seen}, since step ${since}.`,
    advice: rule.advice,
  };
}

/** On how much a mean rests, where the rule asks. */
function evidence({ metric, prompts }: AlarmRule, { metrics }: MetricRecord): Pick<MetricPoint, "prompts" | "spread"> {
  const count = metrics["group/count"];
  if (prompts === undefined || count === undefined) return {};
  const spread = metric.endsWith("/mean") ? metrics[metric.replace(/mean$/, "std")] : undefined;
  return { prompts: count, ...(spread === undefined ? {} : { spread }) };
}

export interface AlarmWatch {
  /**
   * Takes a step's records in.
   *
   * @returns the alarms that begin with it; one that goes on is not repeated, one that has ended may begin again
   */
  check(records: readonly MetricRecord[]): Alarm[];
}

/**
 * Watches a run's training records. A resumed run gives it its earlier records first and ignores what comes back.
 *
 * @example
 * const watch = createAlarmWatch();
 * for (const alarm of watch.check(records)) console.warn(alarm.message, alarm.advice);
 */
export function createAlarmWatch(rules: readonly AlarmRule[] = DEFAULT_ALARM_RULES): AlarmWatch {
  const series = new Map<string, MetricPoint[]>();
  const active = new Set<string>();
  return {
    check(records) {
      const alarms: Alarm[] = [];
      for (const record of records) {
        if (record.split !== "train") continue;
        for (const [index, rule] of rules.entries()) {
          const value = record.metrics[rule.metric];
          if (rule.scope !== record.scope || value === undefined) continue;
          const key = `${index} ${record.name}`;
          let points = series.get(key);
          if (points === undefined) series.set(key, (points = []));
          points.push({ step: record.step, value, ...evidence(rule, record) });
          if (points.length > LOOK_BACK) points.shift();
          const alarm = evaluateAlarm(rule, record.name, points);
          if (alarm !== null && !active.has(key)) alarms.push(alarm);
          if (alarm === null) active.delete(key);
          else active.add(key);
        }
      }
      return alarms;
    },
  };
}
