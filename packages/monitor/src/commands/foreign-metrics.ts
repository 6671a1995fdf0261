/**
 * Metrics of other trainers as this monitor's records.
 *
 * - verl's file logger (trainer.logger=[file], verl 0.5 to 0.9): {"step": 12, "data": {"critic/rewards/mean": 0.6,
 *   ..}}; validation as `val-core/<source>/acc/mean@8` and `val-aux/<source>/..`, older ones as
 *   `val/test_score/<source>`.
 * - V-Triune's Python, a verl of its time: the same, with numbers of a source under `<prefix>/<source>/<metric>` (see
 *   SOURCE_PREFIXES). NaN stands as null there (orjson), in older ones as NaN.
 * - TRL: log_history of a trainer_state.json, or one log a line: {"step": 12, "reward": 0.6, "completions/mean_length":
 *   80, ..}.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { MetricRecord, MetricScope, MetricSplit } from "../metric-record";

export type Dialect = "verl" | "TRL" | "v-triune";

/** TRL's names (1.x and the ones before) and ours for the same thing. What is not here keeps its name under `trl/`. */
const TRL_NAMES: Readonly<Record<string, string>> = {
  loss: "actor/loss",
  grad_norm: "actor/grad_norm",
  learning_rate: "actor/lr",
  entropy: "actor/entropy",
  kl: "actor/kl_loss",
  reward: "critic/rewards/mean",
  reward_std: "critic/rewards/std",
  frac_reward_zero_std: "group/zero_signal_ratio",
  step_time: "timing_s/step",
  completion_length: "response_length/mean",
  "completions/mean_length": "response_length/mean",
  "completions/min_length": "response_length/min",
  "completions/max_length": "response_length/max",
  "completions/clipped_ratio": "response_length/clip_ratio",
  "clip_ratio/region_mean": "actor/pg_clipfrac",
  clip_ratio: "actor/pg_clipfrac",
  policy_loss: "actor/pg_loss",
};

/** Under which a metric of one source stands in flat names: ours in TensorBoard, and what forks of verl use. */
const SOURCE_PREFIXES = ["source", "train_source", "data_source"];

interface Place {
  readonly split: MetricSplit;
  readonly scope: MetricScope;
  readonly name: string;
  readonly metric: string;
}

/**
 * Where a flat name belongs. A source's name may itself hold slashes; of validation, the metric begins at a part that
 * ends in `@<n>` or its parent.
 */
export function placeOfVerlName(flat: string): Place {
  const parts = flat.split("/");
  const first = parts[0] ?? "";
  const all: Place = { split: "train", scope: "all", name: "all", metric: flat };
  if (first === "val-core" || first === "val-aux") {
    // <prefix>/<source>/<variable>/<metric@n>[/mean|/std]
    const at = parts.findIndex((part) => /@\d+$/.test(part));
    if (at >= 3)
      return {
        split: "eval",
        scope: "source",
        name: parts.slice(1, at - 1).join("/"),
        metric: parts.slice(at - 1).join("/"),
      };
    if (parts.length >= 3)
      return { split: "eval", scope: "source", name: parts[1] ?? "", metric: parts.slice(2).join("/") };
  }
  if (first === "val" && parts.length >= 3)
    return {
      split: "eval",
      scope: "source",
      name: parts.slice(2).join("/"),
      metric: parts[1] === "test_score" ? "critic/rewards/mean" : (parts[1] ?? ""),
    };
  if (SOURCE_PREFIXES.includes(first) && parts.length >= 3)
    return { split: "train", scope: "source", name: parts[1] ?? "", metric: parts.slice(2).join("/") };
  if (first === "task" && parts.length >= 3)
    return { split: "train", scope: "task", name: parts[1] ?? "", metric: parts.slice(2).join("/") };
  return all;
}

function placeOfTrlName(flat: string): Place {
  const isEvaluation = flat.startsWith("eval_") || flat.startsWith("eval/");
  const bare = flat.replace(/^(eval[_/]|train\/)/, "");
  const reward = /^rewards\/(.+?)(\/(mean|std))?$/.exec(bare);
  const metric = TRL_NAMES[bare] ?? (reward === null ? `trl/${bare}` : `reward/${reward[1]}/${reward[3] ?? "mean"}`);
  return { split: isEvaluation ? "eval" : "train", scope: "all", name: "all", metric };
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "nan") return Number.NaN;
  return value === "Infinity" || value === "inf" ? Infinity : undefined;
}

function recordsOf(
  step: number,
  data: Readonly<Record<string, unknown>>,
  placeOf: (flat: string) => Place,
  nothing?: number,
): MetricRecord[] {
  const records = new Map<string, MetricRecord & { metrics: Record<string, number> }>();
  for (const [flat, raw] of Object.entries(data)) {
    const value = raw === null ? nothing : numberOf(raw);
    if (value === undefined) continue;
    const { split, scope, name, metric } = placeOf(flat);
    const key = JSON.stringify([split, scope, name]);
    let record = records.get(key);
    if (record === undefined) records.set(key, (record = { step, split, scope, name, metrics: {} }));
    record.metrics[metric] = value;
  }
  return [...records.values()];
}

/**
 * The records of one logged object, or null when it is of none of these trainers.
 *
 * @example foreignRecords({ step: 1, data: { "critic/rewards/mean": 0.5 } })
 */
export function foreignRecords(
  value: unknown,
): { readonly dialect: Dialect; readonly records: readonly MetricRecord[] } | null {
  if (!isRecord(value) || typeof value.step !== "number") return null;
  if (isRecord(value.data))
    return { dialect: "verl", records: recordsOf(value.step, value.data, placeOfVerlName, Number.NaN) };
  if (isRecord(value.metrics)) return null;
  const { step: _step, epoch: _epoch, ...data } = value;
  // A flat line with names of verl's families is a flat export of verl's (MLflow, wandb).
  const isVerl = Object.keys(data).some((name) => /^(actor|critic|val-core|response_length|timing_s)\//.test(name));
  return isVerl
    ? { dialect: "verl", records: recordsOf(value.step, data, placeOfVerlName) }
    : { dialect: "TRL", records: recordsOf(value.step, data, placeOfTrlName) };
}
