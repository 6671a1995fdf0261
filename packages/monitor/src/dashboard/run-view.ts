/** One run folder as the dashboard sees it: its description, its metrics as they grow, its alarms. Reads only. */
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createAlarmWatch, evaluateAlarm, type Alarm } from "../alarms";
import { DEFAULT_ALARM_RULES } from "../alarm-rules";
import type { MetricRecord } from "../metric-record";
import { configValue, flattenConfig, isRecord } from "./config-value";
import { minMax } from "./downsample";
import type { GridRow, NamedSeries, RunAlarm, RunDetail, RunState, RunSummary, Stream, StreamKey } from "./dashboard-api";
import { GrowingSeries } from "./growing-series";
import { createMetricsTail } from "./metrics-tail";
import { gridCell } from "./source-grid";

/** Steps back from the end for which alarms are looked for when a run is opened. */
const ALARM_STEPS = 200;
/** Records that may wait for the alarms before the old ones among them are dropped. */
const LEAST_TRIM = 5_000;
/** A run without a lock that wrote this lately is taken to be alive: an imported or a foreign trainer's. */
const LIVE_MILLISECONDS = 60_000;
/** Names of metrics and sources that one run may bring; more is not a run but a mistake or an attack. */
const MOST_SERIES = 20_000;
const LARGEST_DESCRIPTION = 8 << 20;
/** Steps that the time to the end is judged by. */
const ETA_STEPS = 20;

interface OpenStream {
  readonly key: StreamKey;
  task: string | null;
  reasons: Readonly<Record<string, number>>;
  readonly metrics: Map<string, GrowingSeries>;
}

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
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0) return undefined;
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  } catch {
    return undefined;
  }
}

const keyText = ({ split, scope, name }: StreamKey): string => JSON.stringify([split, scope, name]);

/** A run that the dashboard has opened. */
export class RunView {
  #streams = new Map<string, OpenStream>();
  #seriesCount = 0;
  #lastStep = 0;
  #watch = createAlarmWatch();
  #alarms: Alarm[] = [];
  #unwatched: MetricRecord[] = [];
  #trimAt = LEAST_TRIM;
  #description = NOTHING;
  #state: RunState = "stopped";
  #reading: Promise<boolean> | undefined;
  readonly #tail;

  /**
   * @param id what the page calls it
   * @param folder the run folder
   */
  constructor(
    readonly id: string,
    readonly folder: string,
  ) {
    this.#tail = createMetricsTail(
      join(folder, "metrics.jsonl"),
      (record) => this.#take(record),
      () => this.#forget(),
    );
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
    if (this.#description === NOTHING) this.#description = await readDescription(this.folder);
    const before = this.#state;
    const read = await this.#tail.read().catch(() => false);
    // A large file comes in stretches; only the run's last steps are watched.
    if (read && !this.isBehind) this.#watchNew();
    this.#state = await this.#findState();
    return read || before !== this.#state;
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
    this.#streams = new Map();
    this.#seriesCount = 0;
    this.#lastStep = 0;
    this.#watch = createAlarmWatch();
    this.#alarms = [];
    this.#unwatched = [];
  }

  #take(record: MetricRecord): void {
    if (!Number.isSafeInteger(record.step) || record.step < 0) return;
    const key = keyText(record);
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = { key: { split: record.split, scope: record.scope, name: record.name }, task: null, reasons: {}, metrics: new Map() };
      this.#streams.set(key, stream);
    }
    if (typeof record.task === "string") stream.task = record.task;
    if (isRecord(record.reasons)) stream.reasons = record.reasons as Record<string, number>;
    for (const [metric, value] of Object.entries(record.metrics)) {
      let series = stream.metrics.get(metric);
      if (series === undefined) {
        if (this.#seriesCount >= MOST_SERIES) continue;
        this.#seriesCount += 1;
        stream.metrics.set(metric, (series = new GrowingSeries()));
      }
      series.push(record.step, value);
    }
    if (record.split !== "train") return;
    this.#lastStep = Math.max(this.#lastStep, record.step);
    this.#unwatched.push(record);
    if (this.#unwatched.length < this.#trimAt) return;
    this.#unwatched = this.#unwatched.filter(({ step }) => step > this.#lastStep - ALARM_STEPS);
    this.#trimAt = Math.max(LEAST_TRIM, 2 * this.#unwatched.length);
  }

  #watchNew(): void {
    if (configValue(this.#description.config, ["monitor", "alarms", "enabled"]) !== false) {
      const recent = this.#unwatched.filter(({ step }) => step > this.#lastStep - ALARM_STEPS);
      this.#alarms.push(...this.#watch.check(recent));
    }
    this.#unwatched = [];
  }

  async #findState(): Promise<RunState> {
    const steps = this.#steps();
    if (steps !== null && this.#lastStep >= steps) return "finished";
    const held = await lockIsHeld(this.folder);
    if (held !== undefined) return held ? "live" : "stopped";
    const written = await stat(join(this.folder, "metrics.jsonl")).catch(() => undefined);
    return written !== undefined && Date.now() - written.mtimeMs < LIVE_MILLISECONDS ? "live" : "stopped";
  }

  #steps(): number | null {
    const steps = configValue(this.#description.config, ["run", "steps"]);
    return typeof steps === "number" ? steps : null;
  }

  #series(key: StreamKey, metric: string): GrowingSeries | undefined {
    return this.#streams.get(keyText(key))?.metrics.get(metric);
  }

  #eta(): number | null {
    const steps = this.#steps();
    const times = this.#series({ split: "train", scope: "all", name: "all" }, "timing_s/step")?.values.slice(-ETA_STEPS);
    if (this.#state !== "live" || steps === null || times === undefined || times.length === 0) return null;
    const seconds = (times.reduce((sum, value) => sum + value, 0) / times.length) * Math.max(0, steps - this.#lastStep);
    return Number.isFinite(seconds) ? seconds : null;
  }

  /** The run in a line. */
  summary(): RunSummary {
    const reward = this.#series({ split: "train", scope: "all", name: "all" }, "critic/rewards/mean")?.values.at(-1);
    return {
      id: this.id,
      name: this.#description.name ?? this.id,
      state: this.#state,
      step: this.#lastStep,
      steps: this.#steps(),
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
      streams: [...this.#streams.values()].map(({ key, task, reasons, metrics }): Stream => ({ ...key, task, reasons, metrics: [...metrics.keys()].sort() })),
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
  series(keys: readonly StreamKey[], metrics: readonly string[], points: number, from = -Infinity, to = Infinity): NamedSeries[] {
    return keys.flatMap((key) =>
      metrics.flatMap((metric): NamedSeries[] => {
        const whole = this.#series(key, metric);
        if (whole === undefined) return [];
        const { steps, values } = whole;
        const first = steps.findIndex((step) => step >= from);
        const after = steps.findIndex((step) => step > to);
        const range = first < 0 ? [0, 0] : [first, after < 0 ? steps.length : after];
        const cut = { steps: steps.subarray(...range), values: values.subarray(...range) };
        return [{ ...key, metric, count: cut.steps.length, ...minMax(cut, points) }];
      }),
    );
  }

  /** Every source (or task) with the given metrics, for the small multiples. */
  grid(split: StreamKey["split"], scope: StreamKey["scope"], metrics: readonly string[], window: number, points: number): GridRow[] {
    return [...this.#streams.values()]
      .filter(({ key }) => key.split === split && key.scope === scope)
      .map(({ key, task, metrics: series }): GridRow => {
        const cells = metrics.map((metric) => gridCell(metric, series.get(metric) ?? { steps: [], values: [] }, window, points));
        return { name: key.name, task, cells, worst: Math.min(0, ...cells.map(({ goodness }) => goodness)) };
      });
  }

  /** The alarms of the run's last steps, the latest first. */
  alarms(): RunAlarm[] {
    return this.#alarms
      .map((alarm): RunAlarm => {
        const rule = DEFAULT_ALARM_RULES.find(({ name }) => name === alarm.rule);
        const series = rule && this.#series({ split: "train", scope: rule.scope, name: alarm.name }, rule.metric);
        if (rule === undefined || series === undefined) return { ...alarm, active: false };
        const values = series.values.slice(-100);
        const tail = Array.from(series.steps.slice(-100), (step, index) => ({ step, value: values[index]! }));
        return { ...alarm, active: evaluateAlarm(rule, alarm.name, tail) !== null };
      })
      .reverse();
  }
}
