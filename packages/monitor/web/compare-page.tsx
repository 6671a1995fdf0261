import { useMemo } from "preact/hooks";
import type { RunDetail, RunSummary } from "../src/dashboard/dashboard-api";
import { Chart } from "./chart/chart";
import type { Line } from "./chart/lines";
import { shortNumber, signed } from "./format";
import { nameSearch } from "./metric-search";
import { Problem } from "./parts";
import { linkWith } from "./route";
import { differingSettings } from "./settings";
import { useData, useSurroundings } from "./use-data";

const METRICS = [
  "critic/rewards/mean",
  "correct/ratio",
  "response_length/mean",
  "response_length/clip_ratio",
  "group/zero_signal_ratio",
  "actor/entropy",
  "actor/grad_norm",
  "actor/ppo_kl",
  "timing_s/step",
];
const MOST_RUNS = 8;
/** Charts beside the chosen metric's. */
const MOST_METRICS = 24;

/** Runs over one another: a metric overlaid, the difference by source, the configuration where it differs. */
export function ComparePage({ runs }: { runs: readonly RunSummary[] }) {
  const { backend, route, version } = useSurroundings();
  const asked = route.query.get("runs")?.split("\n");
  const chosen = (asked ?? runs.map(({ id }) => id))
    .filter((id) => runs.some((run) => run.id === id))
    .slice(0, MOST_RUNS);
  const metric = route.query.get("metric") ?? "critic/rewards/mean";
  const now = chosen.reduce((sum, id) => sum + version(id), 0);
  const key = chosen.join("\n");
  const details = useData("compare", `${key} ${now}`, () => Promise.all(chosen.map((id) => backend.run(id))));
  const known = new Set(
    (details.data ?? []).flatMap(({ streams }) =>
      streams.filter(({ split }) => split === "train").flatMap(({ metrics }) => metrics),
    ),
  );
  const wanted = route.query.get("metrics") ?? "";
  const search = nameSearch(wanted);
  const further = wanted === "" ? [] : [...known].filter((name) => name !== metric && search.matches(name)).sort();
  const others = [...known].filter((name) => name !== metric && !METRICS.includes(name)).sort();
  const go = (changes: Readonly<Record<string, string>>): void => location.replace(linkWith(route, changes));
  const choose = (id: string, on: boolean): void =>
    go({ runs: (on ? [...chosen, id] : chosen.filter((one) => one !== id)).join("\n") || "-" });
  const load =
    (drawn: string) =>
    async (from?: number, to?: number): Promise<Line[]> => {
      const asked = { split: "train", scope: "all", names: ["all"], metrics: [drawn], from, to } as const;
      const lines = await Promise.all(chosen.map((id) => backend.series(id, asked)));
      return lines.flatMap((series, index) => series.map((one) => ({ ...one, label: chosen[index]! })));
    };
  return (
    <>
      <h1>Compare runs</h1>
      <Problem text={details.error} />
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <fieldset>
          <legend>Runs</legend>
          {runs.map(({ id }) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                onChange={(event) => choose(id, event.currentTarget.checked)}
              />{" "}
              {id}
            </label>
          ))}
        </fieldset>
        <label>
          Metric
          <select value={metric} onChange={(event) => go({ metric: event.currentTarget.value })}>
            <optgroup label="usual">
              {[...new Set([metric, ...METRICS])].map((name) => (
                <option key={name}>{name}</option>
              ))}
            </optgroup>
            <optgroup label="all">
              {others.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </optgroup>
          </select>
        </label>
        <label>
          also those with
          <input
            type="search"
            placeholder="iou|map, actor/*"
            value={wanted}
            onChange={(event) => go({ metrics: event.currentTarget.value })}
          />
        </label>
      </form>
      <Problem text={search.problem} />
      {wanted !== "" && details.data !== undefined && further.length === 0 && search.problem === undefined && (
        <p class="muted">No other metric of these runs has this in its name.</p>
      )}
      {chosen.length > 0 && (
        <div class="charts wide">
          {[metric, ...further.slice(0, MOST_METRICS)].map((drawn) => (
            <Chart
              key={drawn}
              title={`${drawn}, all`}
              subject={`compare ${key} ${drawn}`}
              version={now}
              expected={chosen}
              load={load(drawn)}
              runOf={(label) => label}
            />
          ))}
        </div>
      )}
      {further.length > MOST_METRICS && (
        <p class="muted">
          The first {MOST_METRICS} of {further.length} metrics are drawn.
        </p>
      )}
      {chosen.length > 0 && <Differences runs={chosen} metric={metric} version={now} />}
      {details.data !== undefined && details.data.length > 1 && <ConfigDiff runs={details.data} />}
    </>
  );
}

function Differences({ runs, metric, version }: { runs: readonly string[]; metric: string; version: number }) {
  const { backend } = useSurroundings();
  const grids = useData("differences", `${runs.join()} ${metric} ${version}`, () =>
    Promise.all(runs.map((id) => backend.grid(id, { split: "train", scope: "source", metrics: [metric], window: 10 }))),
  );
  const rows = useMemo(() => {
    const names = [...new Set((grids.data ?? []).flatMap((grid) => grid.rows.map(({ name }) => name)))].sort();
    return names.map((name) => ({
      name,
      values: (grids.data ?? []).map((grid) => {
        const values = (grid.rows.find((row) => row.name === name)?.cells[0]?.values ?? [])
          .filter((value) => value !== null)
          .slice(-10);
        return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
      }),
    }));
  }, [grids.data]);
  return (
    <>
      <h2>By source</h2>
      <Problem text={grids.error} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Difference by source">
        <table>
          <caption>
            {metric}: mean of the last points, and the difference to {runs[0]}
          </caption>
          <thead>
            <tr>
              <th>Source</th>
              {runs.map((id) => (
                <th key={id} class="number">
                  {id}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {values.map((value, index) => (
                  <td key={index} class="number">
                    {shortNumber(value)}{" "}
                    {index > 0 && value !== null && values[0] !== null && values[0] !== undefined && (
                      <span class="muted">({signed(value - values[0])})</span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function ConfigDiff({ runs }: { runs: readonly RunDetail[] }) {
  const keys = differingSettings(runs);
  return (
    <>
      <h2>Configuration where it differs</h2>
      {keys.length === 0 ? (
        <p class="muted">It is the same.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Configuration">
          <table class="config">
            <thead>
              <tr>
                <th>Setting</th>
                {runs.map(({ id }) => (
                  <th key={id}>{id}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  {runs.map(({ id, config }) => (
                    <td key={id}>{config[key] ?? "–"}</td>
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
