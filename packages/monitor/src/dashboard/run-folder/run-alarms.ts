/** The alarms of a run, raised again from its numbers by the rules of its configuration. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { changedAlarmRules, DEFAULT_ALARM_RULES, type AlarmRule, type AlarmRuleChanges } from "../../alarm-rules";
import { createAlarmWatch, evaluateAlarm, type Alarm } from "../../alarms";
import type { MetricRecord } from "../../metric-record";
import { configValue } from "../config-value";
import type { RunAlarm } from "../dashboard-api";
import type { GrowingSeries } from "../series/growing-series";
import type { MetricStreams } from "../series/metric-streams";
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
  /** By series: the last step that was searched. */
  readonly #watched = new Map<GrowingSeries, number>();

  /** @param config of run.json, unchecked */
  constructor(streams: MetricStreams, config: unknown) {
    this.#streams = streams;
    this.#rules = alarmRulesOf(config);
    this.#watch = createAlarmWatch(this.#rules);
  }

  /** Searches the numbers that have come since the last call. */
  watchNew(): void {
    const watchedMetrics = new Set(this.#rules.map(({ metric }) => metric));
    const earliest = this.#streams.lastStep - ALARM_STEPS;
    const records: MetricRecord[] = [];
    for (const { key, metrics } of this.#streams.all()) {
      if (key.split !== "train") continue;
      for (const metric of watchedMetrics) {
        const series = metrics.get(metric);
        if (series === undefined) continue;
        const { steps, values } = series;
        const after = Math.max(earliest, this.#watched.get(series) ?? -1);
        for (let index = firstAfter(steps, after); index < steps.length; index += 1)
          records.push({ ...key, step: steps[index]!, metrics: { [metric]: values[index]! } });
        this.#watched.set(series, steps.at(-1) ?? -1);
      }
    }
    // A rule looks at one series; alarms are reported in the order of the steps.
    records.sort((a, b) => a.step - b.step);
    this.#raised.push(...this.#watch.check(records));
  }

  /** The latest first. */
  all(): RunAlarm[] {
    return this.#raised.map((alarm) => ({ ...alarm, active: this.#isActive(alarm) })).reverse();
  }

  #isActive({ rule: ruleName, name }: Alarm): boolean {
    const rule = this.#rules.find((one) => one.name === ruleName);
    const series = rule && this.#streams.find({ split: "train", scope: rule.scope, name }, rule.metric);
    if (rule === undefined || series === undefined) return false;
    const values = series.values.slice(-RECENT_POINTS);
    const tail = Array.from(series.steps.slice(-RECENT_POINTS), (step, index) => ({ step, value: values[index]! }));
    return evaluateAlarm(rule, name, tail) !== null;
  }
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
