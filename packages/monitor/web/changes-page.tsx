import type { ChangeCell, ChangeRow, ChangeWindows, RunChanges, StepWindow } from "../src/dashboard/dashboard-api";
import { AnswersPage } from "./answers-page";
import { count, grouped, shortNumber, shownWindow, signed } from "./format";
import { MetricName, Problem } from "./parts";
import { askedAnswers, askedWindows, linkTo, windowParameters } from "./route";
import { useData, useSurroundings } from "./use-data";

/** What got worse between two windows of steps, or the answers of one row in both. */
export function ChangesPage({ run }: { run: string }) {
  const { query } = useSurroundings().route;
  const windows = askedWindows(query);
  const row = askedAnswers(query);
  if (row !== undefined && windows !== undefined) return <AnswersPage run={run} windows={windows} {...row} />;
  return <Changes run={run} windows={windows} since={query.get("since") ?? undefined} />;
}

function Changes({
  run,
  windows,
  since,
}: {
  run: string;
  windows: ChangeWindows | undefined;
  since: string | undefined;
}) {
  const { backend, version } = useSurroundings();
  const question = JSON.stringify([windows, since]);
  const { data, error } = useData(run, `${version(run)} ${question}`, () => backend.changes(run, { since, windows }));
  return (
    <>
      <h1>Changes</h1>
      {backend.madeAt === null && <WindowForm run={run} windows={data ?? windows} />}
      <Problem text={error} />
      {data === undefined && error === undefined && <p class="muted">Comparing …</p>}
      {data !== undefined && error === undefined && <ChangeTables run={run} changes={data} />}
    </>
  );
}

function WindowForm({ run, windows }: { run: string; windows: ChangeWindows | undefined }) {
  const { route } = useSurroundings();
  const bound = (side: keyof ChangeWindows, end: keyof StepWindow, label: string) => (
    <label>
      {label}{" "}
      <input
        type="number"
        min={0}
        value={windows?.[side][end] ?? ""}
        disabled={windows === undefined}
        onChange={(event) => {
          const changed = { ...windows!, [side]: { ...windows![side], [end]: Number(event.currentTarget.value) } };
          location.replace(linkTo("changes", { run, ...windowParameters(changed) }));
        }}
      />
    </label>
  );
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        Since step{" "}
        <input
          type="number"
          min={0}
          value={route.query.get("since") ?? windows?.before.to ?? ""}
          onChange={(event) => location.replace(linkTo("changes", { run, since: event.currentTarget.value }))}
        />
      </label>
      <fieldset>
        <legend>Or compare</legend>
        {bound("before", "from", "steps")}
        {bound("before", "to", "to")}
        {bound("after", "from", "with steps")}
        {bound("after", "to", "to")}
      </fieldset>
    </form>
  );
}

const SCOPES = [
  ["source", "By source"],
  ["task", "By task"],
  ["all", "All together"],
] as const;

function ChangeTables({ run, changes }: { run: string; changes: RunChanges }) {
  const { rows, before, after, steps, unit, resamples, notes } = changes;
  const widest = Math.max(
    1e-9,
    ...rows.flatMap(({ cells }) => [Math.abs(cells[0]?.low ?? 0), Math.abs(cells[0]?.high ?? 0)]),
  );
  const worse = rows.filter(({ scope, verdict }) => scope === "source" && verdict === "worse");
  return (
    <>
      <p>
        Steps {shownWindow(after)} ({count(steps.after, "recorded step")}) against steps {shownWindow(before)} (
        {grouped(steps.before)}). {summary(worse)}
      </p>
      {notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {SCOPES.map(([scope, title]) => {
        const own = rows.filter((row) => row.scope === scope);
        return (
          own.length > 0 && (
            <ChangeTable key={scope} run={run} title={title} rows={own} windows={changes} widest={widest} />
          )
        );
      })}
      <p class="muted">
        Every rollout weighs the same. In brackets: the 95% interval, from {grouped(resamples)} bootstrap resamples over{" "}
        {unit === "prompt" ? "prompts" : "steps"}. "Worse" and "better" are changes of more than 4 standard errors,
        which chance alone reaches on one page in a hundred.
      </p>
    </>
  );
}

function summary(worse: readonly ChangeRow[]): string {
  if (worse.length === 0) return "No source earned less than chance explains.";
  const names = worse.slice(0, 3).map(({ name }) => name);
  const others = worse.length - names.length;
  return `Less reward: ${names.join(", ")}${others > 0 ? ` and ${others} more` : ""}.`;
}

function ChangeTable({
  run,
  title,
  rows,
  windows,
  widest,
}: {
  run: string;
  title: string;
  rows: readonly ChangeRow[];
  windows: ChangeWindows;
  widest: number;
}) {
  const further = rows[0]!.cells.slice(1).filter(({ metric }) => rows.some(({ cells }) => hasNumber(cells, metric)));
  return (
    <>
      <h2>{title}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table class="changes">
          <thead>
            <tr>
              <th>{title.replace(/^By (.)/, (_, letter: string) => letter.toUpperCase())}</th>
              <th>Reward</th>
              <th class="number">Before</th>
              <th class="number">After</th>
              <th class="number">Change</th>
              <th />
              <th class="number">Prompts</th>
              <th class="number">Rollouts</th>
              {further.map(({ metric }) => (
                <th key={metric} class="number">
                  <MetricName name={metric} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">
                  <a
                    href={linkTo("changes", {
                      run,
                      ...windowParameters(windows),
                      scope: row.scope,
                      name: row.name,
                    })}
                    title="Its answers before and after"
                  >
                    {row.name}
                  </a>
                  {row.scope === "source" && <span class="muted">{row.task}</span>}
                </th>
                <td class={`verdict ${row.verdict}`}>{VERDICTS[row.verdict]}</td>
                <td class="number">{shortNumber(row.cells[0]?.before)}</td>
                <td class="number">{shortNumber(row.cells[0]?.after)}</td>
                <ChangeNumbers cell={row.cells[0]!} />
                <td>
                  <Interval cell={row.cells[0]!} widest={widest} verdict={row.verdict} />
                </td>
                <Evidence before={row.before.prompts} after={row.after.prompts} />
                <Evidence before={row.before.rollouts} after={row.after.rollouts} />
                {further.map(({ metric }) => (
                  <ChangeNumbers key={metric} cell={row.cells.find((cell) => cell.metric === metric)!} isShort />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const isEmpty = (value: number | null): boolean => value === null || value === 0;

/** A column of zeros tells nothing. */
const hasNumber = (cells: readonly ChangeCell[], metric: string): boolean =>
  cells.some((cell) => cell.metric === metric && !(isEmpty(cell.before) && isEmpty(cell.after)));

const VERDICTS: Readonly<Record<ChangeRow["verdict"], string>> = {
  worse: "▼ worse",
  better: "▲ better",
  different: "changed",
  unclear: "no clear change",
  few: "too few to tell",
  gone: "✕ gone",
  new: "new",
};

function ChangeNumbers({ cell, isShort = false }: { cell: ChangeCell; isShort?: boolean }) {
  const { change, low, high, verdict, before, after } = cell;
  const tone = verdict === "worse" ? "bad" : verdict === "better" ? "good" : "";
  return (
    <td class={`number ${tone}`} title={isShort ? `${shortNumber(before)} → ${shortNumber(after)}` : undefined}>
      {verdict === "unclear" || verdict === "few" ? signed(change) : <b>{signed(change)}</b>}
      <span class="interval">{low === null || high === null ? "" : `[${rounded(low)}, ${rounded(high)}]`}</span>
    </td>
  );
}

/** An end of an interval needs two digits. */
const rounded = (value: number): string => signed(Number(value.toPrecision(2)));

function Evidence({ before, after }: { before: number | null; after: number | null }) {
  const shown = (value: number | null): string => (value === null ? "–" : grouped(value));
  return (
    <td class="number">
      {shown(before)} / {shown(after)}
    </td>
  );
}

/** The interval over a line that marks no change; all rows have the same scale. */
function Interval({ cell, widest, verdict }: { cell: ChangeCell; widest: number; verdict: ChangeRow["verdict"] }) {
  const { change, low, high } = cell;
  if (change === null || low === null || high === null) return null;
  const x = (value: number): number => 50 + (47 * value) / widest;
  return (
    <svg class={`range ${verdict}`} viewBox="0 0 100 16" aria-hidden="true">
      <line class="zero" x1="50" x2="50" y1="0" y2="16" />
      <line x1={x(low)} x2={x(high)} y1="8" y2="8" />
      <circle cx={x(change)} cy="8" r="3" />
    </svg>
  );
}
