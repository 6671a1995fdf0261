/** One run folder as the dashboard sees it: its description, its metrics as they grow, its alarms. Reads only. */
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isProcessAlive } from "@v-triune/node-kit/is-process-alive";
import { isRecord } from "@v-triune/node-kit/is-record";
import { createAlarmWatch, evaluateAlarm, type Alarm } from "../../alarms";
import { changedAlarmRules, DEFAULT_ALARM_RULES, type AlarmRule, type AlarmRuleChanges } from "../../alarm-rules";
import type { MetricRecord } from "../../metric-record";
import { configValue, flattenConfig } from "../config-value";
import { minMax, sharedMinMax } from "../series/downsample";
import type {
  EvaluationSet,
  GridRow,
  NamedSeries,
  RunAlarm,
  RunDetail,
  RunState,
  RunSummary,
  Stream,
  StreamKey,
} from "../dashboard-api";
import { EvaluationFiles, evaluationSet, type EvaluationNumbers } from "./evaluation-files";
import type { GrowingSeries } from "../series/growing-series";
import { MetricStreams, type MetricStream } from "../series/metric-streams";
import { createMetricsTail } from "../series/metrics-tail";
import { RecordScanner } from "../series/record-scanner";
import { gridCell } from "./source-grid";

/** Steps back from the end for which alarms are looked for when a run is opened. */
const ALARM_STEPS = 200;
/** A run without a lock that wrote this lately is taken to be alive: an imported or a foreign trainer's. */
const LIVE_MILLISECONDS = 60_000;
/** Reasons that a page lists. */
const MOST_REASONS = 100;
const LARGEST_DESCRIPTION = 8 << 20;
/** Steps that the time to the end is judged by. */
const ETA_STEPS = 20;

interface Description {
  readonly name: string | null;
  readonly seed: number | null;
  readonly backend: string | null;
  readonly createdAt: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly config: unknown;
}

const NOTHING: Description = { name: null, seed: null, backend: null, createdAt: null, versions: {}, config: {} };

async function readDescription(folder: string): Promise<Description> {
  try {
    const path = join(folder, "run.json");
    if ((await stat(path)).size > LARGEST_DESCRIPTION) return NOTHING;
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (!isRecord(value)) return NOTHING;
    const text = (key: string): string | null => (typeof value[key] === "string" ? value[key] : null);
    const versions = isRecord(value.versions) ? value.versions : {};
    return {
      name: text("name"),
      seed: typeof value.seed === "number" ? value.seed : null,
      backend: text("backend"),
      createdAt: text("createdAt"),
      versions: Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, String(version)])),
      config: value.config ?? {},
    };
  } catch {
    return NOTHING;
  }
}

/** Steps of `step-000012` names in a folder of the run. */
async function stepsIn(folder: string, ending: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .flatMap((name) => {
      const match = /^step-(\d{6,12})(.*)$/.exec(name);
      return match?.[2] === ending ? Number(match[1]) : [];
    })
    .sort((a, b) => a - b);
}

/** Whether the process that run.lock names is there. */
async function lockIsHeld(folder: string): Promise<boolean | undefined> {
  try {
    const { pid } = JSON.parse(await readFile(join(folder, "run.lock"), "utf8")) as { pid?: unknown };
    return typeof pid === "number" && Number.isInteger(pid) && pid > 0 ? isProcessAlive(pid) : undefined;
  } catch {
    return undefined;
  }
}

/** Of what the overview tells the run's step and reward. */
const ALL: StreamKey = { split: "train", scope: "all", name: "all" };

/** How many steps the run is to have; null where run.json does not tell. */
function stepsOf({ config }: Description): number | null {
  const steps = configValue(config, ["run", "steps"]);
  return typeof steps === "number" ? steps : null;
}

/** The rules that a run's configuration asks for; the usual ones where it is of another version. */
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

/** The first index whose step is after `step`, or not before it; the length when there is none. */
function firstAfter(steps: Float64Array, step: number, orAt = false): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orAt ? steps[middle]! >= step : steps[middle]! > step) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Reasons as they were read, with what can be shown of them. */
function readReasons(reasons: MetricStream["reasons"]): Record<string, number> {
  let value: unknown = reasons;
  try {
    if (typeof reasons === "string") value = JSON.parse(reasons);
  } catch {
    return {};
  }
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter((entry): entry is [string, number] => typeof entry[1] === "number")
      .slice(0, MOST_REASONS),
  );
}

function metricNames(metrics: MetricStream["metrics"]): string[] {
  return [...metrics].flatMap(([name, { length }]) => (length > 0 ? [name] : [])).sort();
}

/** A run that the dashboard has opened. */
export class RunView {
  #streams = new MetricStreams();
  #scanner = new RecordScanner(this.#streams);
  #rules: readonly AlarmRule[] | undefined;
  #watch = createAlarmWatch([]);
  #alarms: Alarm[] = [];
  /** By series: the last step that the alarms have seen. */
  #watched = new Map<GrowingSeries, number>();
  #description = NOTHING;
  #state: RunState = "stopped";
  #reading: Promise<boolean> | undefined;
  readonly #tail;
  readonly #evaluations: EvaluationFiles;

  /**
   * @param id what the page calls it
   * @param folder the run folder
   */
  constructor(
    readonly id: string,
    readonly folder: string,
  ) {
    this.#evaluations = new EvaluationFiles(folder);
    this.#tail = createMetricsTail(join(folder, "metrics.jsonl"), {
      lines: (bytes, from, to) => this.#scanner.read(bytes, from, to),
      restarted: () => this.#forget(),
    });
  }

  /**
   * Reads what the run has written since; one reading at a time.
   *
   * @returns whether anything the page shows has changed
   */
  refresh(): Promise<boolean> {
    this.#reading ??= this.#refresh().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #refresh(): Promise<boolean> {
    const before = this.#state;
    if (this.#description === NOTHING) {
      const description = await readDescription(this.folder);
      const state = await this.#findState(description);
      // Both at once: a page that asks before the metrics are read must not see a live run as stopped.
      this.#description = description;
      this.#state = state;
    }
    const read = await this.#tail.read().catch(() => false);
    // A large file comes in stretches; only the run's last steps are watched.
    if (read && !this.isBehind) this.#watchNew();
    const evaluated = await this.#evaluations.refresh();
    this.#state = await this.#findState(this.#description);
    return read || evaluated || before !== this.#state;
  }

  /** There is more to read already: a large file is read in stretches. */
  get isBehind(): boolean {
    const { read, size } = this.#tail.progress;
    return read < size;
  }

  /** run.json's configuration, unchecked. */
  get config(): unknown {
    return this.#description.config;
  }

  #forget(): void {
    this.#streams = new MetricStreams();
    this.#scanner = new RecordScanner(this.#streams);
    this.#rules = undefined;
    this.#alarms = [];
    this.#watched = new Map();
  }

  #watchNew(): void {
    if (this.#rules === undefined) {
      this.#rules = alarmRulesOf(this.#description.config);
      this.#watch = createAlarmWatch(this.#rules);
    }
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
    // A rule looks at one series; what is told comes in the order of the steps.
    records.sort((a, b) => a.step - b.step);
    this.#alarms.push(...this.#watch.check(records));
  }

  async #findState(description: Description): Promise<RunState> {
    const steps = stepsOf(description);
    if (steps !== null && this.#streams.lastStep >= steps) return "finished";
    const held = await lockIsHeld(this.folder);
    if (held !== undefined) return held ? "live" : "stopped";
    const written = await stat(join(this.folder, "metrics.jsonl")).catch(() => undefined);
    return written !== undefined && Date.now() - written.mtimeMs < LIVE_MILLISECONDS ? "live" : "stopped";
  }

  #eta(): number | null {
    const steps = stepsOf(this.#description);
    const times = this.#streams.find(ALL, "timing_s/step")?.values.slice(-ETA_STEPS);
    if (this.#state !== "live" || steps === null || times === undefined || times.length === 0) return null;
    const seconds =
      (times.reduce((sum, value) => sum + value, 0) / times.length) * Math.max(0, steps - this.#streams.lastStep);
    return Number.isFinite(seconds) ? seconds : null;
  }

  /** The run in a line. */
  summary(): RunSummary {
    const reward = this.#streams.find(ALL, "critic/rewards/mean")?.values.at(-1);
    return {
      id: this.id,
      name: this.#description.name ?? this.id,
      state: this.#state,
      step: this.#streams.lastStep,
      steps: stepsOf(this.#description),
      etaSeconds: this.#eta(),
      createdAt: this.#description.createdAt,
      reward: reward !== undefined && Number.isFinite(reward) ? reward : null,
      activeAlarms: this.alarms().filter(({ active }) => active).length,
      ...this.#tail.progress,
      badLines: this.#tail.badLines,
    };
  }

  /** Everything about the run but its numbers. */
  async detail(): Promise<RunDetail> {
    const { seed, backend, versions, config } = this.#description;
    return {
      ...this.summary(),
      seed,
      backend,
      versions,
      config: flattenConfig(config),
      streams: this.#streams.all().map(({ key, task, reasons, metrics }): Stream => ({
        ...key,
        task,
        reasons: readReasons(reasons),
        metrics: metricNames(metrics),
      })),
      rolloutSteps: await this.rolloutSteps(),
      checkpointSteps: await stepsIn(join(this.folder, "checkpoints"), ""),
    };
  }

  /** Steps whose rollouts are stored, ascending. */
  rolloutSteps(): Promise<number[]> {
    return stepsIn(join(this.folder, "rollouts"), ".parquet");
  }

  /**
   * Series, each reduced to at most `points` points; those that the run does not have are left out.
   *
   * @param from first step, and `to` the last; all unless told
   */
  series(
    keys: readonly StreamKey[],
    metrics: readonly string[],
    points: number,
    from = -Infinity,
    to = Infinity,
  ): NamedSeries[] {
    const reduce = keys.length * metrics.length > 1 ? sharedMinMax : minMax;
    return keys.flatMap((key) =>
      metrics.flatMap((metric): NamedSeries[] => {
        const whole = this.#streams.find(key, metric);
        if (whole === undefined) return [];
        const { steps, values } = whole;
        const range = [firstAfter(steps, from, true), firstAfter(steps, to)] as const;
        const cut = { steps: steps.subarray(...range), values: values.subarray(...range) };
        return [{ ...key, metric, count: cut.steps.length, ...reduce(cut, points) }];
      }),
    );
  }

  /** Every source (or task) with the given metrics, for the small multiples. */
  grid(
    split: StreamKey["split"],
    scope: StreamKey["scope"],
    metrics: readonly string[],
    window: number,
    points: number,
  ): GridRow[] {
    return this.#streams
      .all()
      .filter(({ key }) => key.split === split && key.scope === scope)
      .map(({ key, task, metrics: series }): GridRow => {
        const cells = metrics.map((metric) =>
          gridCell(metric, series.get(metric) ?? { steps: [], values: [] }, window, points),
        );
        return { name: key.name, task, cells, worst: Math.min(0, ...cells.map(({ goodness }) => goodness)) };
      });
  }

  /**
   * What was evaluated: by the run itself first, then apart from it.
   *
   * @param metric of the rows; the one that says how good it is unless told, or where a set does not have it
   */
  evaluations(metric?: string): EvaluationSet[] {
    const own: EvaluationNumbers = new Map();
    for (const { key, task, metrics } of this.#streams.all()) {
      if (key.split !== "eval") continue;
      const numbers = [...metrics].map(
        ([name, { steps, values }]) =>
          [name, new Map(Array.from(steps, (step, index) => [step, values[index]!]))] as const,
      );
      own.set(`${key.scope} ${key.name}`, { scope: key.scope, name: key.name, task, metrics: new Map(numbers) });
    }
    return [[null, own] as const, ...this.#evaluations.all()].flatMap(
      ([label, numbers]) => evaluationSet(label, numbers, metric) ?? [],
    );
  }

  /** The alarms of the run's last steps, the latest first. */
  alarms(): RunAlarm[] {
    return this.#alarms
      .map((alarm): RunAlarm => {
        const rule = this.#rules?.find(({ name }) => name === alarm.rule);
        const series = rule && this.#streams.find({ split: "train", scope: rule.scope, name: alarm.name }, rule.metric);
        if (rule === undefined || series === undefined) return { ...alarm, active: false };
        const values = series.values.slice(-100);
        const tail = Array.from(series.steps.slice(-100), (step, index) => ({ step, value: values[index]! }));
        return { ...alarm, active: evaluateAlarm(rule, alarm.name, tail) !== null };
      })
      .reverse();
  }
}
