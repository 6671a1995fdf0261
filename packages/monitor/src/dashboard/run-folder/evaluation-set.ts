/** What the page shows of an evaluation. */
import type { MetricRecord } from "../../metric-record";
import { TOOL_METRICS, toolDrift } from "../../tool-effect";
import type { EvaluationRow, EvaluationSet, ToolEffectRow, ToolShare, ToolTermName } from "../dashboard-api";

/** A row's numbers: by metric, by step. */
interface RowNumbers extends Pick<EvaluationRow, "scope" | "name" | "task"> {
  readonly metrics: Map<string, Map<number, number>>;
}

export type EvaluationNumbers = Map<string, RowNumbers>;

/** Adds a record's numbers; a later one of the same step takes its place. */
export function addEvaluation(rows: EvaluationNumbers, { scope, name, task, step, metrics }: MetricRecord): void {
  const key = `${scope} ${name}`;
  let row = rows.get(key);
  if (row === undefined)
    rows.set(key, (row = { scope, name, task: typeof task === "string" ? task : null, metrics: new Map() }));
  for (const [metric, value] of Object.entries(metrics)) {
    let values = row.metrics.get(metric);
    if (values === undefined) row.metrics.set(metric, (values = new Map()));
    values.set(step, value);
  }
}

/**
 * The owners' metric of a benchmark, accuracy with the tool offered where it was taken away too, else the mean accuracy
 * over the answers, else the mean reward.
 */
function headlineOf(metrics: ReadonlySet<string>): string {
  for (const name of ["benchmark/score", TOOL_METRICS.accuracyOffered]) if (metrics.has(name)) return name;
  const accuracy = [...metrics].find((metric) => /^acc\/mean@\d+$/.test(metric));
  if (accuracy !== undefined || metrics.has("critic/rewards/mean")) return accuracy ?? "critic/rewards/mean";
  return [...metrics].find((metric) => /reward|acc|score/.test(metric)) ?? [...metrics][0] ?? "critic/rewards/mean";
}

const last = (values: ReadonlyMap<number, number> | undefined): number | undefined =>
  [...(values ?? [])].sort(([a], [b]) => a - b).at(-1)?.[1];

function evaluationRow({ scope, name, task, metrics }: RowNumbers, metric: string): EvaluationRow | undefined {
  const points = [...(metrics.get(metric) ?? [])].sort(([a], [b]) => a - b);
  if (points.length === 0) return undefined;
  const inDomain = last(metrics.get("benchmark/in_domain"));
  return {
    scope,
    name,
    task,
    domain: inDomain === undefined ? null : inDomain === 1 ? "in" : "out",
    samples: last(metrics.get("samples/count")) ?? null,
    steps: points.map(([step]) => step),
    values: points.map(([, value]) => (Number.isFinite(value) ? value : null)),
  };
}

/** Names of the means over sources, which the record over all has beside the headline. */
const MEANS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^benchmark\/in_domain_mean$/, "mean of in-domain"],
  [/^benchmark\/out_of_domain_mean$/, "mean of out-of-domain"],
  [/^acc\/source_mean@\d+$/, "mean over sources"],
];

const SHOWN_TERMS = [
  "accuracyWithout",
  "accuracyOffered",
  "gap",
  "callGain",
  "schemaGain",
  "callHarm",
  "schemaHarm",
] as const satisfies readonly ToolTermName[];

/** What the tool brings at every step that was evaluated with it and without. */
function toolEffect(all: RowNumbers | undefined): ToolEffectRow[] {
  const valueAt = (metric: string, step: number): number | null => {
    const value = all?.metrics.get(metric)?.get(step);
    return value !== undefined && Number.isFinite(value) ? value : null;
  };
  const steps = [...(all?.metrics.get(TOOL_METRICS.gap)?.keys() ?? [])].sort((a, b) => a - b);
  const rows = steps.map((step) => {
    const share = (key: ToolTermName): ToolShare | null => {
      const name = TOOL_METRICS[key];
      const value = valueAt(name, step);
      return value === null ? null : { value, low: valueAt(`${name}/low`, step), high: valueAt(`${name}/high`, step) };
    };
    const terms = Object.fromEntries(SHOWN_TERMS.map((key) => [key, share(key)])) as ToolEffectRow["terms"];
    return { step, terms };
  });
  const points = rows.flatMap(({ step, terms }) =>
    terms.accuracyWithout && terms.gap
      ? [{ step, accuracyWithout: terms.accuracyWithout.value, gap: terms.gap.value }]
      : [],
  );
  return rows.map((row) => {
    const until = points.filter(({ step }) => step <= row.step);
    return { ...row, drift: until.length > 1 && until.at(-1)!.step === row.step ? toolDrift(until) : null };
  });
}

/**
 * What the page shows of an evaluation.
 *
 * @param metric default the headline
 * @returns undefined when there are no numbers
 */
export function evaluationSet(
  label: string | null,
  numbers: EvaluationNumbers,
  metric?: string,
): EvaluationSet | undefined {
  const sources = [...numbers.values()]
    .filter(({ scope }) => scope === "source")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  // An imported run may evaluate all together only.
  if (sources.length === 0) sources.push(...numbers.values());
  if (sources.length === 0) return undefined;
  const metrics = new Set(sources.flatMap((row) => [...row.metrics.keys()]));
  const headline = headlineOf(metrics);
  const shown = metric !== undefined && metrics.has(metric) ? metric : headline;
  const rows = sources.flatMap((row) => evaluationRow(row, shown) ?? []);
  const overall = [...numbers.values()].find((row) => row.scope === "all");
  const all = overall && !sources.includes(overall) ? overall : undefined;
  if (all !== undefined && shown === headline) {
    for (const [pattern, name] of MEANS) {
      const found = [...all.metrics.keys()].find((one) => pattern.test(one));
      const row = found === undefined ? undefined : evaluationRow(all, found);
      if (row !== undefined) rows.push({ ...row, name });
    }
  } else if (all !== undefined) rows.push(...[evaluationRow(all, shown) ?? []].flat());
  return { label, headline, metric: shown, metrics: [...metrics].sort(), rows, toolEffect: toolEffect(overall) };
}
