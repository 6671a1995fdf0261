/**
 * `v-triune-monitor report`: the dashboard's page with one run's data inside it, a file that needs no server and no
 * network.
 */
import { VTriuneError } from "@v-triune/errors";
import { answerPairs } from "../dashboard/changes/answer-pairs";
import { runChanges } from "../dashboard/changes/run-changes";
import type {
  AnswerComparison,
  NamedSeries,
  Stream,
  ReportData,
  RolloutGroup,
  RunChanges,
} from "../dashboard/dashboard-api";
import { DashboardError } from "../dashboard/dashboard-error";
import { makePage } from "../dashboard/server/page";
import { RolloutReader } from "../dashboard/rollouts/rollout-reader";
import type { Picture } from "../dashboard/rollouts/sample-picture";
import { openRun } from "./open-run";

export interface ReportOptions {
  /** Written on the page. */
  readonly madeAt: Date;
  /** Steps whose rollouts go in. Default the first, the middle and the last. */
  readonly steps?: readonly number[];
  /** Prompts per step. Default 24. */
  readonly groupsPerStep?: number;
}

/** Rows of Changes, the worst first, whose answers go in. */
const ANSWERED_ROWS = 6;
/** Points a series: a chart's width. */
const POINTS = 400;

/** What charts can be drawn over besides steps. */
const withSums = ({ split, scope, metrics }: Stream): string[] => {
  const summed = split === "train" && scope === "all" ? ["timing_s/step", "perf/computed_tokens"] : [];
  return [...metrics, ...summed.filter((metric) => metrics.includes(metric)).map((metric) => `sum:${metric}`)];
};

const dataUrl = ({ type, bytes }: Picture): string => `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;

/**
 * @param folder one run folder
 * @returns the HTML
 * @throws DashboardError when the folder holds no run or its rollouts cannot be read
 */
export async function makeReport(
  folder: string,
  { madeAt, steps, groupsPerStep = 24 }: ReportOptions,
): Promise<string> {
  const run = await openRun(folder);
  const detail = await run.detail();
  const series: NamedSeries[] = detail.streams.flatMap((stream) =>
    run.series([{ split: stream.split, scope: stream.scope, name: stream.name }], withSums(stream), POINTS),
  );
  const stored = detail.rolloutSteps;
  const changes: Record<string, RunChanges | null> = {};
  const answers: Record<string, Record<string, AnswerComparison>> = {};
  const usual = [stored[0], stored[stored.length >> 1], stored.at(-1)].filter((step) => step !== undefined);
  const groups: RolloutGroup[] = [];
  const reader = new RolloutReader();
  try {
    for (const step of new Set(steps ?? usual)) {
      if (!stored.includes(step))
        throw new DashboardError({
          what: "The run has no rollouts of this step.",
          where: folder,
          found: String(step),
          expected:
            "one of " +
            `${stored.length === 0 ? "none" : `${stored.slice(0, 8).join(", ")}${stored.length > 8 ? ", .." : ""}`}`,
        });
      const first = (await reader.list(run, { step, limit: 1 })).rows[0];
      for (
        let group: number | null = first?.group ?? null, taken = 0;
        group !== null && taken < groupsPerStep;
        taken += 1
      ) {
        const found = await reader.group(run, step, group, (_index, picture) => dataUrl(picture));
        if (found === undefined) break;
        group = found.next;
        groups.push(taken + 1 === groupsPerStep ? { ...found, next: null } : found);
      }
    }
    const found = await runChanges(run, reader).catch((error: unknown) => {
      // A run of one step has nothing to compare; the rest of the report stands.
      if (VTriuneError.isInstance(error)) return null;
      throw error;
    });
    changes[run.id] = found;
    answers[run.id] = {};
    for (const { scope, name } of found?.rows.slice(0, ANSWERED_ROWS) ?? [])
      answers[run.id]![`${scope} ${name}`] = await answerPairs(run, reader, found!, { scope, name });
  } finally {
    await reader.close();
  }
  const kept = [...new Set(groups.map(({ step }) => step))].sort((a, b) => a - b);
  const data: ReportData = {
    madeAt: madeAt.toISOString(),
    runs: [{ ...detail, rolloutSteps: kept }],
    series: { [run.id]: series },
    alarms: { [run.id]: run.alarms(kept) },
    groups: { [run.id]: groups },
    evaluations: { [run.id]: run.evaluations() },
    changes,
    answers,
  };
  return (await makePage({ report: data })).html;
}
