import { useState } from "preact/hooks";
import type { RunSettings, RunSummary } from "../src/dashboard/dashboard-api";
import { count } from "./format";
import { nameSearch } from "./metric-search";
import { Problem } from "./parts";
import { linkTo, linkWith } from "./route";
import { sortedRuns } from "./run-columns";
import { groupedRuns, OWN_GROUPS } from "./run-groups";
import { RunTable } from "./run-table";
import { differingSettings } from "./settings";
import { Trash } from "./trash";
import { useData, useSurroundings } from "./use-data";

/** Runs that the page Compare draws over one another. */
const MOST_OVERLAID = 8;
/** Columns of settings; the page Compare shows all. */
const MOST_SETTINGS = 12;

interface RunsPageProps {
  readonly runs: readonly RunSummary[] | undefined;
  readonly problem: string | undefined;
  /** Grows when a run has changed. */
  readonly version: number;
}

/** All runs: found by a word, sorted, grouped by a setting, with the settings in which they differ. */
export function RunsPage({ runs, problem, version }: RunsPageProps) {
  const { backend, route } = useSurroundings();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const wanted = route.query.get("find") ?? "";
  const sort = route.query.get("sort") ?? "";
  const group = route.query.get("group") ?? "";
  const withSettings = route.query.get("settings") === "true";
  const withArchived = route.query.get("archived") === "true";
  const search = nameSearch(wanted);
  const known = runs ?? [];
  const archived = known.filter(({ labels }) => labels.archived).length;
  const listed = known.filter(({ labels }) => withArchived || !labels.archived);
  const found = sortedRuns(
    listed.filter(({ id, state, model, labels: { title, tags, note } }) =>
      [id, state, model ?? "", title ?? "", ...tags, note].some(search.matches),
    ),
    sort,
  );
  // A configuration does not change; a new run has one that was not read.
  const settings = useData("settings", listed.map(({ id }) => id).join("\n"), async () =>
    runs === undefined ? {} : await backend.settings(),
  );
  const configs: RunSettings = settings.data ?? {};
  const differing = differingSettings(found.map(({ id }) => ({ config: configs[id] ?? {} })));
  const go = (changes: Readonly<Record<string, string | null>>): void => location.replace(linkWith(route, changes));
  return (
    <>
      <h1>Runs</h1>
      <Problem text={problem ?? search.problem ?? settings.error} />
      {runs?.length === 0 && <p>No run here yet. One appears as soon as v-triune train begins to write it.</p>}
      {known.length > 0 && (
        <>
          <form class="filters" onSubmit={(event) => event.preventDefault()}>
            <label>
              Find
              <input
                type="search"
                placeholder="name, tag, state or model"
                value={wanted}
                onInput={(event) => go({ find: event.currentTarget.value })}
              />
            </label>
            <label>
              Group by
              <select value={group} onChange={(event) => go({ group: event.currentTarget.value })}>
                <option value="">nothing</option>
                {[...new Set([...OWN_GROUPS, ...differing, ...(group === "" ? [] : [group])])].map((key) => (
                  <option key={key}>{key}</option>
                ))}
              </select>
            </label>
            <label>
              <input
                type="checkbox"
                checked={withSettings}
                onChange={(event) => go({ settings: event.currentTarget.checked ? "true" : null })}
              />{" "}
              settings that differ
            </label>
            {archived > 0 && (
              <label>
                <input
                  type="checkbox"
                  checked={withArchived}
                  onChange={(event) => go({ archived: event.currentTarget.checked ? "true" : null })}
                />{" "}
                archived ({archived})
              </label>
            )}
            <span class="muted" aria-live="polite">
              {count(found.length, "run")}
            </span>
            {found.length > 1 && (
              <a
                href={linkTo("compare", {
                  runs: found
                    .slice(0, MOST_OVERLAID)
                    .map(({ id }) => id)
                    .join("\n"),
                })}
              >
                Compare {found.length > MOST_OVERLAID ? `the first ${MOST_OVERLAID}` : "them"}
              </a>
            )}
          </form>
          <ChosenRuns runs={found.filter(({ id }) => chosen.has(id))} onDone={() => setChosen(new Set())} />
          <RunTable
            runs={found}
            groups={group === "" ? null : groupedRuns(found, group, configs, sort)}
            groupedBy={group}
            sort={sort}
            onSort={(name) => go({ sort: name })}
            settings={withSettings ? differing.slice(0, MOST_SETTINGS) : []}
            configs={configs}
            chosen={backend.edits === null ? null : chosen}
            onChoose={setChosen}
          />
        </>
      )}
      <Trash version={version} />
    </>
  );
}

/** What can be done to the runs that are ticked; a failure of one stops there, and the others stay ticked. */
function ChosenRuns({ runs, onDone }: { runs: readonly RunSummary[]; onDone: () => void }) {
  const { backend, route } = useSurroundings();
  const [problem, setProblem] = useState<string>();
  const { edits } = backend;
  if (edits === null || runs.length === 0) return null;
  async function each(work: (run: RunSummary) => Promise<unknown>): Promise<void> {
    let current = "";
    try {
      for (const run of runs) {
        current = run.id;
        await work(run);
      }
      setProblem(undefined);
      onDone();
    } catch (error) {
      setProblem(`${current}: ${(error as Error).message}`);
    }
  }
  const isArchived = runs.every(({ labels }) => labels.archived);
  const remove = async (): Promise<void> => {
    const deleted: string[] = [];
    await each(async ({ id }) => deleted.push((await edits.remove(id)).id));
    if (deleted.length > 0) location.replace(linkWith(route, { deleted: deleted.join("\n") }));
  };
  return (
    <>
      <p class="links">
        {count(runs.length, "run")} chosen
        <button
          class="small"
          onClick={() => void each(({ id, labels }) => edits.label(id, labels.revision, { archived: !isArchived }))}
        >
          {isArchived ? "Back from the archive" : "Archive"}
        </button>
        <button class="small" onClick={() => void remove()}>
          Delete
        </button>
        <a
          href={linkTo("compare", {
            runs: runs
              .slice(0, MOST_OVERLAID)
              .map(({ id }) => id)
              .join("\n"),
          })}
        >
          Compare
        </a>
      </p>
      <Problem text={problem} />
    </>
  );
}
