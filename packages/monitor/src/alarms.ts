/**
 * Alarms over metric records. Evaluating a rule on a series is a pure function; `createAlarmWatch` keeps the series it
 * needs, a bounded stretch of each, and tells an alarm when it begins.
 */
import type { AlarmRule } from "./alarm-rules";
import { DEFAULT_ALARM_RULES } from "./alarm-rules";
import type { MetricRecord } from "./metric-record";
import { median, MetricStretches, type MetricPoint, type MetricSeries, type Stretch } from "./metric-stretches";

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

const shown = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);

/**
 * Standard errors that two means must be apart. The extreme of many means is compared, in many sources and at every
 * step, so two would be too few.
 */
const STANDARD_ERRORS = 4.5;
/** The same for an alarm that is already raised: a mean near the border of chance is one alarm, not several. */
const ERRORS_TO_GO_ON = 2;
/** Standard errors that a mean must be over a limit. */
const LIMIT_ERRORS = 2;

/**
 * Both means have the larger variance of the two: a stretch in which all prompts failed by chance looks as if there
 * were no chance.
 */
const isBeyondChance = (a: Stretch, b: Stretch, errors: number): boolean =>
  Math.abs(a.value - b.value) > errors * Math.sqrt(Math.max(a.variance, b.variance) * (1 / a.size + 1 / b.size));

/** A share of prompts varies at least as one that is at the limit: 20 of 20 may be chance where 19 of 20 are usual. */
function isOver({ value, variance, size, isOfPrompts }: Stretch, limit: number): boolean {
  const atLimit = isOfPrompts && limit > 0 && limit < 1 ? limit * (1 - limit) : 0;
  return value > limit + LIMIT_ERRORS * Math.sqrt(Math.max(variance, atLimit) / size);
}

/** Stretches of how many times the rule's window are compared: longer ones show smaller changes. */
const STRETCHES = [1, 2, 4];

/**
 * The first pair of an earlier stretch, the most extreme of its length, and the latest one that differ as the rule says
 * and by more than chance; undefined without one.
 */
function change(
  rule: AlarmRule,
  series: MetricSeries,
  {
    isMore,
    holds,
    errors,
  }: {
    /** Which of two earlier means is compared. */
    readonly isMore: (a: number, b: number) => boolean;
    readonly holds: (earlier: number, recent: number) => boolean;
    readonly errors: number;
  },
): { readonly earlier: Stretch; readonly recent: Stretch } | undefined {
  const stretches = new MetricStretches(series, rule.prompts ?? 0);
  const windows = (rule.prompts === undefined ? [1] : STRETCHES).map((times) => times * rule.window);
  for (const window of windows) {
    const recent = stretches.before(stretches.length, window);
    if (recent === undefined) continue;
    for (const earlierWindow of windows) {
      if (earlierWindow < window) continue;
      const earlier = stretches.extremeBefore(recent.start, earlierWindow, isMore);
      if (earlier !== undefined && holds(earlier.value, recent.value) && isBeyondChance(earlier, recent, errors))
        return { earlier, recent };
    }
  }
  return undefined;
}

/** What a rule sees at the end of a series, or null when it does not hold there. */
function look(rule: AlarmRule, series: MetricSeries, errors: number = STANDARD_ERRORS): string | null {
  const last = series.at(-1);
  if (last === undefined || series.length < rule.window) return null;
  switch (rule.shape) {
    case "above": {
      const stretches = new MetricStretches(series, rule.prompts ?? 0);
      const recent = stretches.before(stretches.length, rule.window);
      return recent !== undefined && isOver(recent, rule.limit)
        ? `is ${shown(recent.value)}, over ${shown(rule.limit)}`
        : null;
    }
    case "fall": {
      const found = change(rule, series, {
        isMore: (a, b) => a > b,
        holds: (earlier, recent) => earlier >= rule.least && recent < earlier * (1 - rule.share),
        errors,
      });
      return found === undefined
        ? null
        : `fell from ${shown(found.earlier.value)} around step ${found.earlier.step} to ${shown(found.recent.value)}`;
    }
    case "rise": {
      const found = change(rule, series, {
        isMore: (a, b) => a < b,
        holds: (earlier, recent) => recent >= rule.least && recent > earlier * rule.factor,
        errors,
      });
      return found === undefined
        ? null
        : `rose from ${shown(found.earlier.value)} around step ${found.earlier.step} to ${shown(found.recent.value)}`;
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

/** Standard deviation of what is 1 for this share of the answers and 0 for the others. */
const shareSpread = (share: number): number => Math.sqrt(Math.max(0, share * (1 - share)));

/** Whether an alarm that was raised goes on at the last step. */
export function alarmGoesOn(rule: AlarmRule, series: MetricSeries): boolean {
  return look(rule, series.slice(-LOOK_BACK), ERRORS_TO_GO_ON) !== null;
}

/** On how much a mean rests, where the rule asks. */
function evidence({ metric, prompts }: AlarmRule, { metrics }: MetricRecord): Pick<MetricPoint, "prompts" | "spread"> {
  const count = metrics["group/count"];
  if (prompts === undefined || count === undefined) return {};
  const spread = metric.endsWith("_ratio")
    ? shareSpread(metrics[metric]!)
    : metric.endsWith("/mean")
      ? metrics[metric.replace(/mean$/, "std")]
      : undefined;
  return { prompts: count, ...(spread === undefined ? {} : { spread }) };
}

/** Whether a rule watches such records: one about sources watches all together where a run has no sources. */
export function isWatched(
  rule: AlarmRule,
  { split, scope }: Pick<MetricRecord, "split" | "scope">,
  hasSources: boolean,
): boolean {
  if ((rule.split ?? "train") !== split) return false;
  return rule.scope === scope || (rule.scope === "source" && scope === "all" && !hasSources);
}

/** What a rule needs of a record. */
export function alarmPoint(rule: AlarmRule, record: MetricRecord): MetricPoint | undefined {
  const value = record.metrics[rule.metric];
  return value === undefined ? undefined : { step: record.step, value, ...evidence(rule, record) };
}

/** The metrics that {@link alarmPoint} reads for a rule. */
export function alarmMetrics({ metric, prompts }: AlarmRule): readonly string[] {
  return prompts === undefined ? [metric] : [metric, metric.replace(/\/mean$/, "/std"), "group/count"];
}

export interface AlarmWatch {
  /**
   * Takes a step's records in.
   *
   * @returns the alarms that begin with it; one that goes on is not repeated, one that has not held for as many steps
   *   as its rule averages may begin again
   */
  check(records: readonly MetricRecord[]): Alarm[];
}

/**
 * Watches a run's records. A resumed run gives it its earlier records first and ignores what comes back.
 *
 * @example
 * const watch = createAlarmWatch();
 * for (const alarm of watch.check(records)) console.warn(alarm.message, alarm.advice);
 */
export function createAlarmWatch(rules: readonly AlarmRule[] = DEFAULT_ALARM_RULES): AlarmWatch {
  const series = new Map<string, MetricPoint[]>();
  /** Steps since each alarm that was told last held. */
  const quietSteps = new Map<string, number>();
  let hasSources = false;
  return {
    check(records) {
      const alarms: Alarm[] = [];
      hasSources ||= records.some(({ split, scope }) => split === "train" && scope === "source");
      for (const record of records) {
        for (const [index, rule] of rules.entries()) {
          const point = alarmPoint(rule, record);
          if (!isWatched(rule, record, hasSources) || point === undefined) continue;
          const key = `${index} ${record.name}`;
          let points = series.get(key);
          if (points === undefined) series.set(key, (points = []));
          points.push(point);
          if (points.length > LOOK_BACK) points.shift();
          const quietBefore = quietSteps.get(key);
          if (quietBefore === undefined) {
            const alarm = evaluateAlarm(rule, record.name, points);
            if (alarm === null) continue;
            alarms.push(alarm);
            quietSteps.set(key, 0);
          } else {
            const quiet = alarmGoesOn(rule, points) ? 0 : quietBefore + 1;
            if (quiet >= rule.window) quietSteps.delete(key);
            else quietSteps.set(key, quiet);
          }
        }
      }
      return alarms;
    },
  };
}
