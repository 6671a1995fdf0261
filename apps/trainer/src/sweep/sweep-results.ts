/** A sweep's results: by run as they are, by case over the seeds, as JSON, CSV and a table. */
import type { RunResult } from "./run-result";
import { caseName } from "./sweep-plan";

/** Mean and sample standard deviation over the runs that have the number; std is null for a single one. */
export interface Spread {
  readonly mean: number;
  readonly std: number | null;
  readonly count: number;
}

/** What the runs of one case have in common. */
export interface CaseSummary {
  readonly name: string;
  readonly cases: Readonly<Record<string, string>>;
  readonly finished: number;
  readonly failed: number;
  readonly runs: number;
  readonly before: Spread | null;
  readonly after: Spread | null;
  readonly best: Spread | null;
  readonly reward: Spread | null;
  readonly seconds: Spread | null;
  readonly afterBySource: Readonly<Record<string, Spread>>;
  readonly afterByTask: Readonly<Record<string, Spread>>;
}

/** `results.json` */
export interface SweepResults {
  readonly format: 1;
  readonly name: string;
  readonly question: string | null;
  readonly axes: readonly string[];
  readonly seeds: readonly number[];
  readonly summary: readonly CaseSummary[];
  readonly runs: readonly RunResult[];
}

/** Mean and deviation; undefined of nothing. */
export function spread(values: readonly (number | null | undefined)[]): Spread | null {
  const numbers = values.filter((value): value is number => typeof value === "number");
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: numbers.length < 2 ? null : Math.sqrt(squares / (numbers.length - 1)), count: numbers.length };
}

/** One summary a case, in the order of the runs. */
export function summarizeRuns(runs: readonly RunResult[]): CaseSummary[] {
  const names = [...new Set(runs.map(({ cases }) => caseName(cases)))];
  return names.map((name) => {
    const all = runs.filter(({ cases }) => caseName(cases) === name);
    const finished = all.filter(({ status }) => status === "finished");
    const over = (pick: (run: RunResult) => number | null | undefined) => spread(finished.map(pick));
    const each = (pick: (run: RunResult) => Readonly<Record<string, number>> | undefined): Record<string, Spread> => {
      const keys = [...new Set(finished.flatMap((run) => Object.keys(pick(run) ?? {})))].sort();
      return Object.fromEntries(
        keys.flatMap((key) =>
          spread(finished.map((run) => pick(run)?.[key])) === null
            ? []
            : [[key, spread(finished.map((run) => pick(run)?.[key])) as Spread]],
        ),
      );
    };
    return {
      name,
      cases: all[0]?.cases ?? {},
      finished: finished.length,
      failed: all.filter(({ status }) => status === "failed").length,
      runs: all.length,
      before: over(({ before }) => before?.mean),
      after: over(({ after }) => after?.mean),
      best: over(({ best }) => best?.mean),
      reward: over(({ reward }) => reward),
      seconds: over(({ seconds }) => seconds),
      afterBySource: each(({ after }) => after?.bySource),
      afterByTask: each(({ after }) => after?.byTask),
    };
  });
}

/**
 * A row a case, at most 80 columns wide: runs, accuracy before and after, the last tenth's training reward, seconds.
 */
export function formatSweepTable({ summary, seeds }: Pick<SweepResults, "summary" | "seeds">): string {
  const width = Math.min(26, Math.max(4, ...summary.map(({ name }) => name.length)));
  const cell = (value: Spread | null, digits: number): string =>
    value === null ? "" : `${value.mean.toFixed(digits)}${value.std === null ? "" : ` ±${value.std.toFixed(digits)}`}`;
  const row = (name: string, cells: readonly string[]): string => {
    const padded = cells.map((text, index) => text.padStart([5, 13, 13, 13][index] ?? 6));
    return `  ${name.slice(0, width).padEnd(width)} ${padded.join("")}`.trimEnd();
  };
  const failed = summary.reduce((sum, one) => sum + one.failed, 0);
  return [
    row("case", ["runs", "before", "after", "reward", "s/run"]),
    ...summary.map((one) =>
      row(one.name, [
        `${one.finished}/${one.runs}`,
        cell(one.before, 3),
        cell(one.after, 3),
        cell(one.reward, 3),
        one.seconds === null ? "" : one.seconds.mean.toFixed(0),
      ]),
    ),
    `  accuracy on held-out data and training reward, mean ± deviation over ${seeds.length} ` +
      `${seeds.length === 1 ? "seed" : "seeds"}`,
    ...(failed === 0 ? [] : [`  ${failed} ${failed === 1 ? "run" : "runs"} failed; results.json says why`]),
  ].join("\n");
}

/** A row a run, every number a column. */
export function formatSweepCsv(runs: readonly RunResult[], axes: readonly string[]): string {
  const sources = [...new Set(runs.flatMap(({ after }) => Object.keys(after?.bySource ?? {})))].sort();
  const quoted = (value: unknown): string => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const header = [
    "run",
    ...axes,
    "seed",
    "status",
    "steps",
    "seconds",
    "before",
    "after",
    "best",
    "best_step",
    "reward",
    ...sources,
  ];
  const rows = runs.map((run) => [
    run.name,
    ...axes.map((axis) => run.cases[axis]),
    run.seed,
    run.status,
    run.steps,
    run.seconds,
    run.before?.mean,
    run.after?.mean,
    run.best?.mean,
    run.best?.step,
    run.reward,
    ...sources.map((source) => run.after?.bySource[source]),
  ]);
  return `${[header, ...rows].map((row) => row.map(quoted).join(",")).join("\n")}\n`;
}
