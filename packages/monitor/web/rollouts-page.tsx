import type { RolloutFilter } from "../src/dashboard/dashboard-api";
import { count, shortNumber, signed } from "./format";
import { GroupInspector } from "./group-inspector";
import { Problem } from "./parts";
import { linkTo, linkWith } from "./route";
import { useData, useSurroundings } from "./use-data";

const PAGE = 100;

/** A step's rollouts as a list, or one prompt's in full when the address names a group. */
export function RolloutsPage({ run }: { run: string }) {
  const { route } = useSurroundings();
  const step = route.query.get("step");
  const group = route.query.get("group");
  return step !== null && group !== null ? (
    <GroupInspector
      run={run}
      step={Number(step)}
      group={Number(group)}
      sample={Number(route.query.get("sample") ?? 0)}
    />
  ) : (
    <RolloutList run={run} />
  );
}

function RolloutList({ run }: { run: string }) {
  const { backend, route, version } = useSurroundings();
  const { query } = route;
  const now = version(run);
  const detail = useData(run, String(now), () => backend.run(run));
  const steps = detail.data?.rolloutSteps ?? [];
  const step = query.get("step") ?? (steps.length > 0 ? String(steps.at(-1)) : null);
  const number = (name: string): number | undefined => (query.get(name) ? Number(query.get(name)) : undefined);
  const offset = number("offset") ?? 0;
  const filter = {
    step: step === "any" || step === null ? undefined : Number(step),
    source: query.get("source") ?? undefined,
    status: query.get("status") ?? undefined,
    truncated: query.get("truncated") === "true" ? true : undefined,
    rewardFrom: number("rewardFrom"),
    rewardTo: number("rewardTo"),
    lengthFrom: number("lengthFrom"),
    lengthTo: number("lengthTo"),
    text: query.get("text") ?? undefined,
    order: query.get("order") ?? undefined,
    offset,
    limit: PAGE,
  } as RolloutFilter;
  const page = useData(run, `${JSON.stringify(filter)} ${steps.at(-1)}`, async () =>
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
          {page.data.total > PAGE && (
            <p class="links">
              {offset > 0 && <a href={linkWith(route, { offset: Math.max(0, offset - PAGE) })}>Previous {PAGE}</a>}
              <span>
                {offset + 1}–{Math.min(page.data.total, offset + PAGE)}
              </span>
              {offset + PAGE < page.data.total && <a href={linkWith(route, { offset: offset + PAGE })}>Next {PAGE}</a>}
            </p>
          )}
        </>
      )}
    </>
  );
}
