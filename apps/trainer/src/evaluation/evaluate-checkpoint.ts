/**
 * `v-triune eval`: a checkpoint of a run, scored apart from training: by default with the run's own settings, while the
 * run goes on or after it. The records go into the run's folder, `eval.jsonl` (or `eval-NAME.jsonl`), never into
 * metrics.jsonl, which belongs to the trainer.
 */
import { appendFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { ConfigError, asWriteError } from "@v-triune/errors";
import { type MetricRecord, formatRecordLine, readMetricRecords } from "@v-triune/monitor";
import { createLocalRewardSource, withAsyncVerifiers } from "@v-triune/rewards";
import { openJudge } from "@v-triune/rewards/judge";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import {
  type BenchmarkScores,
  type ChosenBenchmark,
  type Compute,
  type EvaluateOnBenchmarkOptions,
  type EvaluateOnSetsOptions,
  type EvaluationScores,
  type LoadedModel,
  type TrainingListener,
  evaluateOnBenchmarks,
  evaluateOnSets,
  loadModel,
  openCompute,
  openTurns,
  rowStoreEvents,
  verifyCheckpoint,
  workerCount,
} from "@v-triune/training";
import {
  type BackendSetting,
  type TrainingConfig,
  type TrainingConfigInput,
  resolveTrainingConfig,
} from "@v-triune/training/config";
import { chosenCheckpoint, readRunDescription, writeFileAtomic } from "@v-triune/training/run-folder";
import { type IouEpsilon, createVerifierRegistry } from "@v-triune/verifiers";

export interface EvaluateCheckpointOptions {
  /** The run's folder. */
  readonly folder: string;
  /** Default the last checkpoint; 0: the weights that the run began with. */
  readonly step?: number | undefined;
  /** Paths or globs of Parquet sets in place of the run's evaluation sets. */
  readonly data?: readonly string[];
  /** Answers per sample; above 1, the default temperature is 1. */
  readonly n?: number | undefined;
  readonly temperature?: number | undefined;
  readonly epsilon?: IouEpsilon | undefined;
  readonly samplesPerSource?: number | undefined;
  readonly maxNewTokens?: number | undefined;
  /** Benchmarks in place of the run's evaluation sets. */
  readonly benchmarks?: readonly ChosenBenchmark[] | undefined;
  /** Keeps evaluations apart: `eval-NAME.jsonl`; with benchmarks the default is "benchmarks". */
  readonly name?: string | undefined;
  readonly backend?: BackendSetting | undefined;
  readonly listen?: TrainingListener;
  readonly interruption?: { readonly requested: boolean };
}

/** What an evaluation of a run's checkpoint found. */
export interface CheckpointEvaluation {
  readonly step: number;
  readonly n: number;
  readonly scores: EvaluationScores;
  readonly records: readonly MetricRecord[];
  /** The file that holds them. */
  readonly file: string;
  /** Where benchmarks were asked. */
  readonly benchmarks?: readonly BenchmarkScores[];
}

/** `eval.jsonl` or `eval-NAME.jsonl` in a run's folder. */
export function evaluationFile({
  folder,
  name,
  benchmarks,
}: Pick<EvaluateCheckpointOptions, "folder" | "name" | "benchmarks">): string {
  const label = name ?? (benchmarks === undefined ? undefined : "benchmarks");
  return join(resolve(folder), label === undefined ? "eval.jsonl" : `eval-${label}.jsonl`);
}

/**
 * @returns undefined when it was interrupted; nothing is written then
 * @throws RunFolderError, ConfigError, DatasetError, BenchmarkError, WriteError
 */
export async function evaluateCheckpoint(
  options: EvaluateCheckpointOptions,
): Promise<CheckpointEvaluation | undefined> {
  const { listen = () => {} } = options;
  const config = evaluationConfig((await readRunDescription(resolve(options.folder))).config, options);
  return withCheckpoint(config, options, async ({ model, step, asked }) => {
    const started = performance.now();
    const { benchmarks } = options;
    const evaluated = benchmarks
      ? await withTurns(config, model, (turns) => evaluateOnBenchmarks(benchmarks, config, { ...asked, turns }))
      : await evaluateSets(config, model, asked);
    if (!evaluated) return undefined;
    const file = evaluationFile(options);
    await storeRecords(file, step, evaluated.records);
    listen({ type: "evaluated", step, scores: evaluated.scores, seconds: (performance.now() - started) / 1000 });
    return { step, n: config.evaluation.n, ...evaluated, file };
  });
}

/** A checkpoint whose weights are loaded. */
export interface OpenCheckpoint {
  readonly step: number;
  readonly model: LoadedModel;
  /** What an evaluation of it is told. */
  readonly asked: EvaluateOnBenchmarkOptions & Pick<EvaluateOnSetsOptions, "onRowStore">;
}

/** Loads a checkpoint for the time of `use`. */
export async function withCheckpoint<T>(
  config: TrainingConfig,
  { folder, step, interruption, listen = () => {} }: EvaluateCheckpointOptions,
  use: (checkpoint: OpenCheckpoint) => Promise<T>,
): Promise<T> {
  const checkpoint = step === 0 ? { step, folder: undefined } : await chosenCheckpoint(resolve(folder), step);
  if (checkpoint.folder !== undefined) await verifyCheckpoint(checkpoint.folder);
  const backend = await selectBackend({ prefer: config.backend });
  const model = await loadModel(config.model, config.run.seed, {
    freeze: ["vision", "connector", "language"],
    checkpoint: checkpoint.folder,
    decodeWith: config.rollout.decodeWith,
  });
  let compute: Compute | undefined;
  try {
    compute = await openCompute({
      policy: model.policy,
      config,
      backend: backend.name,
      workers: workerCount(config.workers),
      onProblem: (message) => listen({ type: "warning", message }),
    });
    return await use({
      step: checkpoint.step,
      model,
      asked: {
        model,
        step: checkpoint.step,
        engine: compute.engine,
        onBadRow: (message: string) => listen({ type: "bad-row", message }),
        onRowStore: rowStoreEvents(listen),
        onProgress: (done: number, total: number) => listen({ type: "evaluating", step: checkpoint.step, done, total }),
        interruption,
      },
    });
  } finally {
    await compute?.close();
    model.policy.dispose();
  }
}

type Found = Pick<CheckpointEvaluation, "scores" | "records" | "benchmarks">;

/** On a configuration's evaluation sets, judged in this process. */
export async function evaluateSets(
  config: TrainingConfig,
  model: LoadedModel,
  options: OpenCheckpoint["asked"] & Pick<EvaluateOnSetsOptions, "onRollout">,
): Promise<Found | undefined> {
  const registry = createVerifierRegistry(builtinVerifiers());
  // A run.json of an earlier version does not have the key.
  const judges = config.reward.judge ? [await openJudge(config.reward.judge)] : [];
  const local = createLocalRewardSource(registry, { normalized: config.reward.normalised });
  const rewards = withAsyncVerifiers(local, judges, { normalized: config.reward.normalised });
  const verifiers = [...registry.names, ...judges.map(({ name }) => name)];
  return withTurns(config, model, (turns) => evaluateOnSets(config, { ...options, turns, rewards, verifiers }));
}

async function withTurns<T>(
  config: TrainingConfig,
  model: LoadedModel,
  use: (turns: Awaited<ReturnType<typeof openTurns>>) => Promise<T>,
): Promise<T> {
  const turns = await openTurns(config, model);
  try {
    return await use(turns);
  } finally {
    await turns?.close();
  }
}

/** The configuration of a run with what an evaluation changes. */
export function evaluationConfig(saved: TrainingConfig, options: EvaluateCheckpointOptions): TrainingConfig {
  const { data = [], n = saved.evaluation.n, epsilon, samplesPerSource, maxNewTokens, backend } = options;
  const temperature =
    options.temperature ?? (n > 1 && saved.evaluation.temperature === 0 ? 1 : saved.evaluation.temperature);
  const config = resolveTrainingConfig({
    ...(saved as TrainingConfigInput),
    data: {
      ...(saved.data as TrainingConfigInput["data"]),
      eval: data.length > 0 ? [...data] : (saved.data.eval as TrainingConfigInput["data"]["train"]),
    },
    evaluation: {
      ...saved.evaluation,
      n,
      temperature,
      ...(epsilon === undefined ? {} : { epsilon }),
      ...(samplesPerSource === undefined ? {} : { samplesPerSource }),
      ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    },
    ...(backend === undefined ? {} : { backend }),
  });
  if (config.data.eval.length === 0 && options.benchmarks === undefined) {
    throw new ConfigError({
      what: "There is nothing to evaluate on: the run has no evaluation sets.",
      where: options.folder,
      fix: "name some: --data 'bench/*.parquet', or --benchmarks bench.yaml",
    });
  }
  return config;
}

/**
 * Appends, so that two evaluations may go on at once; a step that is evaluated again replaces what was found before.
 */
export async function storeRecords(file: string, step: number, records: readonly MetricRecord[]): Promise<void> {
  const lines = (all: readonly MetricRecord[]): string => all.map((record) => `${formatRecordLine(record)}\n`).join("");
  const before: MetricRecord[] = [];
  try {
    for await (const record of readMetricRecords(file)) before.push(record);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const others = before.filter((record) => record.step !== step);
  if (others.length < before.length) return writeFileAtomic(file, lines([...others, ...records]));
  try {
    await appendFile(file, lines(records));
  } catch (error) {
    throw asWriteError(error, file);
  }
}
