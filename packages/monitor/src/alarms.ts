/**
 * Alarms over metric records. Evaluating a rule on a series is a pure function; `createAlarmWatch` keeps the series it
 * needs, a bounded stretch of each, and tells an alarm when it begins.
 */
import type { AlarmRule } from "./alarm-rules";
import { DEFAULT_ALARM_RULES } from "./alarm-rules";
import type { MetricRecord } from "./metric-record";

/** A metric over the steps of a run, ascending. */
export type MetricSeries = readonly { readonly step: number; readonly value: number }[];

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

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const shown = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);

/** The most extreme mean of `window` neighboring values, with the step of its last one. */
function extremeMean(
  series: MetricSeries,
  window: number,
  better: (a: number, b: number) => boolean,
): { value: number; step: number } | undefined {
  let extreme: { value: number; step: number } | undefined;
  for (let end = window; end <= series.length; end += 1) {
    const value = mean(series.slice(end - window, end).map((point) => point.value));
    if (extreme === undefined || better(value, extreme.value)) extreme = { value, step: series[end - 1]!.step };
  }
  return extreme;
}

/** What a rule sees at the end of a series, or null when it does not hold there. */
function look(rule: AlarmRule, series: MetricSeries): string | null {
  const last = series.at(-1);
  if (last === undefined || series.length < rule.window) return null;
  const recent = mean(series.slice(-rule.window).map((point) => point.value));
  const earlier = series.slice(0, -rule.window);
  switch (rule.shape) {
    case "above":
      return recent > rule.limit ? `is ${shown(recent)}, over ${shown(rule.limit)}` : null;
    case "fall": {
      const best = extremeMean(earlier, rule.window, (a, b) => a > b);
      if (best === undefined || best.value < rule.least || recent >= best.value * (1 - rule.share)) return null;
      return `fell from ${shown(best.value)} around step ${best.step} to ${shown(recent)}`;
    }
    case "rise": {
      const lowest = extremeMean(earlier, rule.window, (a, b) => a < b);
      if (lowest === undefined || recent < rule.least || recent <= lowest.value * rule.factor) return null;
      return `rose from ${shown(lowest.value)} around step ${lowest.step} to ${shown(recent)}`;
    }
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
  const series = new Map<string, { step: number; value: number }[]>();
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
          points.push({ step: record.step, value });
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
