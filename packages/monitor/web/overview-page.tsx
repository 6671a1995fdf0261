import type { RunDetail } from "../src/dashboard/dashboard-api";
import { Chart } from "./chart/chart";
import type { Line } from "./chart/lines";
import { duration, shortNumber } from "./format";
import { Alarms, Fact, Problem, StateBadge } from "./parts";
import { linkTo } from "./route";
import { useData, useSurroundings } from "./use-data";

/** Charts of the whole step; one without data in this run is left out. */
const HEALTH: readonly (readonly [title: string, metrics: readonly string[]])[] = [
  [
    "Reward by component",
    [
      "critic/rewards/mean",
      "critic/score/mean",
      "reward/accuracy/mean",
      "reward/format/mean",
      "reward/overlong/mean",
      "reward/kl/mean",
    ],
  ],
  ["Response length", ["response_length/mean", "response_length/p90", "response_length/max"]],
  ["Entropy", ["actor/entropy"]],
  ["KL to the rollout policy", ["actor/ppo_kl", "actor/kl_loss", "actor/reward_kl_penalty", "rollout_corr/kl"]],
  [
    "Gradient norm",
    ["actor/grad_norm", "actor/grad_norm/vision", "actor/grad_norm/connector", "actor/grad_norm/language"],
  ],
  ["Clipped tokens", ["actor/pg_clipfrac", "actor/pg_clipfrac_lower"]],
  [
    "Rollouts' probabilities less the trainer's",
    ["training/rollout_probs_diff_mean", "training/rollout_probs_diff_max"],
  ],
  ["Groups without signal, rollouts that teach", ["group/zero_signal_ratio", "batch/effective_ratio"]],
  ["Variance of rewards", ["group/reward_variance_within", "group/reward_variance_between"]],
  ["Cut off, skipped, failed", ["response_length/clip_ratio", "verdict/skipped_ratio", "verdict/error_ratio"]],
  ["Seconds by phase", ["timing_s/step", "timing_s/gen", "timing_s/reward", "timing_s/update_actor"]],
  ["Tokens per second", ["perf/generated_tokens_per_s", "perf/trained_tokens_per_s"]],
];

export function OverviewPage({ run }: { run: string }) {
  const { backend, version } = useSurroundings();
  const now = version(run);
  const detail = useData(run, String(now), () => backend.run(run));
  const alarms = useData(run, String(now), () => backend.alarms(run));
  if (detail.data === undefined) return <Problem text={detail.error} />;
  const { data } = detail;
  return (
    <>
      <h1>{data.name}</h1>
      <Problem text={detail.error} />
      <State run={data} />
      <h2>Alarms</h2>
      <Alarms run={run} alarms={alarms.data ?? []} />
      <h2>Reward</h2>
      <div class="charts wide">
        <Rewards run={data} scope="task" split="train" title="Reward by task" version={now} />
        <Rewards run={data} scope="task" split="eval" title="Evaluation by task" version={now} />
      </div>
      <h2>Training health</h2>
      <div class="charts">
        {HEALTH.map(([title, metrics]) => {
          const all = data.streams.find(({ split, scope }) => split === "train" && scope === "all");
          const present = metrics.filter((metric) => all?.metrics.includes(metric));
          if (present.length === 0) return null;
          const load = async (from?: number, to?: number): Promise<Line[]> =>
            (
              await backend.series(run, { split: "train", scope: "all", names: ["all"], metrics: present, from, to })
            ).map((series) => ({ ...series, label: series.metric }));
          return (
            <Chart key={title} title={title} subject={`${run} ${title} ${present.length}`} version={now} load={load} />
          );
        })}
      </div>
      <h2>Run</h2>
      <dl class="facts">
        <Fact name="Begun">{data.createdAt?.slice(0, 16).replace("T", " ") ?? "–"}</Fact>
        <Fact name="Seed">{data.seed ?? "–"}</Fact>
        <Fact name="Backend">{data.backend ?? "–"}</Fact>
        {Object.entries(data.versions).map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
        <Fact name="Checkpoints">
          {data.checkpointSteps.length === 0
            ? "–"
            : `${data.checkpointSteps.length}, last of step ${data.checkpointSteps.at(-1)}`}
        </Fact>
      </dl>
      <details>
        <summary>Configuration</summary>
        <table class="config">
          <tbody>
            {Object.entries(data.config).map(([key, value]) => (
              <tr key={key}>
                <th scope="row">{key}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function State({ run }: { run: RunDetail }) {
  const share = run.steps === null ? null : Math.min(1, run.step / run.steps);
  const last = run.rolloutSteps.at(-1);
  return (
    <>
      {run.read < run.size && (
        <p>
          Reading metrics.jsonl: <progress value={run.read} max={run.size} aria-label="Metrics read" />{" "}
          {Math.floor((100 * run.read) / run.size)} %
        </p>
      )}
      {run.badLines > 0 && (
        <p class="muted">{run.badLines} lines of metrics.jsonl are not records and were left out.</p>
      )}
      <dl class="facts big">
        <Fact name="State">
          <StateBadge state={run.state} />
        </Fact>
        <Fact name="Step">
          <span data-testid="step">{run.step}</span>
          {run.steps !== null && ` of ${run.steps}`}
          {share !== null && <progress value={share} max={1} aria-label="Steps done" />}
        </Fact>
        <Fact name="Time left">{duration(run.etaSeconds)}</Fact>
        <Fact name="Reward">{shortNumber(run.reward)}</Fact>
        <Fact name="Alarms">{run.activeAlarms === 0 ? "none" : <span class="bad">{run.activeAlarms}</span>}</Fact>
        <Fact name="Rollouts">
          {last === undefined ? (
            "none stored"
          ) : (
            <a href={linkTo("rollouts", { run: run.id, step: last })}>of step {last}</a>
          )}
        </Fact>
      </dl>
    </>
  );
}

function Rewards({
  run,
  scope,
  split,
  title,
  version,
}: {
  run: RunDetail;
  scope: "task";
  split: "train" | "eval";
  title: string;
  version: number;
}) {
  const { backend } = useSurroundings();
  const names = run.streams
    .filter((stream) => stream.split === split && stream.scope === scope)
    .map(({ name }) => name);
  if (names.length === 0) return null;
  const load = async (from?: number, to?: number): Promise<Line[]> =>
    (await backend.series(run.id, { split, scope, names, metrics: ["critic/rewards/mean"], from, to })).map(
      (series) => ({ ...series, label: series.name }),
    );
  return <Chart title={title} subject={`${run.id} ${split} ${names.length}`} version={version} load={load} />;
}
