/**
 * What the monitor passes around: one record a step and source, one a step and task, one a step for everything.
 * metrics.jsonl is these records, a line each.
 */

/** Training rollouts, or answers of an evaluation. */
export type MetricSplit = "train" | "eval";

/** Over what the numbers were taken. */
export type MetricScope = "source" | "task" | "all";

export interface MetricRecord {
  /** Optimizer-independent step of the run, from 1; 0 is the evaluation before the first step. */
  readonly step: number;
  readonly split: MetricSplit;
  readonly scope: MetricScope;
  /** The source for scope "source", the task for "task", "all" otherwise. */
  readonly name: string;
  /** The task of a source whose samples all have the same one; absent for mixed sources and for "all". */
  readonly task?: string;
  /** Numbers by name; docs/metrics.md lists the names. A metric without data is absent, never NaN for lack of data. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Why rollouts were left out: "skipped: .." and "error: .." with how often. Absent when none was. */
  readonly reasons?: Readonly<Record<string, number>>;
}

/**
 * The name that a flat metric store (TensorBoard, MLflow) shows. Training metrics of the whole step keep verl's bare
 * names, so that its dashboards fit; sources and tasks come under their own prefix; evaluation under verl's `val-core`.
 *
 * @example
 * metricTag({ split: "train", scope: "source", name: "CLEVR" }, "critic/rewards/mean")
 * // "source/CLEVR/critic/rewards/mean"
 */
export function metricTag(record: Pick<MetricRecord, "split" | "scope" | "name">, metric: string): string {
  if (record.split === "eval") return `val-core/${record.name}/${metric}`;
  return record.scope === "all" ? metric : `${record.scope}/${record.name}/${metric}`;
}
