/** The columns of the table of runs, and its order. */
import type { ComponentChildren } from "preact";
import type { RunSummary } from "../src/dashboard/dashboard-api";
import { duration, shortNumber } from "./format";
import { StateBadge } from "./parts";
import { linkTo } from "./route";
import { Tags } from "./run-labels";

/** A column of the table of runs. */
export interface RunColumn {
  readonly name: string;
  readonly title: string;
  readonly isNumber?: boolean;
  /** What rows are sorted by. */
  readonly key: (run: RunSummary) => string | number | null;
  readonly cell: (run: RunSummary) => ComponentChildren;
}

export const RUN_COLUMNS: readonly RunColumn[] = [
  {
    name: "run",
    title: "Run",
    key: ({ id, labels }) => labels.title ?? id,
    cell: ({ id, labels: { title, archived } }) => (
      <>
        <a href={linkTo("overview", { run: id })}>{title ?? id}</a>
        {title !== null && <span class="muted below">{id}</span>}
        {archived && <span class="muted below">archived</span>}
      </>
    ),
  },
  {
    name: "tags",
    title: "Tags, note",
    key: ({ labels }) => labels.tags[0] ?? null,
    cell: ({ labels: { tags, note } }) => (
      <span class="tags">
        <Tags tags={tags} />
        {note !== "" && <span class="muted note-start">{note}</span>}
      </span>
    ),
  },
  { name: "state", title: "State", key: ({ state }) => state, cell: ({ state }) => <StateBadge state={state} /> },
  { name: "model", title: "Model", key: ({ model }) => model, cell: ({ model }) => model ?? "–" },
  {
    name: "step",
    title: "Step",
    isNumber: true,
    key: ({ step }) => step,
    cell: ({ step, steps }) => (steps === null ? step : `${step} / ${steps}`),
  },
  {
    name: "reward",
    title: "Reward",
    isNumber: true,
    key: ({ reward }) => reward,
    cell: ({ reward }) => shortNumber(reward),
  },
  {
    name: "best",
    title: "Best evaluation",
    isNumber: true,
    key: ({ best }) => best?.value ?? null,
    cell: ({ best }) =>
      best === null ? "–" : <span title={`${best.metric}, step ${best.step}`}>{shortNumber(best.value)}</span>,
  },
  {
    name: "alarms",
    title: "Alarms",
    isNumber: true,
    key: ({ activeAlarms }) => activeAlarms,
    cell: ({ activeAlarms }) => (activeAlarms > 0 ? <span class="bad">{activeAlarms}</span> : 0),
  },
  {
    name: "trained",
    title: "Trained",
    isNumber: true,
    key: ({ seconds }) => seconds,
    cell: ({ seconds }) => duration(seconds),
  },
  {
    name: "left",
    title: "Time left",
    isNumber: true,
    key: ({ etaSeconds }) => etaSeconds,
    cell: ({ etaSeconds }) => duration(etaSeconds),
  },
  {
    name: "begun",
    title: "Begun",
    key: ({ createdAt }) => createdAt,
    cell: ({ createdAt }) => <span class="place">{createdAt?.slice(0, 16).replace("T", " ") ?? "–"}</span>,
  },
];

/** Rows in the order of a column; what a run does not say comes last in both directions. */
export function sortedRuns(runs: readonly RunSummary[], sort: string): readonly RunSummary[] {
  const column = RUN_COLUMNS.find(({ name }) => name === sort.replace(/^-/, ""));
  if (column === undefined) return runs;
  const sign = sort.startsWith("-") ? -1 : 1;
  return runs.toSorted((a, b) => {
    const [left, right] = [column.key(a), column.key(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return left === right ? 0 : left < right ? -sign : sign;
  });
}
