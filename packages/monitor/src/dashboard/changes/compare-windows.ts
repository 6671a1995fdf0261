/**
 * What changed in a run between two windows of its steps, by source, by task and over all: the means over rollouts,
 * their difference with its interval (mean-change.ts), and whether chance could have made it.
 *
 * Where the rollouts of every step of both windows are stored, prompts are the units. Else the steps of metrics.jsonl
 * are: all of them, so that a window is never made of less than what was asked for without a word.
 */
import type {
  ChangeCell,
  ChangeRow,
  ChangeVerdict,
  ChangeWindows,
  RunChanges,
  RunSummary,
  StepWindow,
  WindowEvidence,
} from "../dashboard-api";
import type { MetricSplit } from "../../metric-record";
import { metricDirection } from "../run-folder/source-grid";
import type { MetricStream } from "../series/metric-streams";
import { changeWindows, shownWindow, type WindowQuestion } from "./change-windows";
import { meanChanges, type BootstrapOptions, type MeanChange, type Unit } from "./mean-change";
import { CHANGE_METRICS, evidenceKey, type PromptTotals } from "./compared-metrics";
import { stepUnits } from "./step-units";

/**
 * Standard errors from which a change is said to be one. A page shows five metrics of some 27 rows: by chance one of
 * these 135 comparisons passes 4 standard errors once in a hundred pages; 2 standard errors would pass on every page.
 */
const STANDARD_ERRORS = 4;
/** Units in each window below which nothing is said: the standard error is itself unsure then. */
const LEAST_UNITS = { prompt: 20, step: 10 } as const;
/** Rounding of sums, relative to the values. */
const ROUNDING = 1e-9;
/** A trainer appends a step's metrics before its rollouts are written. */
const STEPS_BEHIND = 2;

/** A row before its numbers are judged. */
interface RowUnits extends Pick<ChangeRow, "scope" | "name" | "task" | "before" | "after"> {
  readonly units: readonly Unit[];
}

function verdictOf(metric: string, change: MeanChange, least: number): ChangeVerdict {
  const { change: by, error } = change;
  if (by === null || error === null || Math.min(change.unitsBefore, change.unitsAfter) < least) return "few";
  const scale = Math.max(Math.abs(change.before!), Math.abs(change.after!));
  if (Math.abs(by) <= STANDARD_ERRORS * error || Math.abs(by) <= ROUNDING * scale) return "unclear";
  const direction = metricDirection(metric);
  return direction === 0 ? "different" : direction * by < 0 ? "worse" : "better";
}

/** Rows with their numbers, ranked. */
export function changeRows(
  rows: readonly RowUnits[],
  unit: RunChanges["unit"],
  options: BootstrapOptions = {},
): ChangeRow[] {
  const judged = rows.map(({ units, ...row }): ChangeRow => {
    const cells = meanChanges(units, CHANGE_METRICS.length, options).map((found, index): ChangeCell => {
      const { metric } = CHANGE_METRICS[index]!;
      const { before, after, change, low, high } = found;
      return { metric, before, after, change, low, high, verdict: verdictOf(metric, found, LEAST_UNITS[unit]) };
    });
    const verdict = row.after.steps === 0 ? "gone" : row.before.steps === 0 ? "new" : cells[0]!.verdict;
    return { ...row, cells, verdict };
  });
  const scopes = ["source", "task", "all"];
  /** What certainly got worse, then what is gone, then the rest. */
  const rank = ({ verdict }: ChangeRow): number => (verdict === "worse" ? 0 : verdict === "gone" ? 1 : 2);
  const change = ({ cells }: ChangeRow): number => cells[0]!.change ?? Infinity;
  const order = (a: number, b: number): number => (a === b ? 0 : a - b);
  return judged.sort(
    (a, b) =>
      scopes.indexOf(a.scope) - scopes.indexOf(b.scope) ||
      rank(a) - rank(b) ||
      order(change(a), change(b)) ||
      (a.name < b.name ? -1 : 1),
  );
}

/** What is read of a run, from files or from memory. */
export interface ComparedRun {
  /** Steps whose rollouts are stored, ascending. */
  rolloutSteps(): Promise<readonly number[]> | readonly number[];
  /** Steps with metrics, ascending. */
  recordedSteps(split: MetricSplit): readonly number[];
  trainingStreams(): readonly MetricStream[];
  readonly isThinned: boolean;
  summary(): Pick<RunSummary, "state">;
}

/**
 * @param totals reads the stored rollouts of two windows
 * @param question which windows; default the two halves of the run
 * @throws DashboardError when the windows cannot be compared
 */
export async function compareWindows(
  run: ComparedRun,
  totals: (windows: ChangeWindows) => Promise<PromptTotals> | PromptTotals,
  question: WindowQuestion = {},
  { resamples = 1_000, seed = 1 }: BootstrapOptions = {},
): Promise<RunChanges> {
  const stored = new Set(await run.rolloutSteps());
  const recorded = run.recordedSteps("train");
  const notes: string[] = [];
  const late = recorded.slice(-STEPS_BEHIND).filter((step) => !stored.has(step));
  const complete = late.length === 0 ? recorded : recorded.filter((step) => !late.includes(step));
  const isBehind =
    run.summary().state === "live" && late.length > 0 && question.after === undefined && stored.has(complete.at(-1)!);
  const steps = isBehind ? complete : recorded;
  if (isBehind)
    notes.push(`Step ${late.join(" and ")}: its rollouts are not stored yet, so the comparison ends before it.`);
  const windows = changeWindows(question, steps);
  const within = ({ from, to }: StepWindow): number[] => steps.filter((step) => step >= from && step <= to);
  const compared = { before: within(windows.before), after: within(windows.after) };
  const whole = { from: steps[0]!, to: steps.at(-1)! };
  for (const { from, to } of [windows.before, windows.after]) {
    const part = { from: Math.max(from, whole.from), to: Math.min(to, whole.to) };
    if (part.from > from || part.to < to)
      notes.push(`The run has recorded steps ${shownWindow(part)} of ${shownWindow({ from, to })}.`);
  }
  const all = [...compared.before, ...compared.after];
  const inStore = all.filter((step) => stored.has(step)).length;
  const unit = inStore === all.length ? "prompt" : "step";
  const rows = unit === "prompt" ? promptRows(await totals(windows)) : stepRows(run, windows);
  if (unit === "step") {
    notes.push(
      `Rollouts of ${inStore} of these ${all.length} steps are stored, so the numbers come from metrics.jsonl, and the ` +
        "intervals draw steps instead of prompts.",
    );
    if (rows.some(({ before, after }) => before.rollouts === null || after.rollouts === null))
      notes.push("The run does not record how many rollouts a step has: every step weighs the same.");
    if (run.isThinned)
      notes.push("The run is so long that the dashboard keeps only the extremes of its older steps: means are rough.");
  }
  return {
    ...windows,
    steps: { before: compared.before.length, after: compared.after.length },
    unit,
    resamples,
    seed,
    notes,
    rows: changeRows(rows, unit, { resamples, seed }),
  };
}

function promptRows({ units, evidence }: PromptTotals): RowUnits[] {
  const none: WindowEvidence = { steps: 0, prompts: 0, rollouts: 0 };
  const row = (scope: RowUnits["scope"], name: string, members: typeof units): RowUnits => {
    const tasks = new Set(members.map(({ task }) => task));
    const found = evidence.get(evidenceKey(scope, name));
    return {
      scope,
      name,
      task: scope !== "all" && tasks.size === 1 ? [...tasks][0]! : null,
      before: found?.before ?? none,
      after: found?.after ?? none,
      units: members.flatMap((member) => member.units),
    };
  };
  const names = (of: "source" | "task"): string[] => [...new Set(units.map((member) => member[of]))];
  return [
    ...names("source").map((name) =>
      row(
        "source",
        name,
        units.filter(({ source }) => source === name),
      ),
    ),
    ...names("task").map((name) =>
      row(
        "task",
        name,
        units.filter(({ task }) => task === name),
      ),
    ),
    row("all", "all", units),
  ];
}

function stepRows(run: ComparedRun, windows: Pick<RunChanges, "before" | "after">): RowUnits[] {
  return run.trainingStreams().flatMap((stream): RowUnits[] => {
    const { units, rollouts, steps } = stepUnits(stream, windows);
    if (units.length === 0) return [];
    const evidence = (side: "before" | "after"): WindowEvidence => ({
      steps: steps[side],
      prompts: null,
      rollouts: rollouts[side],
    });
    return [
      {
        scope: stream.key.scope,
        name: stream.key.name,
        task: stream.task,
        before: evidence("before"),
        after: evidence("after"),
        units,
      },
    ];
  });
}
