/** Where the page's data comes from: the server, or the report that the page is part of. */
import type {
  AnswerComparison,
  ChangeRow,
  ChangeWindows,
  EvaluationSet,
  NamedSeries,
  ReportData,
  RolloutFilter,
  RolloutGroup,
  RolloutPage,
  RunAlarm,
  RunChanges,
  RunDetail,
  RunSettings,
  RunSummary,
  SourceGrid,
  StreamKey,
} from "../src/dashboard/dashboard-api";
import { gridCell, gridWindows } from "../src/dashboard/run-folder/source-grid";
import { openEdits, type Edits } from "./edits";
import { windowParameters } from "./route";

export interface SeriesQuestion {
  readonly split: StreamKey["split"];
  readonly scope: StreamKey["scope"];
  readonly names: readonly string[];
  readonly metrics: readonly string[];
  readonly points?: number;
  readonly from?: number;
  readonly to?: number;
}

export interface GridQuestion {
  readonly split: StreamKey["split"];
  readonly scope: StreamKey["scope"];
  readonly metrics: readonly string[];
  readonly window: number;
}

/** What is not given is chosen. */
export interface ChangesQuestion {
  readonly since?: string | undefined;
  readonly windows?: ChangeWindows | undefined;
}

export interface Backend {
  /** When the data was written down; null for a server's. */
  readonly madeAt: string | null;
  /** How labels are changed and runs deleted; null where that is not allowed. */
  readonly edits: Edits | null;
  runs(): Promise<readonly RunSummary[]>;
  settings(): Promise<RunSettings>;
  run(id: string): Promise<RunDetail>;
  alarms(id: string): Promise<readonly RunAlarm[]>;
  evaluations(id: string, metric?: string): Promise<readonly EvaluationSet[]>;
  series(id: string, question: SeriesQuestion): Promise<readonly NamedSeries[]>;
  grid(id: string, question: GridQuestion): Promise<SourceGrid>;
  changes(id: string, windows: ChangesQuestion): Promise<RunChanges>;
  answers(id: string, windows: ChangeWindows, row: Pick<ChangeRow, "scope" | "name">): Promise<AnswerComparison>;
  rollouts(id: string, filter: RolloutFilter): Promise<RolloutPage>;
  group(id: string, step: number, group: number): Promise<RolloutGroup>;
  /** Calls back with the runs that changed; returns how to stop. */
  listen(onChange: (runs: readonly string[]) => void, onLive: (live: boolean) => void): () => void;
}

type Parameter = string | number | boolean | undefined | readonly string[];

async function ask<T>(path: string, parameters: Readonly<Record<string, Parameter>> = {}): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) query.append(name, one);
    else if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const response = await fetch(`/api/${path}?${query}`);
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error((answer as { error?: string }).error ?? `The server answered ${response.status}.`);
  return answer as T;
}

const httpBackend = (): Backend => ({
  madeAt: null,
  edits: openEdits(document.querySelector<HTMLMetaElement>("meta[name=edits]")?.content ?? "no"),
  runs: () => ask("runs"),
  settings: () => ask("settings"),
  run: (run) => ask("run", { run }),
  alarms: (run) => ask("alarms", { run }),
  evaluations: (run, metric) => ask("evaluations", { run, metric }),
  series: (run, { names, metrics, ...rest }) => ask("series", { run, name: names, metric: metrics, ...rest }),
  grid: (run, { metrics, ...rest }) => ask("grid", { run, metric: metrics, ...rest }),
  changes: (run, { since, windows }) => ask("changes", { run, since, ...(windows && windowParameters(windows)) }),
  answers: (run, windows, { scope, name }) =>
    ask("answers", { run, scope, name, ...(windows && windowParameters(windows)) }),
  rollouts: (run, filter) => ask("rollouts", { run, ...filter }),
  group: (run, step, group) => ask("group", { run, step, group }),
  listen(onChange, onLive) {
    const events = new EventSource("/api/events");
    events.addEventListener("hello", () => onLive(true));
    events.addEventListener("change", (event) => onChange(JSON.parse(event.data as string) as string[]));
    events.addEventListener("error", () => onLive(false));
    return () => events.close();
  },
});

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`This report does not hold ${what}.`);
  return value;
}

function reportBackend(data: ReportData): Backend {
  const run = (id: string): RunDetail =>
    found(
      data.runs.find((one) => one.id === id),
      "that run",
    );
  return {
    madeAt: data.madeAt,
    edits: null,
    runs: async () => data.runs,
    settings: async () => Object.fromEntries(data.runs.map(({ id, config }) => [id, config])),
    run: async (id) => run(id),
    alarms: async (id) => data.alarms[id] ?? [],
    evaluations: async (id) => (data.evaluations[id] ?? []).map((set) => ({ ...set, metrics: [set.metric] })),
    async series(id, { split, scope, names, metrics, from = -Infinity, to = Infinity }) {
      return (data.series[id] ?? [])
        .filter(
          (one) =>
            one.split === split && one.scope === scope && names.includes(one.name) && metrics.includes(one.metric),
        )
        .map((one) => {
          const kept = one.steps.flatMap((step, index) => (step >= from && step <= to ? [index] : []));
          return {
            ...one,
            steps: kept.map((index) => one.steps[index]!),
            values: kept.map((index) => one.values[index]!),
          };
        });
    },
    async grid(id, { split, scope, metrics, window }) {
      const own = (data.series[id] ?? []).filter((series) => series.split === split);
      const steps = [...new Set(own.flatMap((series) => series.steps))].sort((a, b) => a - b);
      const windows = gridWindows(steps, window);
      const rows = run(id)
        .streams.filter((stream) => stream.split === split && stream.scope === scope)
        .map(({ name, task }) => {
          const points = (metric: string) => {
            const one = own.find(
              (series) => series.scope === scope && series.name === name && series.metric === metric,
            );
            return { steps: one?.steps ?? [], values: (one?.values ?? []).map((value) => value ?? Number.NaN) };
          };
          const weights = points("rollouts/count");
          const cells = metrics.map((metric) => gridCell(metric, points(metric), { windows, points: 60, weights }));
          return { name, task, cells };
        });
      return { windows, steps: Math.min(window, steps.length >> 1), rows };
    },
    changes: async (id) => found(data.changes[id] ?? undefined, "changes between steps"),
    answers: async (id, _windows, { scope, name }) =>
      found(data.answers[id]?.[`${scope} ${name}`], "these answers; the dashboard shows them"),
    async rollouts(id, filter) {
      const {
        step,
        source,
        status,
        truncated,
        rewardFrom = -Infinity,
        rewardTo = Infinity,
        lengthFrom = 0,
        lengthTo = Infinity,
        text = "",
        order = "group",
        offset = 0,
        limit = 100,
      } = filter;
      const byReward = rewardFrom !== -Infinity || rewardTo !== Infinity;
      const rows = (data.groups[id] ?? [])
        .flatMap(({ rollouts }) => rollouts)
        .filter(
          (row) =>
            (step === undefined || row.step === step) &&
            (!source || row.source === source) &&
            (!status || row.status === status) &&
            (!truncated || row.truncated) &&
            (!byReward || (row.reward !== null && row.reward >= rewardFrom && row.reward <= rewardTo)) &&
            (row.responseTokens ?? 0) >= lengthFrom &&
            (row.responseTokens ?? 0) <= lengthTo &&
            row.response.toLowerCase().includes(text.toLowerCase()),
        );
      const sign = order.startsWith("-") ? -1 : 1;
      if (order.endsWith("reward"))
        rows.sort((a, b) => (a.reward === null ? 1 : b.reward === null ? -1 : sign * (a.reward - b.reward)));
      if (order.endsWith("length")) rows.sort((a, b) => sign * ((a.responseTokens ?? 0) - (b.responseTokens ?? 0)));
      return { rows: rows.slice(offset, offset + limit), total: rows.length };
    },
    group: async (id, step, group) =>
      found(
        data.groups[id]?.find((one) => one.step === step && one.group === group),
        "these rollouts",
      ),
    listen: () => () => undefined,
  };
}

/** The report's data when the page carries some, else the server's. */
export function openBackend(): Backend {
  const embedded = document.getElementById("report")?.textContent;
  return embedded ? reportBackend(JSON.parse(embedded) as ReportData) : httpBackend();
}
