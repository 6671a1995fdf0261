/**
 * What came out of one run of a sweep, read from its folder: scores before and after, curves, gradient norms by layer.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type MetricRecord, readMetricRecords } from "@v-triune/monitor";
import { type LayerProfile, gradientProfile } from "../analysis/gradient-profile";

/** Mean accuracies of one evaluation. */
export interface SweepScores {
  readonly step: number;
  /** The plain mean over the sources. */
  readonly mean: number;
  readonly bySource: Readonly<Record<string, number>>;
  readonly byTask: Readonly<Record<string, number>>;
}

export interface RunResult {
  readonly name: string;
  readonly cases: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly status: "finished" | "failed" | "unfinished";
  /** Why it failed. */
  readonly problem: string | null;
  /** Training steps done. */
  readonly steps: number;
  /** Spent in training steps, without evaluations and saving. */
  readonly seconds: number;
  readonly before: SweepScores | null;
  readonly after: SweepScores | null;
  /** The evaluation with the highest mean. */
  readonly best: SweepScores | null;
  /** Mean training reward of the last tenth of the steps. */
  readonly reward: number | null;
  /** By metric, [step, value] pairs: training metrics of the whole step, and `eval/mean`, `eval/NAME` by source. */
  readonly curves: Readonly<Record<string, readonly (readonly [step: number, value: number])[]>>;
  readonly gradients: readonly LayerProfile[];
}

/** Metrics of the whole step whose curves are kept. */
const curveMetrics = [
  "critic/rewards/mean",
  "reward/accuracy/mean",
  "reward/format/mean",
  "reward/iou_epsilon",
  "response_length/mean",
  "response_length/clip_ratio",
  "group/zero_signal_ratio",
  "actor/entropy",
  "actor/grad_norm",
  "actor/grad_norm/vision",
  "actor/grad_norm/language",
  "actor/pg_clipfrac",
  "actor/ppo_kl",
];

/** The numbers of a run folder; empty ones where the run has not begun. */
export async function readRunResult(
  folder: string,
): Promise<Omit<RunResult, "name" | "cases" | "seed" | "status" | "problem">> {
  const records: MetricRecord[] = [];
  const path = join(folder, "metrics.jsonl");
  if (existsSync(path)) for await (const record of readMetricRecords(path)) records.push(record);
  const train = records.filter(({ split, scope }) => split === "train" && scope === "all");
  const evaluations = scores(records);
  const curves: Record<string, [number, number][]> = {};
  const add = (name: string, step: number, value: number | undefined): void => {
    if (value !== undefined && Number.isFinite(value)) (curves[name] ??= []).push([step, rounded(value)]);
  };
  for (const { step, metrics } of train) for (const name of curveMetrics) add(name, step, metrics[name]);
  for (const { step, mean, bySource } of evaluations) {
    add("eval/mean", step, mean);
    for (const [source, value] of Object.entries(bySource)) add(`eval/${source}`, step, value);
  }
  const rewards = (curves["critic/rewards/mean"] ?? []).map(([, value]) => value);
  const lastTenth = rewards.slice(-Math.max(1, Math.round(rewards.length / 10)));
  const before = evaluations[0]?.step === 0 ? evaluations[0] : null;
  return {
    steps: train.at(-1)?.step ?? 0,
    seconds: rounded(train.reduce((sum, { metrics }) => sum + (metrics["timing_s/step"] ?? 0), 0)),
    before,
    after: evaluations.findLast(({ step }) => step > 0) ?? null,
    best: evaluations.reduce<SweepScores | null>(
      (best, one) => (best === null || one.mean > best.mean ? one : best),
      null,
    ),
    reward: lastTenth.length === 0 ? null : rounded(lastTenth.reduce((a, b) => a + b, 0) / lastTenth.length),
    curves,
    gradients: gradientProfile(records).groups,
  };
}

function scores(records: readonly MetricRecord[]): SweepScores[] {
  const byStep = new Map<number, { bySource: Record<string, number>; byTask: Record<string, number>; mean?: number }>();
  for (const { split, scope, step, name, metrics } of records) {
    if (split !== "eval") continue;
    const at = byStep.get(step) ?? { bySource: {}, byTask: {} };
    byStep.set(step, at);
    const value = find(metrics, scope === "all" ? /^acc\/source_mean@\d+$/ : /^acc\/mean@\d+$/);
    if (value === undefined) continue;
    if (scope === "source") at.bySource[name] = rounded(value);
    else if (scope === "task") at.byTask[name] = rounded(value);
    else at.mean = rounded(value);
  }
  return [...byStep]
    .flatMap(([step, { mean, ...rest }]) => (mean === undefined ? [] : [{ step, mean, ...rest }]))
    .sort((a, b) => a.step - b.step);
}

function find(metrics: Readonly<Record<string, number>>, pattern: RegExp): number | undefined {
  const name = Object.keys(metrics).find((key) => pattern.test(key));
  return name === undefined ? undefined : metrics[name];
}

/** Six digits: what is shown, without the noise of the last bits. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
