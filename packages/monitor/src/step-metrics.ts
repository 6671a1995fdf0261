/**
 * Per-source metrics of one step, taken while the rollouts stream in. Nothing of a rollout is kept but numbers (and a
 * few examples, if asked), so memory is bounded by the step's rollout count and does not grow with the run.
 *
 * A rollout that was skipped or failed counts in `verdict/*` and in the lengths, never as a reward of 0. One that the
 * verifier could not decide within its limits has accuracy 0 and counts under `verdict/undecided` too. Answers whose
 * boxes look as if they were written in another convention count under `boxes/other_convention`. "Correct" is an
 * accuracy of 1, and for boxes an accuracy at or above the run's stated threshold (arXiv 2505.18129).
 */
import { TASKS, taskDefaults } from "@v-triune/schema";
import type { Verdict } from "@v-triune/verifiers";
import { OTHER_BOX_CONVENTION } from "@v-triune/verifiers/detection";
import { CountedValues } from "./counted-values";
import type { MetricRecord, MetricSplit } from "./metric-record";
import { RunningMoments } from "./running-moments";
import { REFLECTION_WORDS, countReflectionWords } from "./reflection-words";

/** One rollout, as the monitor wants it. */
export interface RolloutRecord {
  readonly dataSource: string;
  readonly task: string;
  /** Which prompt of the step it answers; rollouts of a prompt share it. */
  readonly group: string | number;
  readonly verdict: Verdict;
  /** The number that the advantages were computed from; null when the verdict is not "scored". */
  readonly reward: number | null;
  /** The same before KL was taken off; absent where KL is no part of the reward. */
  readonly score?: number;
  /** Further terms of that number (length penalty, KL), by name. */
  readonly components?: Readonly<Record<string, number>>;
  readonly response: string;
  /** Tokens of the completion, end token included. */
  readonly responseTokens: number;
  readonly promptTokens?: number;
  /** Cut at the length limit, without an end token. */
  readonly truncated: boolean;
  /** Image and video tokens that the model generated and the trainer took out. */
  readonly strippedTokens?: number;
  /**
   * How much it weighs in the loss: its part of the gradient with respect to log-probabilities, in any unit that the
   * rollouts of a step share; 0 if it teaches nothing. Absent outside of training.
   */
  readonly gradientWeight?: number;
  /** For boxes: the accuracy from which the answer is correct. Default that of the step. */
  readonly boxThreshold?: number;
  /** The sample's id; only examples carry it. */
  readonly sampleId?: string;
  /** Of an answer that may take several turns. */
  readonly conversation?: ConversationNumbers;
}

/** A conversation with tools in numbers. */
export interface ConversationNumbers {
  /** Turns of the model. */
  readonly turns: number;
  /** Calls of tools, and those of them that failed. */
  readonly calls: number;
  readonly faults: number;
  /** Tokens that the model was shown between its turns. */
  readonly shownTokens: number;
  /** It called a tool in its last turn. */
  readonly overTurn: boolean;
  /** It ended because observations used up their tokens. */
  readonly overBudget: boolean;
  /** Largest IoU of a crop with a gold box, and largest share of one in a crop; absent where there is no gold box. */
  readonly cropIou?: number;
  readonly cropContainment?: number;
}

export interface StepMetricsOptions {
  /** Default "train". */
  readonly split?: MetricSplit;
  /** Accuracy from which a box answer is correct. Default 0.5. */
  readonly boxThreshold?: number;
  /** Tasks whose answers are boxes. Default those of the detection verifier. */
  readonly boxTasks?: readonly string[];
  /** Correct and wrong answers of a source that are kept as examples, each. Default 0. */
  readonly examplesPerSource?: number;
}

/** A response to look at. */
export interface RolloutExample {
  readonly dataSource: string;
  readonly task: string;
  readonly sampleId?: string;
  readonly correct: boolean;
  readonly reward: number;
  /** At most the first 2,000 characters. */
  readonly response: string;
}

export interface StepMetrics {
  /** Takes one rollout in; keeps no reference to it. */
  add(record: RolloutRecord): void;
  /**
   * The records of the step: every source, then every task, then "all", each in order of first appearance. The
   * aggregation is empty afterwards.
   *
   * @param health numbers of the step as a whole (losses, gradient norms, times), added to the "all" record
   */
  finish(step: number, health?: Readonly<Record<string, number>>): MetricRecord[];
  /** The examples collected since the last `finish`. */
  examples(): readonly RolloutExample[];
}

const EXAMPLE_CHARACTERS = 2000;
/** Reasons are free text: past this many different ones, the rest is counted together. */
const MOST_REASONS = 20;

type Family = "" | "reward/" | "verifier/";
const FAMILIES: readonly Family[] = ["", "reward/", "verifier/"];

function momentsOf(map: Map<string, RunningMoments>, name: string): RunningMoments {
  let moments = map.get(name);
  if (moments === undefined) map.set(name, (moments = new RunningMoments()));
  return moments;
}

/** The numbers of one (source, task) pair, mergeable into a source's, a task's or the step's. */
class Cell {
  readonly rollouts = {
    count: 0,
    truncated: 0,
    scored: 0,
    undecided: 0,
    skipped: 0,
    error: 0,
    notFinite: 0,
    otherBoxes: 0,
  };
  /** Of the rollouts whose weight is known: the number that have any, and the sum. */
  readonly update = { known: 0, effective: 0, weight: 0 };
  /** Of conversations: how many, with a call, over their turns or tokens; calls and those that failed. */
  readonly tools = { conversations: 0, used: 0, overTurn: 0, overBudget: 0, calls: 0, faults: 0, further: 0, right: 0 };
  /** Scored conversations and the right ones, by number of turns. */
  readonly byTurns = new Map<number, { scored: number; correct: number }>();
  /** By family, so that a name is prefixed once a step and not once a rollout. */
  readonly moments = {
    "": new Map<string, RunningMoments>(),
    "reward/": new Map<string, RunningMoments>(),
    "verifier/": new Map<string, RunningMoments>(),
  };
  readonly lengths = new CountedValues();
  readonly groups: RunningMoments[] = [];
  readonly reasons = new Map<string, number>();
  readonly words = new Float64Array(REFLECTION_WORDS.length);
  /** [with reflection, without] × [correct, wrong] */
  readonly reflection = { withCorrect: 0, withWrong: 0, withoutCorrect: 0, withoutWrong: 0, unjudgedWith: 0 };

  observe(family: Family, name: string, value: number): void {
    if (Number.isFinite(value)) momentsOf(this.moments[family], name).add(value);
    else this.rollouts.notFinite += 1;
  }

  countReason(reason: string, times = 1): void {
    const key = this.reasons.has(reason) || this.reasons.size < MOST_REASONS ? reason : "(other reasons)";
    this.reasons.set(key, (this.reasons.get(key) ?? 0) + times);
  }

  countTurns(turns: number, scored: number, correct: number): void {
    const known = this.byTurns.get(turns) ?? { scored: 0, correct: 0 };
    this.byTurns.set(turns, { scored: known.scored + scored, correct: known.correct + correct });
  }

  merge(other: Cell): void {
    for (const key of Object.keys(this.rollouts) as (keyof Cell["rollouts"])[])
      this.rollouts[key] += other.rollouts[key];
    for (const key of Object.keys(this.update) as (keyof Cell["update"])[]) this.update[key] += other.update[key];
    for (const key of Object.keys(this.reflection) as (keyof Cell["reflection"])[])
      this.reflection[key] += other.reflection[key];
    for (const key of Object.keys(this.tools) as (keyof Cell["tools"])[]) this.tools[key] += other.tools[key];
    for (const [turns, { scored, correct }] of other.byTurns) this.countTurns(turns, scored, correct);
    for (const family of FAMILIES)
      for (const [name, theirs] of other.moments[family]) momentsOf(this.moments[family], name).merge(theirs);
    this.lengths.merge(other.lengths);
    for (const group of other.groups) this.groups.push(group);
    for (const [reason, times] of other.reasons) this.countReason(reason, times);
    for (let i = 0; i < this.words.length; i += 1) this.words[i] = this.words[i]! + other.words[i]!;
  }
}

/** Quantiles of the length that are reported. */
const LENGTH_QUANTILES = [
  ["response_length/p50", 0.5],
  ["response_length/p90", 0.9],
  ["response_length/p99", 0.99],
] as const;

/** Which statistics of an observed quantity are reported; the rest reports its mean only. */
const STATISTICS: Readonly<Record<string, readonly ("mean" | "std" | "min" | "max")[]>> = {
  "critic/rewards": ["mean", "std", "min", "max"],
  "critic/score": ["mean", "std", "min", "max"],
  "reward/accuracy": ["mean", "std"],
  "reward/format": ["mean", "std"],
  response_length: ["mean", "std", "min", "max"],
  prompt_length: ["mean", "min", "max"],
  turns: ["mean", "min", "max"],
};

/** The variance of rewards in their groups and that of the groups' means; both sum to the variance of all. */
function rewardVariance(groups: readonly RunningMoments[]): readonly [within: number, between: number] {
  const means = new RunningMoments();
  let squares = 0;
  let count = 0;
  for (const group of groups) {
    squares += group.count * group.std ** 2;
    count += group.count;
    for (let i = 0; i < group.count; i += 1) means.add(group.mean);
  }
  return count === 0 ? [0, 0] : [squares / count, means.std ** 2];
}

/** @param totalWeight of the step's rollouts */
function metricsOf(cell: Cell, totalWeight: number): Record<string, number> {
  const metrics: Record<string, number> = { "rollouts/count": cell.rollouts.count };
  const put = (name: string, numerator: number, denominator: number): void => {
    if (denominator > 0) metrics[name] = numerator / denominator;
  };
  for (const family of FAMILIES) {
    for (const [rest, moments] of cell.moments[family]) {
      const name = family + rest;
      for (const statistic of STATISTICS[name] ?? (["mean"] as const))
        metrics[`${name}/${statistic}`] = moments[statistic];
    }
  }
  const { count, truncated, scored, undecided, skipped, error, notFinite, otherBoxes } = cell.rollouts;
  metrics["verdict/scored"] = scored;
  metrics["verdict/undecided"] = undecided;
  metrics["verdict/skipped"] = skipped;
  metrics["verdict/error"] = error;
  put("verdict/undecided_ratio", undecided, count);
  put("verdict/error_ratio", error, count);
  put("verdict/skipped_ratio", skipped, count);
  if (otherBoxes > 0) metrics["boxes/other_convention"] = otherBoxes;
  if (otherBoxes > 0) put("boxes/other_convention_ratio", otherBoxes, scored);
  if (notFinite > 0) metrics["metrics/not_finite"] = notFinite;

  const quantiles = cell.lengths.quantiles(LENGTH_QUANTILES.map(([, share]) => share));
  for (const [index, value] of quantiles.entries()) metrics[LENGTH_QUANTILES[index]![0]] = value;
  put("response_length/clip_ratio", truncated, count);

  metrics["group/count"] = cell.groups.length;
  put(
    "group/zero_signal_ratio",
    cell.groups.filter((group) => group.count < 2 || group.min === group.max).length,
    cell.groups.length,
  );
  // With one answer per prompt there is no variance within.
  if (cell.groups.some((group) => group.count > 1)) {
    const [within, between] = rewardVariance(cell.groups);
    metrics["group/reward_variance_within"] = within;
    metrics["group/reward_variance_between"] = between;
  }
  put("batch/effective_ratio", cell.update.effective, cell.update.known);
  put("batch/gradient_share", cell.update.weight, totalWeight);

  const { conversations, used, overTurn, overBudget, calls, faults, further, right } = cell.tools;
  put("tools/rate", used, conversations);
  put("tools/calls", calls, conversations);
  put("tools/fault_ratio", faults, calls);
  put("tools/further_calls", further, conversations);
  put("tools/right_with_call", right, conversations);
  put("turns/over_ratio", overTurn, conversations);
  put("turns/over_budget_ratio", overBudget, conversations);
  for (const [turns, { scored: judged, correct }] of [...cell.byTurns].sort(([a], [b]) => a - b)) {
    put(`turns/correct_with/${turns}`, correct, judged);
    put(`turns/share/${turns}`, judged, scored);
  }

  const { withCorrect, withWrong, withoutCorrect, withoutWrong, unjudgedWith } = cell.reflection;
  put("correct/ratio", withCorrect + withoutCorrect, withCorrect + withoutCorrect + withWrong + withoutWrong);
  put("reflection/ratio", withCorrect + withWrong + unjudgedWith, count);
  put("reflection/ratio_correct", withCorrect, withCorrect + withoutCorrect);
  put("reflection/ratio_wrong", withWrong, withWrong + withoutWrong);
  put("reflection/correct_with", withCorrect, withCorrect + withWrong);
  put("reflection/correct_without", withoutCorrect, withoutCorrect + withoutWrong);
  for (const [i, word] of REFLECTION_WORDS.entries()) {
    if (cell.words[i]! > 0) metrics[`reflection/word/${word.replaceAll(" ", "_")}`] = cell.words[i]!;
  }
  return metrics;
}

/**
 * Starts the aggregation of a step's rollouts; use one instance for the whole run.
 *
 * @example
 * const metrics = createStepMetrics();
 * for (const rollout of rollouts) metrics.add(rollout);
 * await sinks.write(metrics.finish(step, { "actor/pg_loss": loss }));
 */
export function createStepMetrics(options: StepMetricsOptions = {}): StepMetrics {
  const split = options.split ?? "train";
  const boxTasks = new Set<string>(
    options.boxTasks ?? TASKS.filter((task) => taskDefaults(task).verifier === "detection"),
  );
  const boxThreshold = options.boxThreshold ?? 0.5;
  const examplesPerSource = options.examplesPerSource ?? 0;
  /** By source, then task: a source may carry several tasks, a task has several sources. */
  let cells = new Map<string, Map<string, Cell>>();
  let groups = new Map<string | number, RunningMoments>();
  let examples: RolloutExample[] = [];
  let exampleCounts = new Map<string, number>();

  function cellOf(dataSource: string, task: string): Cell {
    let byTask = cells.get(dataSource);
    if (byTask === undefined) cells.set(dataSource, (byTask = new Map()));
    let cell = byTask.get(task);
    if (cell === undefined) byTask.set(task, (cell = new Cell()));
    return cell;
  }

  function keepExample(record: RolloutRecord, correct: boolean, reward: number): void {
    const key = `${correct} ${record.dataSource}`;
    const kept = exampleCounts.get(key) ?? 0;
    if (kept >= examplesPerSource) return;
    exampleCounts.set(key, kept + 1);
    examples.push({
      dataSource: record.dataSource,
      task: record.task,
      ...(record.sampleId === undefined ? {} : { sampleId: record.sampleId }),
      correct,
      reward,
      response: record.response.slice(0, EXAMPLE_CHARACTERS),
    });
  }

  function add(record: RolloutRecord): void {
    const cell = cellOf(record.dataSource, record.task);
    const { verdict } = record;
    cell.rollouts.count += 1;
    cell.rollouts[verdict.status] += 1;
    if (verdict.status === "scored" && verdict.reason === "undecided") cell.rollouts.undecided += 1;
    if (record.truncated) cell.rollouts.truncated += 1;
    cell.lengths.add(record.responseTokens);
    cell.observe("", "response_length", record.responseTokens);
    if (record.promptTokens !== undefined) cell.observe("", "prompt_length", record.promptTokens);
    if (record.strippedTokens !== undefined) cell.observe("", "rollout/stripped_image_tokens", record.strippedTokens);

    const { conversation } = record;
    if (conversation !== undefined) {
      cell.tools.conversations += 1;
      if (conversation.calls > 0) cell.tools.used += 1;
      if (conversation.overTurn) cell.tools.overTurn += 1;
      if (conversation.overBudget) cell.tools.overBudget += 1;
      cell.tools.calls += conversation.calls;
      cell.tools.faults += conversation.faults;
      cell.tools.further += Math.max(0, conversation.calls - 1);
      cell.observe("", "turns", conversation.turns);
      cell.observe("", "turns/shown_tokens", conversation.shownTokens);
      if (conversation.cropIou !== undefined) cell.observe("", "tools/crop_iou", conversation.cropIou);
      if (conversation.cropContainment !== undefined)
        cell.observe("", "tools/crop_containment", conversation.cropContainment);
    }

    if (record.gradientWeight !== undefined) {
      cell.update.known += 1;
      if (record.gradientWeight > 0) cell.update.effective += 1;
      cell.update.weight += record.gradientWeight;
    }

    let group = groups.get(record.group);
    if (group === undefined) {
      groups.set(record.group, (group = new RunningMoments()));
      cell.groups.push(group);
    }
    const words = countReflectionWords(record.response);
    if (words !== null) for (let i = 0; i < words.length; i += 1) cell.words[i] = cell.words[i]! + words[i]!;

    if (verdict.status !== "scored" || record.reward === null) {
      if (verdict.status !== "scored") cell.countReason(`${verdict.status}: ${verdict.reason}`);
      if (words !== null) cell.reflection.unjudgedWith += 1;
      return;
    }
    if (Number.isFinite(record.reward)) group.add(record.reward);
    cell.observe("", "critic/rewards", record.reward);
    if (record.score !== undefined) cell.observe("", "critic/score", record.score);
    cell.observe("reward/", "accuracy", verdict.accuracy);
    cell.observe("reward/", "format", verdict.format);
    for (const name in record.components) cell.observe("reward/", name, record.components[name]!);
    for (const name in verdict.metrics) {
      if (name.endsWith(OTHER_BOX_CONVENTION)) cell.rollouts.otherBoxes += 1;
      else cell.observe("verifier/", name, verdict.metrics[name]!);
    }

    const correct = verdict.accuracy >= (boxTasks.has(record.task) ? (record.boxThreshold ?? boxThreshold) : 1);
    if (correct && conversation !== undefined && conversation.calls > conversation.faults) cell.tools.right += 1;
    if (conversation !== undefined) cell.countTurns(conversation.turns, 1, correct ? 1 : 0);
    cell.observe("", correct ? "response_length/correct" : "response_length/wrong", record.responseTokens);
    const kind = words === null ? (correct ? "withoutCorrect" : "withoutWrong") : correct ? "withCorrect" : "withWrong";
    cell.reflection[kind] += 1;
    if (examplesPerSource > 0) keepExample(record, correct, record.reward);
  }

  function finish(step: number, health: Readonly<Record<string, number>> = {}): MetricRecord[] {
    const record = (scope: MetricRecord["scope"], name: string, cell: Cell, task?: string): MetricRecord => ({
      step,
      split,
      scope,
      name,
      ...(task === undefined ? {} : { task }),
      metrics: metricsOf(cell, totalWeight),
      ...(cell.reasons.size === 0 ? {} : { reasons: Object.fromEntries(cell.reasons) }),
    });
    const weights = [...cells.values()].flatMap((byTask) => [...byTask.values()].map((cell) => cell.update.weight));
    const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
    const records: MetricRecord[] = [];
    const tasks = new Map<string, Cell>();
    const all = new Cell();
    for (const [source, byTask] of cells) {
      const whole = new Cell();
      for (const [task, cell] of byTask) {
        whole.merge(cell);
        let taskCell = tasks.get(task);
        if (taskCell === undefined) tasks.set(task, (taskCell = new Cell()));
        taskCell.merge(cell);
        all.merge(cell);
      }
      const [onlyTask, ...others] = byTask.keys();
      records.push(record("source", source, whole, others.length === 0 ? onlyTask : undefined));
    }
    for (const [task, cell] of tasks) records.push(record("task", task, cell, task));
    const overall = record("all", "all", all);
    records.push({ ...overall, metrics: { ...overall.metrics, ...health } });
    cells = new Map();
    groups = new Map();
    examples = [];
    exampleCounts = new Map();
    return records;
  }

  return { add, finish, examples: () => examples };
}
