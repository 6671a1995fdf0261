import type { RunSummary } from "../src/dashboard/dashboard-api";
import { duration, shortNumber } from "./format";
import { Problem, StateBadge } from "./parts";
import { linkTo } from "./route";

export function RunsPage({ runs, problem }: { runs: readonly RunSummary[] | undefined; problem: string | undefined }) {
  return (
    <>
      <h1>Runs</h1>
      <Problem text={problem} />
      {runs?.length === 0 && <p>No run here yet. One appears as soon as v-triune train begins to write it.</p>}
      {runs !== undefined && runs.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Runs">
          <table>
            <thead>
              <tr>
                <th>Run</th>
                <th>State</th>
                <th class="number">Step</th>
                <th class="number">Reward</th>
                <th class="number">Alarms</th>
                <th class="number">Left</th>
                <th>Begun</th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <tr key={run.id}>
                  <td>
                    <a href={linkTo("overview", { run: run.id })}>{run.id}</a>
                  </td>
                  <td>
                    <StateBadge state={run.state} />
                  </td>
                  <td class="number">
                    {run.step}
                    {run.steps !== null && ` / ${run.steps}`}
                  </td>
                  <td class="number">{shortNumber(run.reward)}</td>
                  <td class={run.activeAlarms > 0 ? "number bad" : "number"}>{run.activeAlarms}</td>
                  <td class="number">{duration(run.etaSeconds)}</td>
                  <td>{run.createdAt?.slice(0, 16).replace("T", " ") ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
