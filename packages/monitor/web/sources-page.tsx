import type { GridCell, GridRow, SourceGrid, Stream } from "../src/dashboard/dashboard-api";
import { metricDirection } from "../src/dashboard/run-folder/source-grid";
import { Chart } from "./chart/chart";
import type { Line } from "./chart/lines";
import { count, shortNumber, shownWindow, signed } from "./format";
import { nameSearch } from "./metric-search";
import { MetricName, Problem } from "./parts";
import { linkTo, linkWith, windowParameters } from "./route";
import { Sparkline } from "./sparkline";
import { useData, useSurroundings } from "./use-data";

const USUAL = [
  "critic/rewards/mean",
  "correct/ratio",
  "response_length/mean",
  "response_length/clip_ratio",
  "group/zero_signal_ratio",
  "verdict/error_ratio",
  "reflection/ratio",
];
const REWARD = "critic/rewards/mean";
const NO_GRID: SourceGrid = { windows: null, steps: 0, rows: [] };
const MOST_COLUMNS = 12;
/** Deviations from which a change is colored. */
const NOTABLE = 0.75;

/** Sources × metrics, the one whose reward fell most first. */
export function SourcesPage({ run }: { run: string }) {
  const { backend, route, version } = useSurroundings();
  const now = version(run);
  const window = Math.max(1, Number(route.query.get("window") ?? 10) || 10);
  const detail = useData(run, String(now), () => backend.run(run));
  const hasSources = (of: Stream["split"]): boolean =>
    (detail.data?.streams ?? []).some((stream) => stream.scope === "source" && stream.split === of);
  const asked = route.query.get("split");
  // A run that was imported may have sources in its evaluation only.
  const split = asked === "eval" || (asked === null && !hasSources("train") && hasSources("eval")) ? "eval" : "train";
  const wanted = route.query.get("metrics") ?? "";
  const search = nameSearch(wanted);
  const sort = route.query.get("sort") ?? "worst";
  const known = [
    ...new Set(
      (detail.data?.streams ?? [])
        .filter((stream) => stream.scope === "source" && stream.split === split)
        .flatMap(({ metrics }) => metrics),
    ),
  ];
  const usual = USUAL.filter((metric) => known.includes(metric));
  const metrics = (wanted !== "" ? known.filter(search.matches) : usual.length > 0 ? usual : known).slice(
    0,
    MOST_COLUMNS,
  );
  const grid = useData(`${run} ${split}`, `${now} ${window} ${metrics.join()}`, async () =>
    metrics.length === 0 ? NO_GRID : await backend.grid(run, { split, scope: "source", metrics, window }),
  );
  const rows = sorted(grid.data?.rows ?? [], sort, metrics);
  const chart = route.query.get("chart");
  const names = rows.map(({ name }) => name).sort();
  const load = async (from?: number, to?: number): Promise<Line[]> =>
    (await backend.series(run, { split, scope: "source", names, metrics: [chart ?? ""], from, to })).map((series) => ({
      ...series,
      label: series.name,
    }));
  const go = (changes: Readonly<Record<string, string>>): void => location.replace(linkWith(route, changes));
  return (
    <>
      <h1>Sources</h1>
      <Problem text={detail.error ?? grid.error ?? search.problem} />
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Change over the last{" "}
          <input
            type="number"
            min={1}
            max={1000}
            value={window}
            onChange={(event) => go({ window: event.currentTarget.value })}
          />{" "}
          steps
        </label>
        <label>
          Sort by
          <select value={sort} onChange={(event) => go({ sort: event.currentTarget.value })}>
            <option value="worst">change of reward</option>
            <option value="name">name</option>
            {metrics.map((metric) => (
              <option key={metric} value={metric}>
                {metric}
              </option>
            ))}
          </select>
        </label>
        <label>
          Metrics with
          <input
            type="search"
            placeholder="the usual ones"
            value={wanted}
            onChange={(event) => go({ metrics: event.currentTarget.value })}
          />
        </label>
        <label>
          Of
          <select value={split} onChange={(event) => go({ split: event.currentTarget.value })}>
            <option value="train">training</option>
            <option value="eval">evaluation</option>
          </select>
        </label>
      </form>
      {grid.data !== undefined && rows.length === 0 && detail.data !== undefined && (
        <p class="muted">
          {hasSources(split)
            ? "No source has such metrics."
            : `This run records no sources in ${split === "eval" ? "evaluation" : "training"}.`}
        </p>
      )}
      {grid.data !== undefined && rows.length > 0 && (
        <Windows run={run} grid={grid.data} asked={window} split={split} />
      )}
      {chart !== null && rows.length > 0 && (
        <div class="charts wide">
          <Chart
            title={`${chart}, all sources`}
            subject={`${run} ${split} ${chart}`}
            version={now}
            expected={rows.map(({ name }) => name)}
            load={load}
          />
        </div>
      )}
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Sources and metrics">
          <table class="grid">
            <thead>
              <tr>
                <th>Source</th>
                {metrics.map((metric) => (
                  <th key={metric}>
                    <a
                      href={linkWith(route, { chart: metric === chart ? null : metric })}
                      aria-current={metric === chart ? "true" : undefined}
                      title="All sources in one chart"
                    >
                      <MetricName name={metric} />
                    </a>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name}>
                  <th scope="row">
                    <a href={linkTo("source", { run, name: row.name })}>{row.name}</a>
                    <span class="muted">{row.task}</span>
                  </th>
                  {row.cells.map((cell) => (
                    <Cell key={cell.metric} cell={cell} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** Which steps the changes compare, and that they are fewer than asked for where they are. */
function Windows({
  run,
  grid: { windows, steps },
  asked,
  split,
}: {
  run: string;
  grid: SourceGrid;
  asked: number;
  split: "train" | "eval";
}) {
  if (windows === null) return <p class="muted">No changes yet: they need two steps.</p>;
  const { before, after } = windows;
  return (
    <p class="muted">
      Changes: steps {shownWindow(after)} less steps {shownWindow(before)}
      {steps < asked && ` (the run has no more than ${count(steps, "step")} for each side)`}.{" "}
      {split === "train" && (
        <a href={linkTo("changes", { run, ...windowParameters(windows) })}>With intervals and answers</a>
      )}
    </p>
  );
}

function Cell({ cell }: { cell: GridCell }) {
  const tone = cell.goodness <= -NOTABLE ? "bad" : cell.goodness >= NOTABLE ? "good" : "plain";
  return (
    <td>
      <Sparkline steps={cell.steps} values={cell.values} tone={tone} />
      <span class="value">{shortNumber(cell.last)}</span>{" "}
      <span class={`change ${tone}`}>
        {cell.change !== null && (cell.change > 0 ? "▲" : cell.change < 0 ? "▼" : "")} {signed(cell.change)}
      </span>
    </td>
  );
}

const ascending = (a: number, b: number): number => (a === b ? 0 : a - b);

/** The change of the reward; without it, the worst cell. Lowest is worst. */
function loss({ cells }: GridRow, metrics: readonly string[]): number {
  const reward = metrics.indexOf(REWARD);
  return reward < 0 ? Math.min(0, ...cells.map(({ goodness }) => goodness)) : (cells[reward]?.change ?? Infinity);
}

function sorted(rows: readonly GridRow[], sort: string, metrics: readonly string[]): GridRow[] {
  const column = metrics.indexOf(sort);
  const byName = (a: GridRow, b: GridRow): number => a.name.localeCompare(b.name);
  if (sort === "name") return [...rows].sort(byName);
  if (column < 0) return [...rows].sort((a, b) => ascending(loss(a, metrics), loss(b, metrics)) || byName(a, b));
  // Worst first: the lowest where more is better, else the highest.
  const sign = metricDirection(sort) === 1 ? 1 : -1;
  return [...rows].sort(
    (a, b) =>
      sign * ((a.cells[column]?.last ?? sign * Infinity) - (b.cells[column]?.last ?? sign * Infinity)) || byName(a, b),
  );
}
