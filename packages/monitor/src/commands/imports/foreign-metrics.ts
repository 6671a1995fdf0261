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
 * - ms-swift's logging.jsonl: TRL's names, the step as {"global_step/max_steps": "12/100"}, numbers as text.
 * - OpenRLHF, as it logs to W&B: {"train/global_step": 12, "train/policy_loss": 0.1, "train/response_length": 80, ..}.
 * - An export of W&B's history (`run.scan_history()`, `run.history()`, the history artifact) has `_step` and any of
 *   these names; `train/global_step` counts the trainer's steps where `_step` counts calls of `log`.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { MetricRecord, MetricScope, MetricSplit } from "../../metric-record";

export type Dialect = "verl" | "TRL" | "ms-swift" | "OpenRLHF" | "v-triune";

/** TRL's names (1.x and the ones before) and ours for the same thing. What is not here keeps its name under `trl/`. */
const TRL_NAMES: Readonly<Record<string, string>> = {
  loss: "actor/loss",
  grad_norm: "actor/grad_norm",
  learning_rate: "actor/lr",
  entropy: "actor/entropy",
  "entropy/mean": "actor/entropy",
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

/** OpenRLHF's (0.8 to 0.9), likewise; the others keep their name under `openrlhf/`. */
const OPENRLHF_NAMES: Readonly<Record<string, string>> = {
  policy_loss: "actor/pg_loss",
  actor_lr: "actor/lr",
  actor_grad_norm: "actor/grad_norm",
  entropy_loss: "actor/entropy",
  ppo_clip_ratio: "actor/pg_clipfrac",
  ppo_kl: "actor/ppo_kl",
  kl: "actor/kl_loss",
  reward: "critic/rewards/mean",
  response_length: "response_length/mean",
  truncated: "response_length/clip_ratio",
};

/** Names under `train/` by which OpenRLHF is known. */
const OPENRLHF_SIGNS = ["policy_loss", "response_length", "total_length", "actor_lr"];

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

const placeOfAll = (names: Readonly<Record<string, string>>, prefix: string) => (flat: string) => {
  const isEvaluation = flat.startsWith("eval_") || flat.startsWith("eval/");
  const bare = flat.replace(/^(eval[_/]|train\/)/, "");
  const reward = /^rewards\/(.+?)(\/(mean|std))?$/.exec(bare);
  const usual = names[bare] ?? (reward === null ? undefined : `reward/${reward[1]}/${reward[3] ?? "mean"}`);
  return {
    split: isEvaluation ? "eval" : "train",
    scope: "all",
    name: "all",
    metric: usual ?? `${prefix}/${bare}`,
  } as const;
};

const PLACES: Readonly<Record<Exclude<Dialect, "v-triune">, (flat: string) => Place>> = {
  verl: placeOfVerlName,
  TRL: placeOfAll(TRL_NAMES, "trl"),
  "ms-swift": placeOfAll(TRL_NAMES, "ms-swift"),
  OpenRLHF: placeOfAll(OPENRLHF_NAMES, "openrlhf"),
};

const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  nan: Number.NaN,
  Infinity,
  inf: Infinity,
  "-Infinity": -Infinity,
  "-inf": -Infinity,
};

/** A number, or a text that is one; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  if (Object.hasOwn(NOT_FINITE, value)) return NOT_FINITE[value];
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : undefined;
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

/** Names of a step, the trainer's own before those that count calls of a logger. */
const STEP_NAMES = ["step", "train/global_step", "eval/global_step", "global_step", "training/global_step", "_step"];
const SWIFT_STEP = "global_step/max_steps";
/** What else a line says of the time, and not of the training. */
const BESIDE = new Set([...STEP_NAMES, SWIFT_STEP, "epoch", "train/epoch", "_runtime", "_timestamp"]);

/** The step of a logged object and, where it says so, the last one planned; null without a whole step. */
export function loggedStep(
  value: Readonly<Record<string, unknown>>,
): { readonly step: number; readonly steps: number | null } | null {
  const swift = /^(\d+)\/(\d+)$/.exec(String(value[SWIFT_STEP] ?? ""));
  if (swift !== null) return { step: Number(swift[1]), steps: Number(swift[2]) };
  for (const name of STEP_NAMES) {
    const step = numberOf(value[name]);
    if (step !== undefined) return Number.isSafeInteger(step) && step >= 0 ? { step, steps: null } : null;
  }
  return null;
}

function dialectOf(value: Readonly<Record<string, unknown>>): Exclude<Dialect, "v-triune"> {
  if (SWIFT_STEP in value) return "ms-swift";
  // A flat line with names of verl's families is a flat export of verl's (MLflow, W&B).
  if (Object.keys(value).some((name) => /^(actor|critic|val-core|val-aux|response_length|timing_s)\//.test(name)))
    return "verl";
  return OPENRLHF_SIGNS.some((name) => `train/${name}` in value) ? "OpenRLHF" : "TRL";
}

/**
 * The records of one logged object, or null when it is of none of these trainers.
 *
 * @example foreignRecords({ step: 1, data: { "critic/rewards/mean": 0.5 } })
 */
export function foreignRecords(
  value: unknown,
): { readonly dialect: Dialect; readonly records: readonly MetricRecord[] } | null {
  if (!isRecord(value)) return null;
  const found = loggedStep(value);
  if (found === null) return null;
  if (isRecord(value.data))
    return { dialect: "verl", records: recordsOf(found.step, value.data, placeOfVerlName, Number.NaN) };
  if (isRecord(value.metrics)) return null;
  const dialect = dialectOf(value);
  const data = Object.fromEntries(Object.entries(value).filter(([name]) => !BESIDE.has(name)));
  return { dialect, records: recordsOf(found.step, data, PLACES[dialect]) };
}
