/**
 * What a tool brings, and what reinforcement learning changed of it: MED ("What Does Vision Tool-Use Reinforcement
 * Learning Really Learn?", arXiv 2602.01334), from evaluations with the tool offered and without it.
 *
 * Of a sample, let a be how right the answer without the tool is, b the one with the tool offered (1 right, 0 wrong),
 * and c whether the latter called. Means over samples:
 *
 *   gap         G = mean(b) − mean(a) = call gain + schema gain − call harm − schema harm
 *   call gain     = mean((1 − a) · b · c)              wrong without the tool, right after a call
 *   schema gain   = mean((1 − a) · b · (1 − c))        wrong without the tool, right with it offered and not called
 *   call harm     = mean(a · (1 − b) · c)              right without the tool, wrong after a call
 *   schema harm   = mean(a · (1 − b) · (1 − c))        right without the tool, wrong with it offered and not called
 *
 * Each term is mass × policy × quality: call gain = P(fail) · P(call | fail) · P(right | call, fail), and so on.
 * Between checkpoints 0 and t:
 *
 *   intrinsic drift  f(t) = mean(a)(t) − mean(a)(0)
 *   tool drift       Δ(t) = G(t) − G(0)
 *   tool share       S = ∫|Δ| / (∫|f| + ∫|Δ|), over steps, by the trapezoidal rule; 0 if nothing moved
 *
 * As in MED's evaluation code, a call counts as one whether or not it failed.
 *
 * Deviations: several answers per sample are paired each with each (the expectation over pairs), where MED has one; an
 * answer that is partly right (a mean IoU) counts as that share of one; |Δ| of two steps with different signs is
 * integrated as MED does it, from the values at the steps.
 */
import type { MetricRecord } from "./metric-record";
import { type Interval, type PromptBootstrapOptions, intervalOf, resampledMeans } from "./prompt-bootstrap";

/** An answer with the tool offered. */
export interface OfferedAnswer {
  /** 0..1 */
  readonly accuracy: number;
  /** Whether it called a tool, or tried to. */
  readonly called: boolean;
}

/** The scored answers to one sample; at least one of both kinds. */
export interface ToolPair {
  readonly source: string;
  /** Accuracies of the answers without the tool, 0..1. */
  readonly without: readonly number[];
  readonly offered: readonly OfferedAnswer[];
}

/** MED's terms of one checkpoint: shares of samples. */
export interface ToolTerms {
  readonly accuracyWithout: number;
  readonly accuracyOffered: number;
  readonly gap: number;
  readonly callGain: number;
  readonly schemaGain: number;
  readonly callHarm: number;
  readonly schemaHarm: number;
  /** Share of samples that are called on where the answer without the tool is wrong; null without such samples. */
  readonly callRateOnFailures: number | null;
  readonly callRateOnSuccesses: number | null;
  /** Share of the calls on failures after which the answer is right; null without such calls. */
  readonly fixedByCall: number | null;
  /** Share of the calls on successes after which the answer is wrong; null without such calls. */
  readonly brokenByCall: number | null;
}

/** Means that all terms follow from: a, b, the four terms, calls on failures, calls on successes. */
type Columns = readonly number[] | Float64Array;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function columnsOf({ without, offered }: ToolPair): number[] {
  if (without.length === 0 || offered.length === 0) throw new RangeError("toolTerms: a sample without answers");
  const a = mean(without);
  const over = (value: (answer: OfferedAnswer) => number): number => mean(offered.map(value));
  const called = over((answer) => (answer.called ? 1 : 0));
  return [
    a,
    over(({ accuracy }) => accuracy),
    (1 - a) * over((answer) => (answer.called ? answer.accuracy : 0)),
    (1 - a) * over((answer) => (answer.called ? 0 : answer.accuracy)),
    a * over((answer) => (answer.called ? 1 - answer.accuracy : 0)),
    a * over((answer) => (answer.called ? 0 : 1 - answer.accuracy)),
    (1 - a) * called,
    a * called,
  ];
}

function termsOf(columns: Columns): ToolTerms {
  const [a, b, callGain, schemaGain, callHarm, schemaHarm, failCalls, successCalls] = columns as number[];
  const share = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);
  return {
    accuracyWithout: a!,
    accuracyOffered: b!,
    gap: b! - a!,
    callGain: callGain!,
    schemaGain: schemaGain!,
    callHarm: callHarm!,
    schemaHarm: schemaHarm!,
    callRateOnFailures: share(failCalls!, 1 - a!),
    callRateOnSuccesses: share(successCalls!, a!),
    fixedByCall: share(callGain!, failCalls!),
    brokenByCall: share(callHarm!, successCalls!),
  };
}

/**
 * MED's terms over samples, all of one weight.
 *
 * @throws RangeError without samples, and for a sample without answers
 */
export function toolTerms(pairs: readonly ToolPair[]): ToolTerms {
  if (pairs.length === 0) throw new RangeError("toolTerms: no samples");
  const rows = pairs.map(columnsOf);
  return termsOf(rows[0]!.map((_, column) => mean(rows.map((row) => row[column]!))));
}

/** One checkpoint, as the drift sees it. */
export interface ToolPoint {
  readonly step: number;
  readonly accuracyWithout: number;
  readonly gap: number;
}

/** What changed between the first of some checkpoints and the last. */
export interface ToolDrift {
  readonly from: number;
  readonly to: number;
  readonly intrinsic: number;
  readonly tool: number;
  /** The tool's share of what moved, 0..1. */
  readonly toolShare: number;
}

/**
 * @param points at least two, by ascending step
 * @throws RangeError for fewer points, or steps that do not ascend
 */
export function toolDrift(points: readonly ToolPoint[]): ToolDrift {
  const [first] = points;
  const last = points.at(-1);
  if (points.length < 2 || !first || !last) throw new RangeError("toolDrift: fewer than two checkpoints");
  let [intrinsicArea, toolArea] = [0, 0];
  for (const [index, point] of points.entries()) {
    const before = points[index - 1];
    if (!before) continue;
    if (point.step <= before.step) throw new RangeError("toolDrift: steps do not ascend");
    const trapezoid = (value: (of: ToolPoint) => number): number =>
      ((value(before) + value(point)) / 2) * (point.step - before.step);
    intrinsicArea += trapezoid((of) => Math.abs(of.accuracyWithout - first.accuracyWithout));
    toolArea += trapezoid((of) => Math.abs(of.gap - first.gap));
  }
  const moved = intrinsicArea + toolArea;
  return {
    from: first.step,
    to: last.step,
    intrinsic: last.accuracyWithout - first.accuracyWithout,
    tool: last.gap - first.gap,
    toolShare: moved === 0 ? 0 : toolArea / moved,
  };
}

/** Names of the terms as metrics. */
export const TOOL_METRICS = {
  accuracyWithout: "med/accuracy_without",
  accuracyOffered: "med/accuracy_offered",
  gap: "med/gap",
  callGain: "med/call_gain",
  schemaGain: "med/schema_gain",
  callHarm: "med/call_harm",
  schemaHarm: "med/schema_harm",
  callRateOnFailures: "med/call_rate_on_failures",
  callRateOnSuccesses: "med/call_rate_on_successes",
  fixedByCall: "med/fixed_by_call",
  brokenByCall: "med/broken_by_call",
} as const satisfies Record<keyof ToolTerms, string>;

/**
 * The terms as records of an evaluation: one per source, one over all, the plain mean over sources, with the ends of
 * 95% intervals over samples as `<metric>/low` and `<metric>/high`.
 */
export function toolRecords(
  step: number,
  pairs: readonly ToolPair[],
  { resamples = 1_000, seed = 1 }: PromptBootstrapOptions = {},
): MetricRecord[] {
  const sources = [...new Set(pairs.map(({ source }) => source))].sort();
  const found = sources.map((source, index) => {
    const rows = pairs.filter((pair) => pair.source === source).map(columnsOf);
    const means = rows[0]!.map((_, column) => mean(rows.map((row) => row[column]!)));
    // Every source has draws of its own.
    const draws = resampledMeans(rows, { resamples, seed: seed + index });
    return { scope: "source" as const, name: source, samples: rows.length, means, draws };
  });
  if (found.length === 0) return [];
  const overSources = (columns: readonly Columns[]): number[] =>
    columns[0] ? Array.from(columns[0], (_, column) => mean(columns.map((one) => one[column]!))) : [];
  const all = {
    scope: "all" as const,
    name: "all",
    samples: pairs.length,
    means: overSources(found.map(({ means }) => means)),
    draws: Array.from({ length: resamples }, (_, index) => overSources(found.map(({ draws }) => draws[index]!))),
  };
  return [...found, all].map(({ scope, name, samples, means, draws }): MetricRecord => ({
    step,
    split: "eval",
    scope,
    name,
    metrics: { "samples/count": samples, ...withIntervals(termsOf(means), draws.map(termsOf)) },
  }));
}

function withIntervals(terms: ToolTerms, draws: readonly ToolTerms[]): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const key of Object.keys(TOOL_METRICS) as (keyof ToolTerms)[]) {
    const value = terms[key];
    if (value === null) continue;
    const { low, high }: Interval = intervalOf(draws.flatMap((draw) => draw[key] ?? []));
    metrics[TOOL_METRICS[key]] = value;
    metrics[`${TOOL_METRICS[key]}/low`] = low;
    metrics[`${TOOL_METRICS[key]}/high`] = high;
  }
  return metrics;
}
