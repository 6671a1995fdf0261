/**
 * `v-triune eval RUN --tools on,off --turns 1,2,4,8`: the same samples asked without tools and with, at several limits of
 * turns: does accuracy rise with turns, and what does the tool bring? The weights are loaded once per checkpoint.
 */
import { join, resolve } from "node:path";
import { ConfigError } from "@v-triune/errors";
import {
  type Interval,
  type MetricRecord,
  type ToolDrift,
  type ToolPair,
  TOOL_METRICS,
  intervalOf,
  resampledMeans,
  toolDrift,
  toolRecords,
} from "@v-triune/monitor";
import type { EvaluationScores } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { readRunDescription } from "@v-triune/training/run-folder";
import {
  type EvaluateCheckpointOptions,
  type OpenCheckpoint,
  evaluateSets,
  evaluationConfig,
  evaluationFile,
  storeRecords,
  withCheckpoint,
} from "./evaluate-checkpoint";

/** How answers are made: in one turn without tools, or with tools in at most `turns` turns. */
export type TurnsSetting = { readonly tools: "off" } | { readonly tools: "on"; readonly turns: number };

export interface EvaluateTurnsOptions extends Omit<EvaluateCheckpointOptions, "step" | "benchmarks"> {
  /** Checkpoints, ascending; 0: the weights that the run began with. Default the last one. */
  readonly steps?: readonly number[];
  readonly withoutTools: boolean;
  /** Limits of turns with tools, ascending. Default the run's; empty: only without tools. */
  readonly turns?: readonly number[] | undefined;
}

/** A mean accuracy with the ends of its 95% interval over samples. */
export interface Accuracy extends Interval {
  readonly mean: number;
  readonly samples: number;
}

/** What one way of answering came to. */
export interface TurnsScore {
  readonly setting: TurnsSetting;
  readonly scores: EvaluationScores;
  readonly bySource: Readonly<Record<string, Accuracy>>;
  /** The plain mean over sources. */
  readonly all: Accuracy;
  readonly records: readonly MetricRecord[];
  readonly file: string;
}

export interface CheckpointTurns {
  readonly step: number;
  readonly ways: readonly TurnsScore[];
  /** MED's terms, between no tools and the most turns; empty where only one of them was asked for. */
  readonly effect: readonly MetricRecord[];
}

/** What evaluations with and without tools found. */
export interface TurnsEvaluation {
  readonly n: number;
  readonly checkpoints: readonly CheckpointTurns[];
  /** Between the first checkpoint and the last, by source and "all"; empty for one checkpoint. */
  readonly drift: Readonly<Record<string, ToolDrift>>;
  /** Where MED's terms are; undefined without them. */
  readonly effectFile: string | undefined;
}

/** In file names: `tools-off`, `turns-4`. */
export const settingName = (setting: TurnsSetting): string =>
  setting.tools === "off" ? "tools-off" : `turns-${setting.turns}`;

/**
 * @returns undefined when it was interrupted; what was evaluated until then is in its files
 * @throws ConfigError for a run without turns, and for turns that the model's context has no room for
 */
export async function evaluateTurns(options: EvaluateTurnsOptions): Promise<TurnsEvaluation | undefined> {
  const { withoutTools, listen = () => {} } = options;
  const saved = (await readRunDescription(resolve(options.folder))).config;
  const own = saved.rollout.turns ?? null;
  if (own === null)
    throw new ConfigError({
      what: "Answers of this run have one turn and no tools.",
      where: options.folder,
      expected: "a run with rollout.turns",
      fix: "leave --tools and --turns out",
    });
  const limits = options.turns ?? [own.max];
  const config = evaluationConfig(withRoomForTurns(saved, own, limits, options.maxNewTokens), options);
  const settings: TurnsSetting[] = [
    ...(withoutTools ? [{ tools: "off" as const }] : []),
    ...limits.map((turns) => ({ tools: "on" as const, turns })),
  ];
  const checkpoints: CheckpointTurns[] = [];
  for (const step of options.steps ?? [undefined]) {
    const found = await withCheckpoint(config, { ...options, step }, async (checkpoint) => {
      checkRoom(config, checkpoint, limits);
      const ways: TurnsScore[] = [];
      const answers: Answers[] = [];
      for (const setting of settings) {
        const started = performance.now();
        const way = await evaluateWay(config, checkpoint, setting, options);
        if (!way) return undefined;
        ways.push(way.score);
        answers.push(way.answers);
        const seconds = (performance.now() - started) / 1000;
        listen({ type: "evaluated", step: checkpoint.step, scores: way.score.scores, seconds });
      }
      const isPaired = withoutTools && limits.length > 0;
      const effect = isPaired ? toolRecords(checkpoint.step, pairsOf(answers[0]!, answers.at(-1)!)) : [];
      if (effect.length > 0) await storeRecords(effectFile(options), checkpoint.step, effect);
      return { step: checkpoint.step, ways, effect };
    });
    if (!found) return undefined;
    checkpoints.push(found);
  }
  const hasEffect = checkpoints.some(({ effect }) => effect.length > 0);
  return {
    n: config.evaluation.n,
    checkpoints,
    drift: drifts(checkpoints),
    effectFile: hasEffect ? effectFile(options) : undefined,
  };
}

const effectFile = ({ folder, name }: EvaluateTurnsOptions): string =>
  join(resolve(folder), name === undefined ? "eval-tools.jsonl" : `eval-${name}-tools.jsonl`);

/**
 * More turns than in training need more tokens: what answers write and are shown grows in proportion, the same for all
 * limits, so that nothing but the turns differs.
 */
function withRoomForTurns(
  saved: TrainingConfig,
  own: NonNullable<TrainingConfig["rollout"]["turns"]>,
  limits: readonly number[],
  maxNewTokens: number | undefined,
): TrainingConfig {
  const most = Math.max(own.max, ...limits);
  const shown = Math.ceil((own.maxShownTokens * (most - 1)) / Math.max(1, own.max - 1));
  const written = maxNewTokens ?? Math.ceil((saved.evaluation.maxNewTokens * most) / own.max);
  return {
    ...saved,
    rollout: { ...saved.rollout, turns: { ...own, maxShownTokens: shown } },
    evaluation: { ...saved.evaluation, maxNewTokens: written },
  };
}

/**
 * Refuses limits that no answer can reach: every turn writes a token and is shown one.
 *
 * @throws ConfigError
 */
function checkRoom(config: TrainingConfig, { model }: OpenCheckpoint, limits: readonly number[]): void {
  const context = model.policy.config.text.maxPositionEmbeddings;
  const { maxNewTokens } = config.evaluation;
  const most = limits.at(-1) ?? 1;
  const fitting = Math.min(maxNewTokens, context - maxNewTokens);
  if (most <= Math.max(1, fitting)) return;
  throw new ConfigError({
    what: `Answers of ${most} turns do not fit into the model's context.`,
    where: "--turns",
    expected: `${context} tokens (max_position_embeddings of config.json) for the prompt and all turns`,
    found: `answers that may write ${maxNewTokens} tokens`,
    fix:
      fitting < 1
        ? "ask for fewer turns, or for shorter answers: --max-new-tokens"
        : `ask for at most ${fitting} turns, or change --max-new-tokens`,
  });
}

/** Accuracy and calls of the scored answers, by sample. */
type Answers = ReadonlyMap<
  string,
  { readonly source: string; readonly answers: { accuracy: number; called: boolean }[] }
>;

async function evaluateWay(
  config: TrainingConfig,
  { model, step, asked }: OpenCheckpoint,
  setting: TurnsSetting,
  options: EvaluateTurnsOptions,
): Promise<{ readonly score: TurnsScore; readonly answers: Answers } | undefined> {
  const turns = setting.tools === "off" ? null : { ...config.rollout.turns!, max: setting.turns };
  const own: TrainingConfig = { ...config, rollout: { ...config.rollout, turns } };
  const answers = new Map<string, { source: string; answers: { accuracy: number; called: boolean }[] }>();
  const evaluated = await evaluateSets(own, model, {
    ...asked,
    onRollout: ({ prompt, result, conversation }) => {
      if (result.status !== "scored") return;
      const source = prompt.sample.data_source;
      const known = answers.get(prompt.id) ?? { source, answers: [] };
      // A call in the last allowed turn is not made, and still one.
      const called = conversation?.end === "over-turn" || !!conversation?.turns.some(({ calls }) => calls.length > 0);
      known.answers.push({ accuracy: result.accuracy, called });
      answers.set(prompt.id, known);
    },
  });
  if (!evaluated) return undefined;
  const { folder, name } = options;
  const file = evaluationFile({ folder, name: [name, settingName(setting)].filter(Boolean).join("-") });
  await storeRecords(file, step, evaluated.records);
  return { score: { setting, ...evaluated, ...accuracies(answers), file }, answers };
}

function accuracies(answers: Answers): Pick<TurnsScore, "bySource" | "all"> {
  const samples = [...answers.values()];
  const sources = [...new Set(samples.map(({ source }) => source))].sort();
  const found = sources.map((source, index) => {
    // A sample weighs as its answers do: the means are those of the evaluation.
    const rows = samples
      .filter((sample) => sample.source === source)
      .map(({ answers: own }) => [own.reduce((sum, { accuracy }) => sum + accuracy, 0), own.length]);
    const total = (column: number): number => rows.reduce((sum, row) => sum + row[column]!, 0);
    const draws = resampledMeans(rows, { seed: 1 + index }).map(([sum, count]) => sum! / count!);
    return { source, samples: rows.length, mean: total(0) / total(1), draws };
  });
  const overSources = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const draws = found[0]?.draws.map((_, index) => overSources(found.map((one) => one.draws[index]!))) ?? [];
  return {
    bySource: Object.fromEntries(
      found.map(({ source, draws: own, ...rest }) => [source, { ...rest, ...intervalOf(own) }]),
    ),
    all: { samples: samples.length, mean: overSources(found.map(({ mean }) => mean)), ...intervalOf(draws) },
  };
}

/** The samples that have answers of both kinds. */
function pairsOf(without: Answers, offered: Answers): ToolPair[] {
  return [...without].flatMap(([id, { source, answers }]) => {
    const other = offered.get(id);
    return other ? [{ source, without: answers.map(({ accuracy }) => accuracy), offered: other.answers }] : [];
  });
}

function drifts(checkpoints: readonly CheckpointTurns[]): Record<string, ToolDrift> {
  const names = [...new Set(checkpoints.flatMap(({ effect }) => effect.map(({ name }) => name)))];
  return Object.fromEntries(
    names.flatMap((name) => {
      const points = checkpoints.flatMap(({ step, effect }) => {
        const metrics = effect.find((record) => record.name === name)?.metrics;
        const accuracyWithout = metrics?.[TOOL_METRICS.accuracyWithout];
        const gap = metrics?.[TOOL_METRICS.gap];
        return accuracyWithout === undefined || gap === undefined ? [] : [{ step, accuracyWithout, gap }];
      });
      return points.length < 2 ? [] : [[name, toolDrift(points)] as const];
    }),
  );
}
