/** The alarms of a run, raised again from its numbers by the rules of its configuration. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { changedAlarmRules, DEFAULT_ALARM_RULES, type AlarmRule, type AlarmRuleChanges } from "../../alarm-rules";
import { alarmGoesOn, alarmMetrics, alarmPoint, createAlarmWatch, isWatched, type Alarm } from "../../alarms";
import type { MetricRecord } from "../../metric-record";
import { configValue } from "../config-value";
import type { RunAlarm } from "../dashboard-api";
import type { GrowingSeries } from "../series/growing-series";
import type { MetricStream, MetricStreams } from "../series/metric-streams";
import { firstAfter } from "../series/step-search";

/** Steps before the last one that are searched for alarms when a run is opened. */
const ALARM_STEPS = 200;
/** Points at the end of a series that decide whether an alarm is active or over. */
const RECENT_POINTS = 100;

export class RunAlarms {
  readonly #streams: MetricStreams;
  readonly #rules: readonly AlarmRule[];
  readonly #watch;
  readonly #raised: Alarm[] = [];
  /** By stream: the last step that was searched. */
  readonly #watched = new Map<MetricStream, number>();

  /** @param config of run.json, unchecked */
  constructor(streams: MetricStreams, config: unknown) {
    this.#streams = streams;
    this.#rules = alarmRulesOf(config);
    this.#watch = createAlarmWatch(this.#rules);
  }

  /** Searches the numbers that have come since the last call. */
  watchNew(): void {
    const earliest = this.#streams.lastStep - ALARM_STEPS;
    const records: MetricRecord[] = [];
    const hasSources = this.#hasSources();
    for (const stream of this.#streams.all()) {
      const { key } = stream;
      const rules = this.#rules.filter((rule) => isWatched(rule, key, hasSources));
      if (rules.length === 0) continue;
      const after = Math.max(earliest, this.#watched.get(stream) ?? -1);
      const metrics = new Set(rules.flatMap(alarmMetrics));
      records.push(...recordsOf(stream, metrics, after));
      const lastSteps = [...metrics].map((metric) => stream.metrics.get(metric)?.steps.at(-1) ?? -1);
      this.#watched.set(stream, Math.max(after, ...lastSteps));
    }
    // The records of a step together, as a trainer hands them over: sources before all.
    const order = { source: 0, task: 1, all: 2 };
    records.sort((a, b) => a.step - b.step || order[a.scope] - order[b.scope]);
    this.#raised.push(...this.#watch.check(records));
  }

  #hasSources(): boolean {
    return this.#streams.all().some(({ key }) => key.split === "train" && key.scope === "source");
  }

  /**
   * The latest first.
   *
   * @param stored steps whose rollouts are stored, ascending
   */
  all(stored: readonly number[]): RunAlarm[] {
    return this.#raised
      .map((alarm) => {
        const found = this.#find(alarm);
        return {
          ...alarm,
          active: found !== undefined && isActive(found),
          rolloutStep: (found && lastStored(found.series, alarm.step, stored)) ?? null,
        };
      })
      .reverse();
  }

  /** What an alarm was raised about. */
  #find({ rule: ruleName, name }: Alarm): WatchedSeries | undefined {
    const rule = this.#rules.find((one) => one.name === ruleName);
    const hasSources = this.#hasSources();
    const stream = this.#streams.all().find(({ key }) => key.name === name && rule && isWatched(rule, key, hasSources));
    const series = rule && stream?.metrics.get(rule.metric);
    return rule && stream && series && { rule, stream, series };
  }
}

interface WatchedSeries {
  readonly rule: AlarmRule;
  readonly stream: MetricStream;
  readonly series: GrowingSeries;
}

function isActive({ rule, stream, series }: WatchedSeries): boolean {
  const from = series.steps.at(-RECENT_POINTS) ?? series.steps[0] ?? 0;
  const points = recordsOf(stream, new Set(alarmMetrics(rule)), from - 1).flatMap(
    (record) => alarmPoint(rule, record) ?? [],
  );
  return alarmGoesOn(rule, points);
}

/** The last stored step up to a step that has a point in the series: a source is not in every step. */
function lastStored({ steps }: GrowingSeries, step: number, stored: readonly number[]): number | undefined {
  return stored.findLast((one) => one <= step && steps[firstAfter(steps, one, true)] === one);
}

/** What a stream has of some metrics after a step, as records. */
function recordsOf({ key, metrics }: MetricStream, names: ReadonlySet<string>, after: number): MetricRecord[] {
  const bySteps = new Map<number, Record<string, number>>();
  for (const name of names) {
    const series = metrics.get(name);
    if (series === undefined) continue;
    for (let index = firstAfter(series.steps, after); index < series.steps.length; index += 1) {
      const step = series.steps[index]!;
      let values = bySteps.get(step);
      if (values === undefined) bySteps.set(step, (values = {}));
      values[name] = series.values[index]!;
    }
  }
  return [...bySteps].sort(([a], [b]) => a - b).map(([step, values]) => ({ ...key, step, metrics: values }));
}

/** The rules of a configuration; the default ones if it is of another version. */
function alarmRulesOf(config: unknown): readonly AlarmRule[] {
  const alarms = configValue(config, ["monitor", "alarms"]);
  if (configValue(alarms, ["enabled"]) === false) return [];
  const changes = configValue(alarms, ["rules"]);
  try {
    return isRecord(changes) ? changedAlarmRules(changes as AlarmRuleChanges) : DEFAULT_ALARM_RULES;
  } catch {
    return DEFAULT_ALARM_RULES;
  }
}
