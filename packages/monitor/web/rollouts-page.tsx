import { count, shortNumber, signed } from "./format";
import { GroupInspector } from "./group-inspector";
import { Problem } from "./parts";
import { ROLLOUT_ROWS, rolloutFilter, shownGroup } from "./rollout-filter";
import { linkTo, linkWith } from "./route";
import { useData, useSurroundings } from "./use-data";

/** A step's rollouts as a list, or one prompt's in full when the address names a group. */
export function RolloutsPage({ run }: { run: string }) {
  const { query } = useSurroundings().route;
  const group = shownGroup(query);
  return group === undefined ? (
    <RolloutList run={run} />
  ) : (
    <GroupInspector run={run} {...group} sample={Number(query.get("sample") ?? 0)} />
  );
}

function RolloutList({ run }: { run: string }) {
  const { backend, route, version } = useSurroundings();
  const { query } = route;
  const now = version(run);
  const detail = useData(run, String(now), () => backend.run(run));
  const steps = detail.data?.rolloutSteps ?? [];
  const step = query.get("step") ?? (steps.length > 0 ? String(steps.at(-1)) : null);
  const filter = rolloutFilter(query, step);
  const { offset = 0 } = filter;
  // A step that is stored stays as it is; all steps do not.
  const isComplete = detail.data === undefined || filter.step === undefined || steps.includes(filter.step);
  const state = filter.step === undefined ? steps.at(-1) : isComplete;
  const page = useData(run, `${JSON.stringify(filter)} ${state}`, async () =>
    step === null ? { rows: [], total: 0 } : await backend.rollouts(run, filter),
  );
  const sources = [
    ...new Set((detail.data?.streams ?? []).filter(({ scope }) => scope === "source").map(({ name }) => name)),
  ].sort();
  const go = (changes: Readonly<Record<string, string | null>>): void =>
    location.replace(linkWith(route, { offset: null, ...changes }));
  const bound = (name: string, label: string) => (
    <label>
      {label}
      <input
        type="number"
        step="any"
        value={query.get(name) ?? ""}
        onChange={(event) => go({ [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <>
      <h1>Rollouts</h1>
      <Problem text={detail.error ?? page.error} />
      {detail.data !== undefined && steps.length === 0 && (
        <p>This run has stored no rollouts (monitor.rollouts in its configuration).</p>
      )}
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Step
          <select value={step ?? ""} onChange={(event) => go({ step: event.currentTarget.value })}>
            <option value="any">any</option>
            {steps.toReversed().map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <label>
          Source
          <select value={query.get("source") ?? ""} onChange={(event) => go({ source: event.currentTarget.value })}>
            <option value="">any</option>
            {sources.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Status
          <select value={query.get("status") ?? ""} onChange={(event) => go({ status: event.currentTarget.value })}>
            <option value="">any</option>
            <option>scored</option>
            <option>skipped</option>
            <option>error</option>
          </select>
        </label>
        <label>
          Answer with
          <input
            type="search"
            value={query.get("text") ?? ""}
            onChange={(event) => go({ text: event.currentTarget.value })}
          />
        </label>
        {bound("rewardFrom", "Reward from")}
        {bound("rewardTo", "to")}
        {bound("lengthFrom", "Tokens from")}
        {bound("lengthTo", "to")}
        <label>
          <input
            type="checkbox"
            checked={query.get("truncated") === "true"}
            onChange={(event) => go({ truncated: event.currentTarget.checked ? "true" : null })}
          />{" "}
          cut off only
        </label>
        <label>
          Order
          <select value={query.get("order") ?? "group"} onChange={(event) => go({ order: event.currentTarget.value })}>
            <option value="group">by prompt</option>
            <option value="reward">worst reward</option>
            <option value="-reward">best reward</option>
            <option value="-length">longest</option>
            <option value="length">shortest</option>
          </select>
        </label>
      </form>
      {page.data !== undefined && (
        <>
          <p class="muted" aria-live="polite">
            {count(page.data.total, "rollout")}
          </p>
          <div class="scroll" tabIndex={0} role="region" aria-label="Rollouts">
            <table class="rollouts">
              <thead>
                <tr>
                  <th>Rollout</th>
                  <th>Source</th>
                  <th>Status</th>
                  <th class="number">Reward</th>
                  <th class="number">Advantage</th>
                  <th class="number">Tokens</th>
                  <th>Ends with</th>
                </tr>
              </thead>
              <tbody>
                {page.data.rows.map((row) => (
                  <tr key={`${row.step} ${row.group} ${row.sample}`}>
                    <td class="place">
                      <a href={linkTo("rollouts", { run, step: row.step, group: row.group, sample: row.sample })}>
                        {row.step} · {row.group} · {row.sample}
                      </a>
                    </td>
                    <td>{row.source}</td>
                    <td class={row.status === "scored" ? "" : "bad"} title={row.reason ?? undefined}>
                      {row.status}
                      {row.truncated && " ✂"}
                    </td>
                    <td class="number">{shortNumber(row.reward)}</td>
                    <td class="number">{signed(row.advantage)}</td>
                    <td class="number">{row.responseTokens ?? "–"}</td>
                    <td class="excerpt">{row.excerpt.slice(-90)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {page.data.total > ROLLOUT_ROWS && (
            <p class="links">
              {offset > 0 && (
                <a href={linkWith(route, { offset: Math.max(0, offset - ROLLOUT_ROWS) })}>Previous {ROLLOUT_ROWS}</a>
              )}
              <span>
                {offset + 1}–{Math.min(page.data.total, offset + ROLLOUT_ROWS)}
              </span>
              {offset + ROLLOUT_ROWS < page.data.total && (
                <a href={linkWith(route, { offset: offset + ROLLOUT_ROWS })}>Next {ROLLOUT_ROWS}</a>
              )}
            </p>
          )}
        </>
      )}
    </>
  );
}
