import type { EvaluationRow, EvaluationSet } from "../src/dashboard/dashboard-api";
import { Chart } from "./chart/chart";
import type { Line } from "./chart/lines";
import { shortNumber, signed } from "./format";
import { Problem } from "./parts";
import { linkTo, linkWith } from "./route";
import { Sparkline } from "./sparkline";
import { ToolEffect } from "./tool-effect";
import { useData, useSurroundings } from "./use-data";

/** Steps that the table has columns for; the first, the last, and some between. */
const MOST_COLUMNS = 7;

/** What was evaluated, by source and step: during training, and apart from it by `v-triune eval`. */
export function EvaluationPage({ run }: { run: string }) {
  const { backend, route, version } = useSurroundings();
  const metric = route.query.get("metric") ?? "";
  const { data, error } = useData(run, `${version(run)} ${metric}`, () => backend.evaluations(run, metric));
  const metrics = [...new Set((data ?? []).flatMap((set) => set.metrics))].sort();
  return (
    <>
      <h1>Evaluation</h1>
      <Problem text={error} />
      {data?.length === 0 && (
        <p>Nothing was evaluated yet. A run evaluates on data.eval; v-triune eval does it for a checkpoint.</p>
      )}
      {metrics.length > 1 && (
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <label>
            Metric
            <select
              value={metric}
              onChange={(event) => location.replace(linkWith(route, { metric: event.currentTarget.value }))}
            >
              <option value="">the score</option>
              {metrics.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        </form>
      )}
      {data && <ToolEffect sets={data} />}
      {data?.map((set) => (
        <Evaluation key={set.label} run={run} set={set} />
      ))}
    </>
  );
}

const TITLES = { in: "In-domain: of the kind that was trained", out: "Out-of-domain", none: null } as const;

function Evaluation({ run, set }: { run: string; set: EvaluationSet }) {
  const { version } = useSurroundings();
  const title = set.label === null ? "During training" : set.label === "eval" ? "Apart from training" : set.label;
  const steps = columnsOf(set.rows);
  const sources = set.rows.filter(({ scope }) => scope === "source");
  const parts = (["in", "out", "none"] as const).map(
    (domain) => [TITLES[domain], sources.filter((row) => (row.domain ?? "none") === domain)] as const,
  );
  const means = set.rows.filter(({ scope }) => scope !== "source");
  const load = async (from = -Infinity, to = Infinity): Promise<Line[]> =>
    set.rows.map(({ name, steps: at, values }) => {
      const kept = at.flatMap((step, index) => (step >= from && step <= to ? [index] : []));
      return { label: name, steps: kept.map((index) => at[index]!), values: kept.map((index) => values[index]!) };
    });
  return (
    <section>
      <h2>
        {title} <span class="muted">{set.metric}</span>
      </h2>
      {steps.length > 1 && (
        <div class="charts wide">
          <Chart
            title={`${title}: ${set.metric}`}
            subject={`${run} ${set.label} ${set.metric} ${set.rows.length}`}
            version={version(run)}
            expected={set.rows.map(({ name }) => name)}
            load={load}
          />
        </div>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label={`${title} by source`}>
        <table>
          <thead>
            <tr>
              <th>Source</th>
              <th class="number">Samples</th>
              {steps.map((step) => (
                <th key={step} class="number">
                  Step {step}
                </th>
              ))}
              {steps.length > 1 && <th class="number">Change</th>}
              {steps.length > 2 && <th>Course</th>}
            </tr>
          </thead>
          {parts.map(([heading, rows]) =>
            rows.length === 0 ? null : (
              <tbody key={heading}>
                {heading !== null && (
                  <tr>
                    <th class="part" colSpan={steps.length + 4}>
                      {heading}
                    </th>
                  </tr>
                )}
                {rows.map((row) => (
                  <Row key={row.name} run={set.label === null ? run : null} row={row} steps={steps} />
                ))}
              </tbody>
            ),
          )}
          {means.length > 0 && (
            <tbody class="means">
              {means.map((row) => (
                <Row key={row.name} run={null} row={row} steps={steps} />
              ))}
            </tbody>
          )}
        </table>
      </div>
    </section>
  );
}

function Row({ run, row, steps }: { run: string | null; row: EvaluationRow; steps: readonly number[] }) {
  const values = row.values.filter((value) => value !== null);
  const change = values.length > 1 ? values.at(-1)! - values[0]! : null;
  return (
    <tr>
      <th scope="row">
        {run === null ? row.name : <a href={linkTo("source", { run, name: row.name })}>{row.name}</a>}{" "}
        <span class="muted">{row.task}</span>
      </th>
      <td class="number">{row.samples ?? ""}</td>
      {steps.map((step) => (
        <td key={step} class="number">
          {row.steps.includes(step) ? shortNumber(row.values[row.steps.indexOf(step)]) : ""}
        </td>
      ))}
      {steps.length > 1 && <td class="number">{signed(change)}</td>}
      {steps.length > 2 && (
        <td>
          <Sparkline steps={row.steps} values={row.values} tone="plain" />
        </td>
      )}
    </tr>
  );
}

function columnsOf(rows: readonly EvaluationRow[]): number[] {
  const steps = [...new Set(rows.flatMap((row) => row.steps))].sort((a, b) => a - b);
  if (steps.length <= MOST_COLUMNS) return steps;
  return Array.from(
    { length: MOST_COLUMNS },
    (_, index) => steps[Math.round((index * (steps.length - 1)) / (MOST_COLUMNS - 1))]!,
  );
}
