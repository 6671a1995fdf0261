/**
 * A model on benchmarks: their questions are asked as training asks its own, and each benchmark scores the answers.
 * Besides mean@n, best@n and maj@n over the questions' scores, a record has the owners' metric as `benchmark/score` and
 * what belongs to it as `benchmark/..`.
 */
import {
  type AnswerScore,
  type Benchmark,
  type BenchmarkDomain,
  BenchmarkError,
  type BenchmarkItem,
  type OpenBenchmark,
  type ScoredItem,
  meanScore,
} from "@v-triune/benchmarks";
import type { MetricRecord } from "@v-triune/monitor";
import type { RewardRequest, RewardResult, RewardSource } from "@v-triune/rewards";
import { type PreparedPrompt, type RolloutEngine, createRandom, isSampleError } from "@v-triune/rollouts";
import { type Sample, emptyVerifierParm } from "@v-triune/schema";
import type { BoxConvention } from "@v-triune/verifiers";
import { configuredPromptMaker } from "../data/configured-prompt-maker";
import type { TrainingConfig } from "../config/training-config";
import { type Evaluated, measureAnswers } from "./measure-answers";
import type { ModelParts } from "../model/load-model";
import { createReasons } from "../data/bad-row-reasons";
import { modelBoxes } from "../model/model-boxes";
import type { OpenTurns } from "../sampling/open-turns";

/** A benchmark with its local copy. */
export interface ChosenBenchmark {
  readonly benchmark: Benchmark;
  /** Absolute. */
  readonly folder: string;
  /** Most questions to ask, a seeded choice; null: all. */
  readonly limit: number | null;
  readonly domain: BenchmarkDomain;
}

export interface EvaluateOnBenchmarkOptions {
  readonly model: ModelParts;
  readonly engine: RolloutEngine;
  readonly step: number;
  /** A question that cannot be asked: its picture is missing or damaged. */
  readonly onBadRow: (message: string) => void;
  readonly onProgress?: (done: number, total: number) => void;
  readonly interruption?: { readonly requested: boolean } | undefined;
  /** Calls off what is being generated. */
  readonly signal?: AbortSignal;
  /** How answers take several turns; undefined: they do not. */
  readonly turns?: OpenTurns | undefined;
}

/** What came out. */
export interface BenchmarkScores {
  readonly chosen: ChosenBenchmark;
  /** The owners' metric. */
  readonly headline: number;
  readonly questions: number;
  readonly leftOut: OpenBenchmark["leftOut"];
  readonly record: MetricRecord;
}

/** Questions of one batch; pictures of benchmarks can be large. */
const batchSize = 32;
/** Streams of the run's seed: the choice of questions, and the sampling of answers, one a step. */
const choiceStream = 29_000_000;
const samplingStream = 30_000_000;

/**
 * @returns undefined when it was interrupted
 * @throws BenchmarkError when the folder is not the benchmark's
 */
async function evaluateOnBenchmark(
  chosen: ChosenBenchmark,
  config: TrainingConfig,
  options: EvaluateOnBenchmarkOptions,
): Promise<BenchmarkScores | undefined> {
  const { model, step, onBadRow, onProgress, interruption, signal, turns } = options;
  const { benchmark, folder, limit } = chosen;
  const { n, temperature, maxNewTokens } = config.evaluation;
  const opened = await benchmark.open(folder);
  const items =
    limit === null
      ? opened.items
      : createRandom(config.run.seed, choiceStream)
          .sample([...opened.items.keys()], limit)
          .sort((a, b) => a - b)
          .map((index) => opened.items[index]!);
  const byId = new Map(items.map((item) => [item.id, item]));
  const answers = new Map<string, AnswerScore>();
  const keyOf = (id: string, response: string): string => `${id}\0${response}`;
  const { override, model: ofModel } = modelBoxes(config, model);
  const rewards = scoringSource(byId, override ?? ofModel, (id, response, answer) =>
    answers.set(keyOf(id, response), answer),
  );
  const answerOf = (prompt: PreparedPrompt, response: string): AnswerScore | undefined =>
    answers.get(keyOf(prompt.sample.reward_model.ground_truth, response));
  const scored: ScoredItem[] = [];
  let unasked = 0;
  const reasons = createReasons();
  const makePrompt = await configuredPromptMaker(
    { ...config, promptPool: { enabled: false, file: null }, rollout: { ...config.rollout, maxNewTokens } },
    model.processor,
    model.policy.config.text.maxPositionEmbeddings,
    turns?.offer,
  );

  async function* batches(): AsyncGenerator<PreparedPrompt[]> {
    for (let from = 0; from < items.length; from += batchSize) {
      const prompts: PreparedPrompt[] = [];
      for (const item of items.slice(from, from + batchSize)) {
        try {
          prompts.push(
            await makePrompt(
              await sampleOf(item, chosen),
              `${benchmark.name}/${item.id}`,
              createRandom(config.run.seed, choiceStream + 1),
            ),
          );
        } catch (error) {
          if (config.strict || !isSampleError(error)) throw error;
          unasked += 1;
          reasons.add(error.message);
          onBadRow(error.message);
        }
      }
      yield prompts;
    }
  }

  const evaluated = await measureAnswers({
    engine: options.engine,
    rewards,
    processor: model.processor,
    context: {
      epsilon: config.evaluation.epsilon,
      training: false,
      ratios: { accuracyRatio: 1, formatRatio: 0 },
    },
    batches: batches(),
    turns,
    total: items.length,
    step,
    seed: config.run.seed,
    boxThreshold: 0.5,
    request: {
      n,
      temperature,
      topP: 1,
      topK: null,
      maxNewTokens,
      seed: createRandom(config.run.seed, samplingStream + step).int(0, 0x7fffffff),
      ...(signal ? { signal } : {}),
    },
    vote: ({ prompt, response }) => answerOf(prompt, response)?.vote ?? null,
    onRollout({ prompt, response, sampleIndex }) {
      const item = byId.get(prompt.sample.reward_model.ground_truth);
      const answer = answerOf(prompt, response);
      if (item && answer && sampleIndex === 0) scored.push({ item, answer });
    },
    ...(onProgress ? { onProgress } : {}),
    interruption,
  });
  if (!evaluated) return undefined;
  if (unasked > 0 && unasked === items.length) {
    throw new BenchmarkError({
      what: `No question of ${benchmark.name} can be asked.`,
      where: folder,
      expected: "its pictures beside its questions",
      found: `${unasked} ${unasked === 1 ? "question" : "questions"} left out\n${reasons.format()}`,
      fix: "fix what the messages name",
    });
  }
  const { headline, further } = opened.summarize?.(scored) ?? { headline: meanScore(scored), further: {} };
  const found = evaluated.records.find(({ scope }) => scope === "source");
  const leftOut =
    unasked === 0 ? opened.leftOut : { ...opened.leftOut, "as its picture or prompt can't be used": unasked };
  return {
    chosen,
    headline,
    questions: items.length - unasked,
    leftOut,
    record: {
      step,
      split: "eval",
      scope: "source",
      name: benchmark.name,
      task: benchmark.task,
      metrics: {
        ...found?.metrics,
        "benchmark/score": headline,
        "benchmark/in_domain": chosen.domain === "in" ? 1 : 0,
        "benchmark/left_out": Object.values(leftOut).reduce((sum, count) => sum + count, 0),
        ...Object.fromEntries(Object.entries(further).map(([name, value]) => [`benchmark/${name}`, value])),
      },
      ...(found?.reasons ? { reasons: found.reasons } : {}),
    },
  };
}

/** A question in a sample's form; the id stands where a sample has its gold, so that the answer finds its question. */
async function sampleOf(item: BenchmarkItem, { benchmark }: ChosenBenchmark): Promise<Sample> {
  const pictures = await item.pictures();
  return {
    data_source: benchmark.name,
    images: pictures.map((picture) =>
      typeof picture === "string" ? { bytes: null, path: picture } : { bytes: picture, path: null },
    ),
    prompt: [{ role: "user", content: item.prompt }],
    ability: benchmark.task,
    reward_model: {
      answer: "",
      ground_truth: item.id,
      accuracy_ratio: 1,
      format_ratio: 0,
      verifier: "benchmark",
      verifier_parm: emptyVerifierParm(),
    },
    extra_info: { id: item.id, image_path: null },
  };
}

/** The benchmark's own scoring as a reward source. */
function scoringSource(
  items: ReadonlyMap<string, BenchmarkItem>,
  boxes: BoxConvention | undefined,
  onAnswer: (id: string, response: string, answer: AnswerScore) => void,
): RewardSource {
  return {
    async *score(requests: Iterable<RewardRequest> | AsyncIterable<RewardRequest>): AsyncGenerator<RewardResult> {
      let index = 0;
      for await (const { response, sample } of requests) {
        const grid =
          (sample.params as { readonly image_grid_thw?: readonly (readonly number[])[] }).image_grid_thw ?? [];
        const answer = items.get(sample.groundTruth)!.score(
          response,
          grid.map(([, height = 0, width = 0]) => ({ width, height, boxes })),
        );
        onAnswer(sample.groundTruth, response, answer);
        if (answer.score === null) yield { index, status: "skipped", reason: "scored over the whole set only" };
        else yield { index, status: "scored", reward: answer.score, accuracy: answer.score, format: 0, metrics: {} };
        index += 1;
      }
    },
  };
}

/** What several benchmarks came to. */
export interface BenchmarksEvaluated extends Evaluated {
  readonly benchmarks: readonly BenchmarkScores[];
}

/**
 * Asks benchmarks one after another. The scores are the owners' metrics by the benchmarks' names.
 *
 * @returns undefined when it was interrupted
 * @throws BenchmarkError when a folder is not the benchmark's
 */
export async function evaluateOnBenchmarks(
  chosen: readonly ChosenBenchmark[],
  config: TrainingConfig,
  options: EvaluateOnBenchmarkOptions,
): Promise<BenchmarksEvaluated | undefined> {
  const benchmarks: BenchmarkScores[] = [];
  for (const one of chosen) {
    const result = await evaluateOnBenchmark(one, config, options);
    if (result === undefined) return undefined;
    benchmarks.push(result);
  }
  const summary = benchmarkSummary(options.step, config.evaluation.n, benchmarks);
  const byName = (pick: (scores: BenchmarkScores) => number): Record<string, number> =>
    Object.fromEntries(benchmarks.map((scores) => [scores.chosen.benchmark.name, pick(scores)]));
  return {
    benchmarks,
    records: [...benchmarks.map(({ record }) => record), summary],
    scores: {
      mean: summary.metrics[`acc/source_mean@${config.evaluation.n}`] ?? 0,
      bySource: byName(({ headline }) => headline),
      counts: byName(({ questions }) => questions),
    },
  };
}

/**
 * The record over all benchmarks: means of the owners' metrics, with those of tasks that are trained and of others
 * apart.
 */
function benchmarkSummary(step: number, n: number, results: readonly BenchmarkScores[]): MetricRecord {
  const mean = (domain?: "in" | "out"): number | undefined => {
    const values = results
      .filter(({ chosen }) => domain === undefined || chosen.domain === domain)
      .map(({ headline }) => headline);
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;
  };
  const [all, inDomain, outOfDomain] = [mean(), mean("in"), mean("out")];
  return {
    step,
    split: "eval",
    scope: "all",
    name: "all",
    metrics: {
      "samples/count": results.reduce((sum, { questions }) => sum + questions, 0),
      ...(all === undefined ? {} : { [`acc/source_mean@${n}`]: all }),
      ...(inDomain === undefined ? {} : { "benchmark/in_domain_mean": inDomain }),
      ...(outOfDomain === undefined ? {} : { "benchmark/out_of_domain_mean": outOfDomain }),
    },
  };
}
