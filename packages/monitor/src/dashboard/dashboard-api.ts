/** What the server answers and the page reads, as data; nothing of Node or of the browser. */
import type { ToolDrift, ToolTerms } from "../tool-effect";
import type { Alarm } from "../alarms";
import type { MetricScope, MetricSplit } from "../metric-record";

/** - live: a trainer is at work; finished: all steps are done; stopped: neither */
export type RunState = "live" | "finished" | "stopped";

/** What people say of a run. It is text, never markup. */
export interface RunLabels {
  /** Number of changes so far; a change names the one that it is based on. */
  readonly revision: number;
  /** Shown in place of the run's name; null without one. */
  readonly title: string | null;
  readonly tags: readonly string[];
  /** In a list of runs, its first 200 characters. */
  readonly note: string;
  /** Left out of lists unless they are asked for. */
  readonly archived: boolean;
}

/** GET /api/trash: runs that were deleted and can be restored, the latest first. */
export interface TrashedRun {
  readonly id: string;
  /** Of its folder. */
  readonly name: string;
  /** When it was deleted, ISO 8601. */
  readonly at: string;
}

/** GET /api/settings: the configurations of all runs by their id, flattened. */
export type RunSettings = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** GET /api/runs */
export interface RunSummary {
  readonly id: string;
  readonly name: string;
  readonly labels: RunLabels;
  readonly state: RunState;
  /** Last training step on record. */
  readonly step: number;
  /** null where the run does not say. */
  readonly steps: number | null;
  readonly etaSeconds: number | null;
  readonly createdAt: string | null;
  /** Mean reward of the last training step, over all. */
  readonly reward: number | null;
  /** The last part of the model's path; null where the run does not say. */
  readonly model: string | null;
  /** Time that its steps took, evaluations and pauses left out; null where they do not say. */
  readonly seconds: number | null;
  /** The best evaluation of all sources together, by its headline metric; null without one. */
  readonly best: { readonly metric: string; readonly value: number; readonly step: number } | null;
  readonly activeAlarms: number;
  /** Bytes of metrics.jsonl; read < size while a large file is being opened. */
  readonly read: number;
  readonly size: number;
  /** Complete lines of metrics.jsonl that are no records. */
  readonly badLines: number;
}

/** Of what a series is: a source, a task or all, in training or evaluation. */
export interface StreamKey {
  readonly split: MetricSplit;
  readonly scope: MetricScope;
  readonly name: string;
}

export interface Stream extends StreamKey {
  readonly task: string | null;
  readonly metrics: readonly string[];
  /** Why rollouts were left out at the last step that says so. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** GET /api/run */
export interface RunDetail extends RunSummary {
  readonly seed: number | null;
  readonly backend: string | null;
  readonly versions: Readonly<Record<string, string>>;
  /** Where an import took the run from; null for a run of our own. */
  readonly imported: { readonly dialect: string; readonly from: readonly string[] } | null;
  /** What a reader must know of the run, in sentences. */
  readonly notes: readonly string[];
  /** run.json's configuration, flattened: "optimizer.lr" → "0.0003". */
  readonly config: Readonly<Record<string, string>>;
  readonly streams: readonly Stream[];
  /** Steps whose rollouts are stored, ascending. */
  readonly rolloutSteps: readonly number[];
  readonly checkpointSteps: readonly number[];
}

/** A series with few enough points to draw; null where a value was not finite. */
export interface ReducedPoints {
  readonly steps: number[];
  readonly values: (number | null)[];
}

/** One of GET /api/series's answers. */
export interface NamedSeries extends StreamKey, ReducedPoints {
  readonly metric: string;
  /** Points before they were reduced. */
  readonly count: number;
}

/** A cell of the grid: one metric of one source. */
export interface GridCell extends ReducedPoints {
  readonly metric: string;
  readonly last: number | null;
  /** Mean over the later window minus that over the earlier one; null where the source has no value in one of them. */
  readonly change: number | null;
  /** `change` in deviations of the series, negative for worse; 0 where better and worse have no meaning. */
  readonly goodness: number;
}

export interface GridRow {
  readonly name: string;
  readonly task: string | null;
  readonly cells: readonly GridCell[];
}

/** GET /api/grid */
export interface SourceGrid {
  /** What is compared: the last steps of the run against as many before; null with less than two steps. */
  readonly windows: ChangeWindows | null;
  /** Steps in each window; fewer than were asked for where the run has no more. */
  readonly steps: number;
  readonly rows: readonly GridRow[];
}

export interface RunAlarm extends Alarm {
  /** It holds at the run's last step. */
  readonly active: boolean;
  /** The last step up to the alarm's of which rollouts of its source are stored; null if there is none. */
  readonly rolloutStep: number | null;
}

/** GET /api/rollouts: what to look for. All conditions hold together. */
export interface RolloutFilter {
  readonly step?: number;
  readonly source?: string;
  readonly status?: "scored" | "skipped" | "error";
  readonly truncated?: boolean;
  readonly rewardFrom?: number;
  readonly rewardTo?: number;
  readonly lengthFrom?: number;
  readonly lengthTo?: number;
  /** What the response contains; upper and lower case are alike. */
  readonly text?: string;
  readonly order?: "group" | "reward" | "-reward" | "length" | "-length";
  readonly offset?: number;
  readonly limit?: number;
}

export interface RolloutSummary {
  readonly step: number;
  readonly group: number;
  readonly sample: number;
  readonly source: string;
  readonly task: string;
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly reward: number | null;
  readonly advantage: number | null;
  /** null where the trainer did not store it. */
  readonly responseTokens: number | null;
  readonly truncated: boolean;
  /** The answer's end, shortened. */
  readonly excerpt: string;
}

export interface RolloutPage {
  readonly rows: readonly RolloutSummary[];
  readonly total: number;
}

/** A box in thousandths of the picture. */
export interface DrawnBox {
  readonly bbox: readonly [number, number, number, number];
  readonly label: string;
}

export interface RolloutBoxes {
  readonly gold: readonly DrawnBox[];
  readonly predicted: readonly DrawnBox[];
  /** By label, at IoU > 0; what the verifier counts is this from its threshold on. */
  readonly matches: readonly { readonly gold: number; readonly predicted: number; readonly iou: number }[];
}

/** A term of the reward: weight × value. */
export interface RewardTerm {
  readonly name: string;
  readonly weight: number;
  readonly value: number;
}

export interface RewardArithmetic {
  readonly terms: readonly RewardTerm[];
  /** What the sum is divided by; 1 where it is not. */
  readonly divisor: number;
  /** What is added then: overlong penalty, KL. */
  readonly additions: readonly { readonly name: string; readonly value: number }[];
  readonly result: number;
  /** The stored reward is this result. */
  readonly agrees: boolean;
  /** Of what the accuracy of boxes is the weighted mean; null for other answers, and where that does not give it. */
  readonly accuracyTerms: readonly RewardTerm[] | null;
}

/** A call of a tool in a conversation, with what came back. */
export interface ShownCall {
  readonly tool: string;
  /** As JSON. */
  readonly arguments: string;
  /** What the model was told; "" if it was only shown pictures. */
  readonly text: string;
  readonly failed: boolean;
  /** The box that it cut out, and of which of the conversation's pictures; null for other calls. */
  readonly lookedAt: { readonly picture: number; readonly box: DrawnBox["bbox"] } | null;
  /** `source` is data of the page. */
  readonly pictures: RolloutGroup["pictures"];
}

/** A turn of the model. */
export interface ShownTurn {
  readonly text: string;
  readonly tokens: number;
  /** Tokens that it was shown afterwards. */
  readonly shownTokens: number;
  readonly calls: readonly ShownCall[];
}

/** An answer of several turns. */
export interface ShownConversation {
  readonly turns: readonly ShownTurn[];
  /** `answer`, `over-turn`, `length` or `budget`. */
  readonly end: string;
}

export interface RolloutDetail extends RolloutSummary {
  readonly response: string;
  /** Characters of the response before it was cut for the page. */
  readonly responseLength: number;
  readonly accuracy: number | null;
  readonly format: number | null;
  readonly strippedTokens: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** null for answers without boxes. */
  readonly boxes: RolloutBoxes | null;
  readonly arithmetic: RewardArithmetic | null;
  /** Turn by turn; null for an answer of one. */
  readonly conversation: ShownConversation | null;
}

/** GET /api/group: the rollouts of one prompt. */
export interface RolloutGroup {
  readonly step: number;
  readonly group: number;
  readonly source: string;
  readonly task: string;
  readonly id: string;
  readonly prompt: string;
  readonly groundTruth: string;
  readonly promptTokens: number;
  /**
   * Pictures as the model saw them, in pixels. `source` is where the page finds it: a URL, or data in a report; null if
   * it cannot be read.
   */
  readonly pictures: readonly { readonly width: number; readonly height: number; readonly source: string | null }[];
  readonly rollouts: readonly RolloutDetail[];
  /** The groups before and after it in the step. */
  readonly previous: number | null;
  readonly next: number | null;
}

/** A source of an evaluation, or a mean over sources. */
export interface EvaluationRow {
  readonly scope: MetricScope;
  readonly name: string;
  readonly task: string | null;
  /** Whether a benchmark is of what was trained; null where nobody says. */
  readonly domain: "in" | "out" | null;
  /** Samples at the last step. */
  readonly samples: number | null;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/** A share of samples with the ends of its 95% interval, where they are known. */
export interface ToolShare {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** What a tool brings at a checkpoint, by MED's terms; means over sources. */
export interface ToolEffectRow {
  readonly step: number;
  readonly terms: Readonly<Record<ToolTermName, ToolShare | null>>;
  /** Since the first checkpoint; null for that one. */
  readonly drift: Pick<ToolDrift, "intrinsic" | "tool" | "toolShare"> | null;
}

export type ToolTermName = Exclude<
  keyof ToolTerms,
  "callRateOnFailures" | "callRateOnSuccesses" | "fixedByCall" | "brokenByCall"
>;

/** One of GET /api/evaluations's answers: what was evaluated together. */
export interface EvaluationSet {
  /** null for what the run evaluates itself, else the name that `v-triune eval` gave it. */
  readonly label: string | null;
  /** The metric that says how good it is. */
  readonly headline: string;
  /** The metric of the rows. */
  readonly metric: string;
  readonly metrics: readonly string[];
  readonly rows: readonly EvaluationRow[];
  /** By step, of an evaluation with tools and without; else empty. */
  readonly toolEffect: readonly ToolEffectRow[];
}

/** A stretch of steps, both ends included. */
export interface StepWindow {
  readonly from: number;
  readonly to: number;
}

/** Two stretches of steps of one run, which do not overlap. */
export interface ChangeWindows {
  readonly before: StepWindow;
  readonly after: StepWindow;
}

/**
 * - worse, better: beyond what chance does
 * - different: likewise, of a metric that is neither good nor bad
 * - unclear: chance could do that
 * - few: too few prompts (or steps) to tell
 */
export type ChangeVerdict = "worse" | "better" | "different" | "unclear" | "few";

/** One metric of a source, a task or all, in both windows. Every rollout weighs the same. */
export interface ChangeCell {
  readonly metric: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly change: number | null;
  /** Ends of the 95% interval of `change`. */
  readonly low: number | null;
  readonly high: number | null;
  readonly verdict: ChangeVerdict;
}

/** What a row's numbers of a window rest on; null where the run does not state it. */
export interface WindowEvidence {
  /** Steps in which the source occurs. */
  readonly steps: number;
  readonly prompts: number | null;
  readonly rollouts: number | null;
}

export interface ChangeRow {
  readonly scope: MetricScope;
  readonly name: string;
  readonly task: string | null;
  /** The reward first. */
  readonly cells: readonly ChangeCell[];
  readonly before: WindowEvidence;
  readonly after: WindowEvidence;
  /** Of the reward; `gone` and `new`: the source occurs in one window only. */
  readonly verdict: ChangeVerdict | "gone" | "new";
}

/** GET /api/changes: what got worse, first. */
export interface RunChanges extends ChangeWindows {
  /** Steps of each window that the run recorded. */
  readonly steps: { readonly before: number; readonly after: number };
  /** What the bootstrap draws: prompts, or steps where not all rollouts are stored. */
  readonly unit: "prompt" | "step";
  readonly resamples: number;
  readonly seed: number;
  /** What a reader must know about the windows and the numbers, in sentences. */
  readonly notes: readonly string[];
  /** Sources, then tasks, then all; within each the reward that fell most is first. */
  readonly rows: readonly ChangeRow[];
}

/** An answer in a comparison. */
export interface ComparedAnswer {
  readonly sample: number;
  readonly reward: number | null;
  readonly status: string;
  readonly truncated: boolean;
  readonly responseTokens: number | null;
  /** Its end, if it is long. */
  readonly response: string;
  readonly isCut: boolean;
}

/** A prompt's answers at one step. */
export interface ComparedPrompt {
  readonly step: number;
  readonly group: number;
  readonly source: string;
  readonly id: string;
  readonly prompt: string;
  readonly groundTruth: string;
  /** Mean over its scored answers at this step. */
  readonly reward: number | null;
  readonly answers: readonly ComparedAnswer[];
}

/** GET /api/answers: answers before and after, side by side. */
export interface AnswerComparison {
  /**
   * - same-prompts: each pair is one prompt in both windows, the one whose reward fell most first
   * - same-rank: no prompt recurs; each pair has the same rank among the rewards of its window, the lowest first
   */
  readonly pairing: "same-prompts" | "same-rank";
  /** Prompts that occur in both windows. */
  readonly recurring: number;
  readonly pairs: readonly { readonly before: ComparedPrompt | null; readonly after: ComparedPrompt | null }[];
}

/** What a report carries in place of a server. */
export interface ReportData {
  readonly madeAt: string;
  readonly runs: readonly RunDetail[];
  readonly series: Readonly<Record<string, readonly NamedSeries[]>>;
  readonly alarms: Readonly<Record<string, readonly RunAlarm[]>>;
  readonly groups: Readonly<Record<string, readonly RolloutGroup[]>>;
  readonly evaluations: Readonly<Record<string, readonly EvaluationSet[]>>;
  /** The two halves of the run; null where they cannot be compared. */
  readonly changes: Readonly<Record<string, RunChanges | null>>;
  /** By run, then by "scope name" of a row of its changes. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, AnswerComparison>>>>;
}
