/**
 * The evaluations that an earlier part of a run made, read back from its metrics.jsonl, so that a resumed run can show
 * what it came from.
 */
import { existsSync } from "node:fs";
import { type MetricRecord, readMetricRecords } from "@v-triune/monitor";
import type { StepEvaluation } from "../training-event";

/** Whole evaluations by step, ascending; one without the record over all sources was broken off and is left out. */
export async function earlierEvaluations(metricsPath: string): Promise<StepEvaluation[]> {
  if (!existsSync(metricsPath)) return [];
  const bySteps = new Map<number, MetricRecord[]>();
  for await (const record of readMetricRecords(metricsPath)) {
    if (record.split !== "eval") continue;
    const records = bySteps.get(record.step) ?? [];
    bySteps.set(record.step, records);
    records.push(record);
  }
  return [...bySteps]
    .filter(([, records]) => records.some(({ scope }) => scope === "all"))
    .map(([step, records]) => ({ step, scores: scoresOf(records) }))
    .sort((a, b) => a.step - b.step);
}

function scoresOf(records: readonly MetricRecord[]): StepEvaluation["scores"] {
  const ofSources = records.filter(({ scope }) => scope === "source");
  const isBenchmark = ({ metrics }: MetricRecord): boolean => metrics["benchmark/score"] !== undefined;
  const pick = (chosen: readonly MetricRecord[], metric: string): Record<string, number> =>
    Object.fromEntries(
      chosen.flatMap(({ name, metrics }) => (metrics[metric] === undefined ? [] : [[name, metrics[metric]]])),
    );
  const sets = ofSources.filter((record) => !isBenchmark(record));
  const benchmarks = pick(ofSources, "benchmark/score");
  // A run without evaluation sets has its benchmarks' scores for sources.
  const bySource = sets.length > 0 ? pick(sets, "reward/accuracy/mean") : benchmarks;
  const values = Object.values(bySource);
  return {
    mean: values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length,
    bySource,
    counts: pick(sets.length > 0 ? sets : ofSources, "verdict/scored"),
    ...(sets.length > 0 && Object.keys(benchmarks).length > 0 ? { benchmarks } : {}),
  };
}
