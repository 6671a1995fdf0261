/** Runs in groups that share a setting, with the mean and deviation of their numbers. */
import type { RunSettings, RunSummary } from "../src/dashboard/dashboard-api";
import { RUN_COLUMNS } from "./run-columns";

/** What is shown of runs that do not record a setting. */
export const NO_VALUE = "–";

export interface Spread {
  readonly mean: number;
  /** Of a sample, n − 1; null of a single run. */
  readonly deviation: number | null;
  readonly count: number;
}

export interface RunGroup {
  readonly value: string;
  readonly runs: readonly RunSummary[];
  /** By the name of a column of numbers; null where no run has it or the runs measure different things. */
  readonly spreads: Readonly<Record<string, Spread | null>>;
}

/** Groups that need no configuration. */
export const OWN_GROUPS = ["model", "state", "tag"] as const;

/** Columns whose mean over runs means something. */
const MEASURED = ["step", "reward", "best", "trained"];

/** Mean and deviation of what is a finite number. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return null;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: known.length < 2 ? null : Math.sqrt(squares / (known.length - 1)), count: known.length };
}

function valuesOf(run: RunSummary, key: string, settings: RunSettings): readonly string[] {
  if (key === "model") return [run.model ?? NO_VALUE];
  if (key === "state") return [run.state];
  if (key === "tag") return run.labels.tags.length === 0 ? [NO_VALUE] : run.labels.tags;
  return [settings[run.id]?.[key] ?? NO_VALUE];
}

function spreadsOf(runs: readonly RunSummary[]): RunGroup["spreads"] {
  return Object.fromEntries(
    RUN_COLUMNS.filter(({ name }) => MEASURED.includes(name)).map(({ name, key }) => {
      const isMixed = name === "best" && new Set(runs.flatMap(({ best }) => best?.metric ?? [])).size > 1;
      return [name, isMixed ? null : spreadOf(runs.map((run) => key(run) as number | null))];
    }),
  );
}

/**
 * Runs by the value of a setting, or of their model, state or tags; a run with several tags is in several groups.
 *
 * @param runs in the order that they keep within a group
 * @param sort the table's: a column of numbers orders groups by their mean, any other by the value
 */
export function groupedRuns(
  runs: readonly RunSummary[],
  key: string,
  settings: RunSettings,
  sort = "",
): readonly RunGroup[] {
  const members = new Map<string, RunSummary[]>();
  for (const run of runs)
    for (const value of valuesOf(run, key, settings)) members.set(value, [...(members.get(value) ?? []), run]);
  const groups = [...members].map(([value, own]): RunGroup => ({ value, runs: own, spreads: spreadsOf(own) }));
  const column = sort.replace(/^-/, "");
  const sign = sort.startsWith("-") ? -1 : 1;
  return groups.sort((a, b) => {
    const [left, right] = [a.spreads[column]?.mean, b.spreads[column]?.mean];
    if (left !== undefined && right !== undefined && left !== right) return sign * (left - right);
    if ((left === undefined) !== (right === undefined)) return left === undefined ? 1 : -1;
    if ((a.value === NO_VALUE) !== (b.value === NO_VALUE)) return a.value === NO_VALUE ? 1 : -1;
    return a.value.localeCompare(b.value, "en", { numeric: true });
  });
}
