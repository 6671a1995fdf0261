import { useState } from "preact/hooks";
import type { RunSettings, RunSummary } from "../src/dashboard/dashboard-api";
import { count, duration, shortNumber } from "./format";
import { RUN_COLUMNS } from "./run-columns";
import type { RunGroup, Spread } from "./run-groups";

interface RunTableProps {
  readonly runs: readonly RunSummary[];
  /** null: one list. */
  readonly groups: readonly RunGroup[] | null;
  readonly groupedBy: string;
  readonly sort: string;
  readonly onSort: (name: string) => void;
  /** Settings that have a column. */
  readonly settings: readonly string[];
  readonly configs: RunSettings;
  /** Runs that are ticked; null where nothing can be done to them. */
  readonly chosen: ReadonlySet<string> | null;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}

export function RunTable({ sort, onSort, settings, configs, chosen, onChoose, ...props }: RunTableProps) {
  const { runs, groups, groupedBy } = props;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const toggle = (set: ReadonlySet<string>, key: string): ReadonlySet<string> =>
    new Set(set.has(key) ? [...set].filter((one) => one !== key) : [...set, key]);
  const row = (run: RunSummary) => (
    <tr key={run.id}>
      {chosen !== null && (
        <td>
          <input
            type="checkbox"
            aria-label={`Choose ${run.id}`}
            checked={chosen.has(run.id)}
            onChange={() => onChoose(toggle(chosen, run.id))}
          />
        </td>
      )}
      {RUN_COLUMNS.map(({ name, isNumber, cell }) => (
        <td key={name} class={isNumber ? "number" : ""}>
          {cell(run)}
        </td>
      ))}
      {settings.map((key) => (
        <td key={key}>{configs[run.id]?.[key] ?? "–"}</td>
      ))}
    </tr>
  );
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Runs">
      <table>
        {groups !== null && <caption>By {groupedBy}: mean ± standard deviation of the runs in each group</caption>}
        <thead>
          <tr>
            {chosen !== null && <td />}
            {RUN_COLUMNS.map(({ name, title, isNumber }) => {
              const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : undefined;
              return (
                <th key={name} class={isNumber ? "number" : ""} aria-sort={direction}>
                  <button class="plain" onClick={() => onSort(direction === "descending" ? name : `-${name}`)}>
                    {title}
                    {direction === "ascending" ? " ▲" : direction === "descending" ? " ▼" : ""}
                  </button>
                </th>
              );
            })}
            {settings.map((key) => (
              <th key={key}>{key}</th>
            ))}
          </tr>
        </thead>
        {groups === null ? (
          <tbody>{runs.map(row)}</tbody>
        ) : (
          groups.map(({ value, runs: members, spreads }) => (
            <tbody key={value}>
              <tr class="group">
                {chosen !== null && <td />}
                {RUN_COLUMNS.map(({ name, isNumber }) =>
                  name === "run" ? (
                    <th key={name} scope="rowgroup">
                      <button
                        class="plain"
                        aria-expanded={!closed.has(value)}
                        onClick={() => setClosed(toggle(closed, value))}
                      >
                        {closed.has(value) ? "▸" : "▾"} {value}
                      </button>{" "}
                      <span class="muted">{count(members.length, "run")}</span>
                    </th>
                  ) : (
                    <td key={name} class={isNumber ? "number" : ""}>
                      {spreads[name] && spreadText(name, spreads[name])}
                    </td>
                  ),
                )}
                {settings.map((key) => (
                  <td key={key} />
                ))}
              </tr>
              {!closed.has(value) && members.map(row)}
            </tbody>
          ))
        )}
      </table>
    </div>
  );
}

function spreadText(name: string, { mean, deviation }: Spread): string {
  const shown = name === "trained" ? duration : shortNumber;
  return deviation === null ? shown(mean) : `${shown(mean)} ± ${shown(deviation)}`;
}
