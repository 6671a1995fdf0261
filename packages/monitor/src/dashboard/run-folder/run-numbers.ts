/** A run's numbers in memory, and what the dashboard shows of them. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { configValue } from "../config-value";
import type {
  EvaluationSet,
  GridRow,
  NamedSeries,
  RunAlarm,
  RunState,
  RunSummary,
  SourceGrid,
  Stream,
  StreamKey,
} from "../dashboard-api";
import { minMax, sharedMinMax } from "../series/downsample";
import { MetricStreams, type MetricStream } from "../series/metric-streams";
import { runningSum } from "../series/running-sum";
import { firstAfter } from "../series/step-search";
import { evaluationSet, type EvaluationNumbers } from "./evaluation-set";
import { RunAlarms } from "./run-alarms";
import { plannedSteps, type RunDescription } from "./run-description";
import { gridCell, gridWindows } from "./source-grid";

/** Reasons that a page lists. */
const MOST_REASONS = 100;
/** Steps that the time to the end is judged by. */
const ETA_STEPS = 20;

/** Before the name of a metric whose running sum is asked for. */
const SUM = "sum:";

/** Of what the overview tells the run's step and reward. */
const ALL: StreamKey = { split: "train", scope: "all", name: "all" };

/** Metrics of an evaluation that say how good the model is; the first that the run has. */
const HEADLINES = [/^acc\/source_mean@/, /^acc\/mean@/, /^critic\/rewards\/mean$/];

const isSameStream = (a: StreamKey, b: StreamKey): boolean =>
  a.split === b.split && a.scope === b.scope && a.name === b.name;

/** "Qwen2.5-VL-3B-Instruct" of a path or an identifier. */
function modelName(config: unknown): string | null {
  const path = configValue(config, ["model", "path"]);
  if (typeof path === "string") return path.split(/[\\/]/).findLast((part) => part !== "") ?? null;
  return configValue(config, ["model", "init"]) === "random" ? "random weights" : null;
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

export class RunNumbers {
  readonly streams = new MetricStreams();
  #alarms: RunAlarms | undefined;

  /**
   * Searches for alarms in the numbers that have come since the last call.
   *
   * @param config of run.json, unchecked; that of the first call counts
   */
  watchNew(config: unknown): void {
    this.#alarms ??= new RunAlarms(this.streams, config);
    this.#alarms.watchNew();
  }

  #eta(description: RunDescription, state: RunState): number | null {
    const steps = plannedSteps(description);
    const times = this.streams.find(ALL, "timing_s/step")?.values.slice(-ETA_STEPS);
    if (state !== "live" || steps === null || times === undefined || times.length === 0) return null;
    const seconds =
      (times.reduce((sum, value) => sum + value, 0) / times.length) * Math.max(0, steps - this.streams.lastStep);
    return Number.isFinite(seconds) ? seconds : null;
  }

  /** Long series are thinned, so this is the mean of the steps on record times their number. */
  #secondsTrained(): number | null {
    const times = [...(this.streams.find(ALL, "timing_s/step")?.values ?? [])].filter(Number.isFinite);
    if (times.length === 0) return null;
    return (times.reduce((sum, value) => sum + value, 0) / times.length) * this.streams.lastStep;
  }

  #bestEvaluation(): RunSummary["best"] {
    const key: StreamKey = { split: "eval", scope: "all", name: "all" };
    const known = [
      ...(this.streams
        .all()
        .find((stream) => isSameStream(stream.key, key))
        ?.metrics.keys() ?? []),
    ];
    const metric = HEADLINES.flatMap((pattern) => known.find((name) => pattern.test(name)) ?? [])[0];
    const series = metric === undefined ? undefined : this.streams.find(key, metric);
    if (metric === undefined || series === undefined) return null;
    let best: RunSummary["best"] = null;
    for (const [index, value] of [...series.values].entries())
      if (Number.isFinite(value) && (best === null || value > best.value))
        best = { metric, value, step: series.steps[index]! };
    return best;
  }

  /** What a line of a list says of the numbers. */
  summary(
    description: RunDescription,
    state: RunState,
  ): Omit<RunSummary, "id" | "name" | "labels" | "read" | "size" | "badLines"> {
    const reward = this.streams.find(ALL, "critic/rewards/mean")?.values.at(-1);
    return {
      state,
      step: this.streams.lastStep,
      steps: plannedSteps(description),
      etaSeconds: this.#eta(description, state),
      createdAt: description.createdAt,
      reward: reward !== undefined && Number.isFinite(reward) ? reward : null,
      model: modelName(description.config),
      seconds: this.#secondsTrained(),
      best: this.#bestEvaluation(),
      activeAlarms: this.alarms().filter(({ active }) => active).length,
    };
  }

  /** Sources, tasks and all, of training and evaluation, with the names of their metrics. */
  streamList(): Stream[] {
    return this.streams.all().map(({ key, task, reasons, metrics }): Stream => ({
      ...key,
      task,
      reasons: readReasons(reasons),
      metrics: metricNames(metrics),
    }));
  }

  /** A file that other programs append to may hold two attempts at the same steps. */
  restartNote(): string[] {
    const steps = new Set<number>();
    for (const { metrics } of this.trainingStreams())
      for (const { wentBackTo } of metrics.values()) if (wentBackTo !== null) steps.add(wentBackTo);
    if (steps.size === 0) return [];
    return [
      `metrics.jsonl goes back to step ${Math.min(...steps)}: of steps that were taken twice, the later attempt is shown.`,
    ];
  }

  /**
   * Series, each reduced to at most `points` points; those that the run does not have are left out. `sum:` before a
   * metric is its running sum, from 0 at the step before the first.
   *
   * @param from first step, and `to` the last; default all
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
        const whole = metric.startsWith(SUM)
          ? runningSum(this.streams.find(key, metric.slice(SUM.length)))
          : this.streams.find(key, metric);
        if (whole === undefined) return [];
        const { steps, values } = whole;
        const range = [firstAfter(steps, from, true), firstAfter(steps, to)] as const;
        const cut = { steps: steps.subarray(...range), values: values.subarray(...range) };
        return [{ ...key, metric, count: cut.steps.length, ...reduce(cut, points) }];
      }),
    );
  }

  /** Sources, tasks and all of training, with their series. */
  trainingStreams(): MetricStream[] {
    return this.#streamsOf("train");
  }

  #streamsOf(split: StreamKey["split"]): MetricStream[] {
    return this.streams.all().filter(({ key }) => key.split === split);
  }

  /** Steps with metrics of training or of evaluation, ascending. */
  recordedSteps(split: StreamKey["split"]): number[] {
    const streams = this.#streamsOf(split);
    const whole = streams.filter(({ key }) => key.scope === "all");
    const steps = new Set<number>();
    for (const { metrics } of whole.length > 0 ? whole : streams)
      for (const series of metrics.values()) for (const step of series.steps) steps.add(step);
    return [...steps].sort((a, b) => a - b);
  }

  /** Whether a series has become too long to be kept exactly. */
  get isThinned(): boolean {
    return this.trainingStreams().some(({ metrics }) => [...metrics.values()].some(({ isThinned }) => isThinned));
  }

  /** Every source (or task) with the given metrics, for the small multiples. `window` is the steps on each side. */
  grid(
    split: StreamKey["split"],
    scope: StreamKey["scope"],
    metrics: readonly string[],
    window: number,
    points: number,
  ): SourceGrid {
    const steps = this.recordedSteps(split);
    const windows = gridWindows(steps, window);
    const rows = this.#streamsOf(split)
      .filter(({ key }) => key.scope === scope)
      .map(({ key, task, metrics: series }): GridRow => {
        const options = { windows, points, weights: series.get("rollouts/count") };
        const cells = metrics.map((metric) =>
          gridCell(metric, series.get(metric) ?? { steps: [], values: [] }, options),
        );
        return { name: key.name, task, cells };
      });
    return { windows, steps: Math.min(window, steps.length >> 1), rows };
  }

  /**
   * What was evaluated: by the run itself first, then apart from it.
   *
   * @param apart by label
   * @param metric of the rows; default, and for a set without it, the one that says how good it is
   */
  evaluations(
    apart: readonly (readonly [label: string, numbers: EvaluationNumbers])[],
    metric?: string,
  ): EvaluationSet[] {
    const own: EvaluationNumbers = new Map();
    for (const { key, task, metrics } of this.#streamsOf("eval")) {
      const numbers = [...metrics].map(
        ([name, { steps, values }]) =>
          [name, new Map(Array.from(steps, (step, index) => [step, values[index]!]))] as const,
      );
      own.set(`${key.scope} ${key.name}`, { scope: key.scope, name: key.name, task, metrics: new Map(numbers) });
    }
    return [[null, own] as const, ...apart].flatMap(([label, numbers]) => evaluationSet(label, numbers, metric) ?? []);
  }

  /**
   * The alarms of the run's last steps, the latest first.
   *
   * @param stored steps whose rollouts can be shown, ascending; default none
   */
  alarms(stored: readonly number[] = []): RunAlarm[] {
    return this.#alarms?.all(stored) ?? [];
  }
}
