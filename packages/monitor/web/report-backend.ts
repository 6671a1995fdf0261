import type { ReportData, RunDetail } from "../src/dashboard/dashboard-api";
import { gridCell, gridWindows } from "../src/dashboard/run-folder/source-grid";
import { filteredRollouts } from "../src/dashboard/rollouts/filtered-rollouts";
import type { Backend } from "./backend";

/** The data that the page carries; undefined for a page of a server. */
export function embeddedReport(): ReportData | undefined {
  const text = document.getElementById("report")?.textContent;
  return text ? (JSON.parse(text) as ReportData) : undefined;
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`This report does not hold ${what}.`);
  return value;
}

/** Answers from the data of a report. */
export function reportBackend(data: ReportData): Backend {
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
    rollouts: async (id, filter) =>
      filteredRollouts(
        (data.groups[id] ?? []).flatMap(({ rollouts }) => rollouts),
        filter,
      ),
    group: async (id, step, group) =>
      found(
        data.groups[id]?.find((one) => one.step === step && one.group === group),
        "these rollouts",
      ),
    listen: () => () => undefined,
  };
}
