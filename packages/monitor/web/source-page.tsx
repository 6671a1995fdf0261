import { Alarms, Problem } from "./parts";
import { linkTo } from "./route";
import { SeriesChart } from "./series-chart";
import { useData, useSurroundings } from "./use-data";

/** What a source is looked at for first; one without data is left out. */
const CHARTS: readonly (readonly [title: string, pattern: RegExp])[] = [
  ["Reward", /^(critic\/(rewards|score)\/mean|reward\/(?!.*std).*\/mean)$/],
  ["Correct", /^correct\/ratio$/],
  ["Response length by correct and wrong", /^response_length\/((correct|wrong)\/)?mean$/],
  ["Cut off at the limit", /^response_length\/clip_ratio$/],
  ["IoU at 50, 75, 95, 99", /^verifier\/report_iou_\d+_label_match_pure\/mean$/],
  ["Recall at 50, 75, 95, 99", /^verifier\/report_iou_\d+_label_match_recall\/mean$/],
  ["mAP", /^verifier\/pure_map\d*_score\/mean$/],
  ["Reflection words", /^reflection\/ratio(_correct|_wrong)?$/],
  ["Correct with and without reflection", /^reflection\/correct_(with|without)$/],
  ["Scored, skipped, failed", /^verdict\/(scored|skipped|error)$/],
  ["Groups without signal, rollouts that teach", /^(group\/zero_signal_ratio|batch\/effective_ratio)$/],
  ["Share of the gradient", /^batch\/gradient_share$/],
  ["Variance of rewards within groups and between", /^group\/reward_variance_/],
  ["Accuracy gained per 1,000 tokens, and its error", /^progress\//],
  ["IoU threshold", /^reward\/iou_(next_)?epsilon$/],
  ["Prompt length", /^prompt_length\/(mean|min|max)$/],
];

/** All about one source. */
export function SourcePage({ run }: { run: string }) {
  const { backend, route, version } = useSurroundings();
  const now = version(run);
  const name = route.query.get("name") ?? "";
  const detail = useData(run, String(now), () => backend.run(run));
  const alarms = useData(run, String(now), () => backend.alarms(run));
  // Alarms stand above the charts and would move them.
  if (detail.data === undefined || (alarms.data ?? alarms.error) === undefined) return <Problem text={detail.error} />;
  const streams = detail.data.streams.filter((stream) => stream.scope === "source" && stream.name === name);
  const train = streams.find(({ split }) => split === "train");
  const evaluation = streams.find(({ split }) => split === "eval");
  const lastStep = detail.data.rolloutSteps.at(-1);
  const covered = new Set<string>();
  const chart = (title: string, split: "train" | "eval", metrics: readonly string[]) => (
    <SeriesChart
      key={`${split} ${title}`}
      run={run}
      version={now}
      subject={{ title, split, scope: "source", names: [name], metrics }}
    />
  );
  const known = train?.metrics ?? [];
  const main = CHARTS.map(([title, pattern]) => {
    const metrics = known.filter((metric) => pattern.test(metric));
    for (const metric of metrics) covered.add(metric);
    return metrics.length === 0 ? null : chart(title, "train", metrics);
  });
  const forgetting = evaluation?.metrics.filter((metric) => /^forgetting\/(drop|others_gain)$/.test(metric)) ?? [];
  const rest = known.filter((metric) => !covered.has(metric));
  const reasons = Object.entries(train?.reasons ?? {});
  return (
    <>
      <h1>{name}</h1>
      {streams.length === 0 && <p>This run has no source of this name.</p>}
      <p>
        {streams[0]?.task}{" "}
        {lastStep !== undefined && (
          <a href={linkTo("rollouts", { run, source: name, step: lastStep, order: "reward" })}>Rollouts, worst first</a>
        )}
      </p>
      <Alarms run={run} alarms={alarms.data ?? []} source={name} />
      {reasons.length > 0 && (
        <>
          <h2>Left out, last</h2>
          <ul>
            {reasons.map(([reason, times]) => (
              <li key={reason}>
                {reason}: {times}
              </li>
            ))}
          </ul>
        </>
      )}
      <h2>Training</h2>
      <div class="charts">{main}</div>
      {evaluation !== undefined && (
        <>
          <h2>Evaluation</h2>
          <div class="charts">
            {chart(
              "Reward, evaluation",
              "eval",
              evaluation.metrics.filter(
                (metric) => metric === "critic/rewards/mean" || metric === "reward/accuracy/mean",
              ),
            )}
            {chart(
              "Mean, best and majority",
              "eval",
              evaluation.metrics.filter((metric) => /^acc\/(mean|best|maj)@\d+(\/mean)?$/.test(metric)),
            )}
            {forgetting.length > 0 &&
              chart("Below its best evaluation, and what the others gained", "eval", forgetting)}
          </div>
        </>
      )}
      {rest.length > 0 && (
        <details>
          <summary>All other metrics ({rest.length})</summary>
          <div class="charts">{rest.map((metric) => chart(metric, "train", [metric]))}</div>
        </details>
      )}
    </>
  );
}
