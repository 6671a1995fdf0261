import { useState } from "preact/hooks";
import type { RunDetail, Stream } from "../src/dashboard/dashboard-api";
import { count, duration, shortNumber } from "./format";
import { nameSearch } from "./metric-search";
import { Alarms, Fact, Problem, StateBadge } from "./parts";
import { writtenPins } from "./pins";
import { linkTo } from "./route";
import { RunLabelsPanel } from "./run-labels";
import { SeriesChart } from "./series-chart";
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
  ["Distance to the teacher", ["distillation/kl", "distillation/abs_loss"]],
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
  // Alarms stand above the charts and would move them.
  if (detail.data === undefined || (alarms.data ?? alarms.error) === undefined) return <Problem text={detail.error} />;
  const { data } = detail;
  const whole = data.streams.find(({ split, scope }) => split === "train" && scope === "all");
  const health = HEALTH.map(
    ([title, metrics]) => [title, metrics.filter((metric) => whole?.metrics.includes(metric))] as const,
  ).filter(([, metrics]) => metrics.length > 0);
  return (
    <>
      <h1>{data.labels.title ?? data.name}</h1>
      <Problem text={detail.error} />
      <RunLabelsPanel run={data} />
      <State run={data} />
      <h2>Alarms</h2>
      <Alarms run={run} alarms={alarms.data ?? []} />
      <PinnedCharts run={run} version={now} />
      <RewardCharts run={data} version={now} />
      {health.length > 0 && <h2>Training health</h2>}
      <div class="charts">
        {health.map(([title, metrics]) => (
          <SeriesChart
            key={title}
            run={run}
            version={now}
            subject={{ title, split: "train", scope: "all", names: ["all"], metrics }}
          />
        ))}
      </div>
      <FurtherMetrics run={run} streams={data.streams} version={now} />
      <h2>Run</h2>
      <dl class="facts">
        {data.imported !== null && (
          <Fact name="Imported">
            from {data.imported.dialect}, {data.imported.from.join(", ")}
          </Fact>
        )}
        {data.createdAt !== null && <Fact name="Begun">{data.createdAt.slice(0, 16).replace("T", " ")}</Fact>}
        {data.seed !== null && <Fact name="Seed">{data.seed}</Fact>}
        {data.backend !== null && <Fact name="Backend">{data.backend}</Fact>}
        {Object.entries(data.versions).map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
        {data.checkpointSteps.length > 0 && (
          <Fact name="Checkpoints">
            {data.checkpointSteps.length}, last of step {data.checkpointSteps.at(-1)}
          </Fact>
        )}
      </dl>
      {Object.keys(data.config).length > 0 && (
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
      )}
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
      {run.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
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
        {run.etaSeconds !== null && <Fact name="Time left">{duration(run.etaSeconds)}</Fact>}
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

function PinnedCharts({ run, version }: { run: string; version: number }) {
  const { pins } = useSurroundings();
  if (pins.length === 0) return null;
  return (
    <>
      <h2>Pinned</h2>
      <div class="charts">
        {pins.map(({ title, ...rest }) => {
          const subject = { title, ...rest };
          const [name] = rest.names;
          // A chart of one source says whose it is; its title does not.
          const of = rest.scope === "source" && rest.names.length === 1 ? `${name}: ` : "";
          return <SeriesChart key={writtenPins([subject])} run={run} version={version} subject={subject} before={of} />;
        })}
      </div>
    </>
  );
}

/** Rewards by task, else by source, of training and of evaluation; nothing of a run that has neither. */
function RewardCharts({ run, version }: { run: RunDetail; version: number }) {
  const charts = (["train", "eval"] as const).flatMap((split) => {
    const scope = (["task", "source", "all"] as const).find((one) => rewardNames(run, split, one).length > 0);
    // The reward over all is the first chart of the training's health.
    if (scope === undefined || (scope === "all" && split === "train")) return [];
    const by = scope === "all" ? "" : ` by ${scope}`;
    const title = split === "train" ? `Reward${by}` : `Evaluation${by}`;
    const subject = { title, split, scope, names: rewardNames(run, split, scope), metrics: [REWARD] };
    return [<SeriesChart key={split} run={run.id} version={version} subject={subject} />];
  });
  if (charts.length === 0) return null;
  return (
    <>
      <h2>Reward</h2>
      <div class="charts wide">{charts}</div>
    </>
  );
}

const REWARD = "critic/rewards/mean";

const rewardNames = (run: RunDetail, split: Stream["split"], scope: Stream["scope"]): string[] =>
  run.streams
    .filter((stream) => stream.split === split && stream.scope === scope && stream.metrics.includes(REWARD))
    .map(({ name }) => name);

/** Metrics of the whole step that no chart above shows, each in its own; charts load when they come into view. */
function FurtherMetrics({ run, streams, version }: { run: string; streams: readonly Stream[]; version: number }) {
  const [wanted, setWanted] = useState("");
  // Made when somebody asks: a run has hundreds of metrics.
  const [isOpen, setOpen] = useState(false);
  const shown = new Set(HEALTH.flatMap(([, metrics]) => metrics));
  const further = streams
    .filter(({ scope }) => scope === "all")
    .flatMap(({ split, metrics }) =>
      metrics.flatMap((metric) => (split === "train" && shown.has(metric) ? [] : [{ split, metric }])),
    );
  if (further.length === 0) return null;
  const search = nameSearch(wanted);
  const found = further.filter(({ metric }) => search.matches(metric));
  return (
    <>
      <h2>All other metrics</h2>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{count(further.length, "metric")} of the whole step</summary>
        {isOpen && (
          <>
            <p>
              <label>
                With <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
              </label>
            </p>
            <Problem text={search.problem} />
            {found.length === 0 && search.problem === undefined && (
              <p class="muted">
                No metric has this in its name. A glob (actor/*) or a regular expression (iou|map) works, too.
              </p>
            )}
            <div class="charts">
              {found.map(({ split, metric }) => (
                <SeriesChart
                  key={`${split} ${metric}`}
                  run={run}
                  version={version}
                  subject={{
                    title: split === "train" ? metric : `${metric} (evaluation)`,
                    split,
                    scope: "all",
                    names: ["all"],
                    metrics: [metric],
                  }}
                />
              ))}
            </div>
          </>
        )}
      </details>
    </>
  );
}
