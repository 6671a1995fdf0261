import type { RunDetail, RunSummary } from "../src/dashboard/dashboard-api";
import { count } from "./format";
import { nameSearch } from "./metric-search";
import { Problem } from "./parts";
import { linkTo, linkWith } from "./route";
import { RUN_COLUMNS, sortedRuns } from "./run-columns";
import { differingSettings } from "./settings";
import { useData, useSurroundings } from "./use-data";

/** Runs whose settings are read for the table. */
const MOST_COMPARED = 50;
/** Runs that the page Compare draws over one another. */
const MOST_OVERLAID = 8;
/** Columns of settings; the page Compare shows all. */
const MOST_SETTINGS = 12;

/** All runs: filtered by name, state or model, sorted by any column, with the settings in which they differ. */
export function RunsPage({ runs, problem }: { runs: readonly RunSummary[] | undefined; problem: string | undefined }) {
  const { backend, route } = useSurroundings();
  const wanted = route.query.get("find") ?? "";
  const sort = route.query.get("sort") ?? "";
  const withSettings = route.query.get("settings") === "true";
  const search = nameSearch(wanted);
  const found = sortedRuns(
    (runs ?? []).filter(({ id, state, model }) => [id, state, model ?? ""].some(search.matches)),
    sort,
  );
  const shown = found.map(({ id }) => id).slice(0, MOST_COMPARED);
  const details = useData("settings", withSettings ? shown.join("\n") : "", async () =>
    withSettings ? await Promise.all(shown.map((id) => backend.run(id))) : [],
  );
  const go = (changes: Readonly<Record<string, string | null>>): void => location.replace(linkWith(route, changes));
  return (
    <>
      <h1>Runs</h1>
      <Problem text={problem ?? search.problem ?? details.error} />
      {runs?.length === 0 && <p>No run here yet. One appears as soon as v-triune train begins to write it.</p>}
      {runs !== undefined && runs.length > 0 && (
        <>
          <form class="filters" onSubmit={(event) => event.preventDefault()}>
            <label>
              Find
              <input
                type="search"
                placeholder="name, state or model"
                value={wanted}
                onInput={(event) => go({ find: event.currentTarget.value })}
              />
            </label>
            <label>
              <input
                type="checkbox"
                checked={withSettings}
                onChange={(event) => go({ settings: event.currentTarget.checked ? "true" : null })}
              />{" "}
              settings that differ
            </label>
            <span class="muted" aria-live="polite">
              {count(found.length, "run")}
            </span>
            {found.length > 1 && (
              <a href={linkTo("compare", { runs: shown.slice(0, MOST_OVERLAID).join("\n") })}>
                Compare {found.length > MOST_OVERLAID ? `the first ${MOST_OVERLAID}` : "them"}
              </a>
            )}
          </form>
          <RunTable runs={found} sort={sort} onSort={(name) => go({ sort: name })} details={details.data ?? []} />
        </>
      )}
    </>
  );
}

function RunTable({
  runs,
  sort,
  onSort,
  details,
}: {
  runs: readonly RunSummary[];
  sort: string;
  onSort: (name: string) => void;
  details: readonly RunDetail[];
}) {
  const settings = differingSettings(details).slice(0, MOST_SETTINGS);
  const configOf = new Map(details.map(({ id, config }) => [id, config]));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Runs">
      <table>
        <thead>
          <tr>
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
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              {RUN_COLUMNS.map(({ name, isNumber, cell }) => (
                <td key={name} class={isNumber ? "number" : ""}>
                  {cell(run)}
                </td>
              ))}
              {settings.map((key) => (
                <td key={key}>{configOf.get(run.id)?.[key] ?? "–"}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
