/**
 * How fast this machine computes parts of a step, by the code that a run computes with: its data, its decoder, its
 * threads, its learner. Some steps are made, with fewer prompts, tokens and rows where they would take long; each has
 * prompts of its own, as a run's steps have. Nothing is trained that outlives the measurement.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendChoice } from "@v-triune/backend";
import { type Learner, type TrainingRow, type UpdateStats, createLearner } from "@v-triune/grpo";
import type { GradientCheckpointing, Processor, TokenizedRollout, VlmConfig, VlmPolicy } from "@v-triune/policy";
import type { PreparedPrompt, RolloutEngine, SamplingRequest, ToolOffer } from "@v-triune/rollouts";
import {
  type Compute,
  type StepTrial,
  answerTokens,
  learnerConfig,
  openCompute,
  withStepTrial,
  workerCount,
} from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import type { Clock } from "./clock";
import { type EvaluatedShape, measureEvaluation } from "./measure-evaluation";
import { openMeasuredPolicy } from "./measured-model";
import { answeredRows, countTokens, forwardWork, promptsInTurn, towerWork } from "./step-work";
import { type Decoded, type GenerationTimes, fullAnswers, timeGeneration } from "./timed-generation";

/** Seconds. */
export interface Speed {
  /** The tower's forward pass over all `MeasureOptions.pictures`; 0 where it is part of the other figures. */
  readonly tower: number;
  /** Of a round's prompts, and the first token of each answer. */
  readonly prefill: number;
  /** One more token of each of a round's answers, in the middle of its length. */
  readonly token: number;
  /** Log-probabilities of the trained rows, without a gradient. */
  readonly forward: number;
  /** Gradients of the trained rows. */
  readonly gradients: number;
  /** Of few rows: what a micro-batch takes, however small. */
  readonly fewGradients: number;
  /** One step of the optimizer. */
  readonly optimizer: number;
  /** As `prefill` and `token`, of an evaluation's prompts; 0 without evaluations. */
  readonly evaluatedPrefill: number;
  readonly evaluatedToken: number;
}

/** A step as it was measured. */
export interface Round {
  readonly prompts: readonly PreparedPrompt[];
  readonly trained: readonly TokenizedRollout[];
  readonly few: readonly TokenizedRollout[];
}

/** What was measured: the same for all models of an estimate. */
export interface MeasuredShape {
  readonly rounds: readonly Round[];
  /** Answers to each prompt. */
  readonly answers: number;
  readonly decoded: Decoded;
  readonly evaluated: EvaluatedShape | undefined;
}

/** The micro-batches of one mini-batch of the run. */
export interface PlannedUpdate {
  readonly microBatches: number;
  /** Those that one thread computes. */
  readonly turns: number;
  /** How often a prompt's pictures are computed if their tower is trained. */
  readonly pictures: number;
  /** Tokens that go through the model. */
  readonly tokens: number;
  /**
   * Arithmetic of a forward pass of the run's model (step-work.ts), and what it would be if threads that have nothing
   * left to do computed on.
   */
  readonly work: number;
}

export interface Measured {
  readonly speed: Speed;
  readonly shape: MeasuredShape;
  /** Seconds of a step that are neither generating nor updating: data, rewards, reports. Of all its prompts. */
  readonly rest: number;
  /** The same of an evaluation. */
  readonly aroundEvaluation: number;
  /** Whether pictures are computed again in each update. */
  readonly trainsTower: boolean;
  /** Of what was trained. */
  readonly measured: PlannedUpdate;
  readonly few: PlannedUpdate;
  /** Of the run, with answers of full and of half the length. */
  readonly full: PlannedUpdate;
  readonly half: PlannedUpdate;
}

export interface MeasureOptions {
  readonly config: TrainingConfig;
  /** Of the measured model. */
  readonly architecture: VlmConfig;
  /** Of the run's. */
  readonly whole: VlmConfig;
  /** Some of the run, prepared. */
  readonly prompts: readonly PreparedPrompt[];
  /** Prompts as the measured model can take them: without pictures where its tower is not the run's. */
  readonly taken: (prompt: PreparedPrompt) => PreparedPrompt;
  readonly processor: Processor;
  readonly tools: ToolOffer | undefined;
  /** Prompts of one evaluation. */
  readonly evaluated: number;
  readonly backend: BackendChoice;
  readonly sourceFolder: string;
  readonly gradientCheckpointing: GradientCheckpointing;
  readonly clock: Clock;
}

/** Seconds that a measurement of decoding, one of training and one of an evaluation's prompts may take. */
const DECODING_SECONDS = 1;
const TRAINING_SECONDS = 3;
const EVALUATION_SECONDS = 2;
/** Rows that one thread decodes at once (`GenerateOptions.maxRows`). */
const ROWS_AT_ONCE = 256;
/** Tokens of all prompts of a round together, and by which they are extended. */
const PROMPT_TOKENS = 1024;
const MOST_EXTENDED = 512;
/** Of the updates that find out how fast training is. */
const FEW_TOKENS = 64;
/** Steps that are measured, after one that finds out how much to measure. */
const ROUNDS = 2;

/** What is open while a model is measured. */
interface Opened {
  readonly options: MeasureOptions;
  readonly policy: VlmPolicy;
  readonly learner: Learner<TokenizedRollout>;
  readonly compute: Compute;
  readonly workers: number;
}

type TrainingTimes = Pick<Speed, "forward" | "gradients" | "fewGradients" | "optimizer">;

/** Opens the model, measures, and frees everything. @throws DatasetError, ConfigError: what training would refuse */
export async function measureSpeed(options: MeasureOptions): Promise<Measured> {
  const { config, whole, processor, tools } = options;
  const prompts = measuredPrompts(options, workerCount(config.workers));
  return withOpened(options, (opened) =>
    withStepTrial(config, { architecture: whole, processor, tools, prompts }, (trial) => measureSteps(opened, trial)),
  );
}

/** The same work by another model. */
export function measureAgain(
  options: MeasureOptions,
  { rounds, answers, decoded, evaluated }: MeasuredShape,
): Promise<Speed> {
  return withOpened(options, async (opened) => {
    const request = requestOf(options.config, answers);
    const optimizer = timeOptimizer(opened, rounds[0]!.few);
    const times: (GenerationTimes & TrainingTimes)[] = [];
    for (const round of rounds)
      times.push({
        ...(await generated(opened, round.prompts, request, decoded)),
        ...(await trainedTimes(opened, round, optimizer)),
      });
    const asked = evaluated && (await generated(opened, evaluated.prompts, evaluated.request, evaluated.decoded));
    return speedOf(opened, times, asked);
  });
}

async function withOpened<Result>(options: MeasureOptions, body: (opened: Opened) => Promise<Result>): Promise<Result> {
  const { config, architecture, backend, sourceFolder, gradientCheckpointing } = options;
  const policy = openMeasuredPolicy(config, architecture, gradientCheckpointing, sourceFolder);
  const learner = createLearner(learnerConfig(config, policy));
  const workers = workerCount(config.workers);
  const compute = await openCompute({ policy, learner, config, backend: backend.name, workers, onProblem: () => {} });
  try {
    return await body({ options, policy, learner, compute, workers });
  } finally {
    await compute.close();
    learner.dispose();
    policy.dispose();
  }
}

/** Prompts of a measured step. */
function measuredPrompts({ config, prompts }: MeasureOptions, workers: number): number {
  const { promptsPerStep, n } = config.rollout;
  const length = mean(prompts.map(({ promptIds }) => promptIds.length));
  const rows = Math.min(promptsPerStep * n, ROWS_AT_ONCE * workers);
  return Math.min(promptsPerStep, Math.max(workers, Math.floor(PROMPT_TOKENS / length), Math.ceil(rows / 256)));
}

async function measureSteps(opened: Opened, trial: StepTrial): Promise<Measured> {
  const { options, learner, workers } = opened;
  const { config, whole, architecture, clock, evaluated, prompts: known, taken } = options;
  const { rollout, update } = config;
  const prompts = measuredPrompts(options, workers);
  const rows = Math.min(rollout.promptsPerStep * rollout.n, ROWS_AT_ONCE * workers);
  const answers = Math.ceil(rows / prompts);
  const request = requestOf(config, answers);
  const most = Math.max(1, rollout.maxNewTokens - 1);
  const workOf = (some: readonly TokenizedRollout[], model = architecture): number =>
    forwardWork(some, model) + (trainsTower(opened.policy) ? towerWork(some, model) : 0);
  const rowsOf = (some: readonly PreparedPrompt[], tokens: number) =>
    answeredRows(promptsInTurn(some, update.miniBatch), rollout.n, tokens, architecture);

  let optimizer = 0;
  let around = 0;
  let trainedWork = 0;
  let decoded: Decoded = { tokens: Math.min(3, most), extended: 0, beyond: 0 };
  const rounds: Round[] = [];
  const times: (GenerationTimes & TrainingTimes)[] = [];
  for (let index = 0; index <= ROUNDS; index++) {
    let given: readonly PreparedPrompt[] = [];
    let time: GenerationTimes | undefined;
    let training: (TrainingTimes & { readonly stats: UpdateStats }) | undefined;
    let inside = 0;
    const engine: RolloutEngine = {
      name: "measured policy",
      async *generate(asked, wanted) {
        const started = clock();
        given = asked.map(taken);
        time = await generated(opened, given, request, decoded);
        inside += clock() - started;
        yield* fullAnswers(asked, wanted, architecture);
      },
    };
    const started = clock();
    await trial.step(engine, {
      logProbs: async (some) => some.map(({ completionIds }) => new Float32Array(completionIds.length)),
      async update() {
        if (training) return training.stats;
        const begun = clock();
        const all = rowsOf(given, answerTokens(rollout));
        const few = fewRows(all, index);
        if (index === 0) optimizer = timeOptimizer(opened, few);
        const round = { prompts: given, few, trained: index === 0 ? few : someRows(all, trainedWork, workOf) };
        training = await trainedTimes(opened, round, optimizer);
        if (index === 0) trainedWork = (workers * TRAINING_SECONDS * workOf(few)) / training.fewGradients;
        else rounds.push(round);
        inside += clock() - begun;
        return training.stats;
      },
    });
    const rest = clock() - started - inside;
    if (index === 0) decoded = decodedOf(rollout.maxNewTokens, most, time!.token);
    else {
      around = index === 1 ? rest : Math.min(around, rest);
      times.push({ ...time!, ...training! });
    }
  }
  const perPrompt = Math.max(1e-6, Math.min(...times.map(({ prefill }) => prefill)) / prompts);
  const evaluation =
    evaluated === 0
      ? undefined
      : await measureEvaluation({
          trial,
          evaluated,
          most: Math.min(evaluated, Math.max(1, Math.floor(EVALUATION_SECONDS / perPrompt))),
          decoded,
          architecture,
          clock,
          generate: (asked, wanted, part) => generated(opened, asked.map(taken), wanted, part),
        });
  const planned = (some: readonly TokenizedRollout[]): PlannedUpdate => {
    const { microBatches } = learner.parts.plan(some.map((row, at) => trainingRow(row, at, config)));
    const batches = microBatches.map((batch) => batch.map(({ row }) => row));
    const counted = batches.reduce((sum, batch) => sum + workOf(batch, whole), 0);
    const turns = Math.ceil(batches.length / workers);
    return {
      microBatches: batches.length,
      turns,
      pictures: batches.reduce((sum, batch) => sum + new Set(batch.map(({ group }) => group)).size, 0),
      tokens: batches.reduce((sum, batch) => sum + countTokens(batch), 0),
      work: (counted * turns * workers) / Math.max(1, batches.length),
    };
  };
  const last = rounds.at(-1)!;
  const all = known.map(taken);
  return {
    speed: speedOf(opened, times, evaluation?.times),
    shape: { rounds, answers, decoded, evaluated: evaluation?.shape },
    rest: (around * rollout.promptsPerStep) / prompts,
    aroundEvaluation: evaluation?.around ?? 0,
    trainsTower: trainsTower(opened.policy),
    few: planned(last.few),
    measured: planned(last.trained),
    full: planned(rowsOf(all, answerTokens(rollout))),
    half: planned(rowsOf(all, Math.ceil(answerTokens(rollout) / 2))),
  };
}

function requestOf({ rollout }: TrainingConfig, n: number): SamplingRequest {
  const { temperature, topP, topK, maxNewTokens } = rollout;
  return { n, temperature, topP, topK, maxNewTokens, seed: 1 };
}

/** What to decode: all of an answer, or a part in its middle. @param token seconds */
function decodedOf(maxNewTokens: number, most: number, token: number): Decoded {
  const isShort = token * most <= DECODING_SECONDS;
  const tokens = isShort ? most : Math.min(most, Math.max(4, Math.round(DECODING_SECONDS / 2 / token)));
  // What is decoded lies at the start of an answer: behind longer prompts it lies in the middle, or on the way there.
  const middle = Math.floor((maxNewTokens - tokens) / 2);
  const extended = Math.min(MOST_EXTENDED, middle);
  return { tokens, extended, beyond: middle - extended };
}

const generated = (
  { options, policy, compute, workers }: Opened,
  prompts: readonly PreparedPrompt[],
  request: SamplingRequest,
  decoded: Decoded,
): Promise<GenerationTimes> =>
  timeGeneration(prompts, request, decoded, {
    policy,
    engine: compute.engine,
    architecture: options.architecture,
    workers,
    clock: options.clock,
  });

/** The first makes the optimizer's moments. */
function timeOptimizer({ options, learner }: Opened, rows: readonly TokenizedRollout[]): number {
  const once = (): number => {
    const contribution = learner.parts.contribution(rows.map((row, at) => trainingRow(row, at, options.config)));
    const started = options.clock();
    learner.parts.apply(contribution);
    return options.clock() - started;
  };
  once();
  return Math.min(once(), once());
}

async function trainedTimes(
  { options, compute }: Opened,
  { few, trained }: Pick<Round, "few" | "trained">,
  optimizer: number,
): Promise<TrainingTimes & { readonly stats: UpdateStats }> {
  const { config, clock } = options;
  const seconds = async (rows: readonly TokenizedRollout[]) => {
    const given = rows.map((row, at) => trainingRow(row, at, config));
    const started = clock();
    const stats = await compute.update(given);
    return { seconds: clock() - started, stats };
  };
  let forward = 0;
  if (forwardPasses(config).length > 0) {
    const started = clock();
    await compute.logProbs(trained);
    forward = clock() - started;
  }
  const gradients = few === trained ? 0 : (await seconds(trained)).seconds - optimizer;
  const { seconds: ofFew, stats } = await seconds(few);
  return {
    forward,
    gradients: Math.max(0, gradients),
    fewGradients: Math.max(1e-4, ofFew - optimizer),
    optimizer,
    stats,
  };
}

/** The least of several rounds. */
function speedOf(
  { options, policy }: Opened,
  times: readonly (GenerationTimes & TrainingTimes)[],
  evaluation: GenerationTimes | undefined,
): Speed {
  const least = (key: keyof GenerationTimes | keyof TrainingTimes): number => Math.min(...times.map((one) => one[key]));
  return {
    tower: measureTower(options, policy),
    prefill: least("prefill"),
    token: least("token"),
    forward: least("forward"),
    gradients: least("gradients"),
    fewGradients: least("fewGradients"),
    optimizer: least("optimizer"),
    evaluatedPrefill: evaluation?.prefill ?? 0,
    evaluatedToken: evaluation?.token ?? 0,
  };
}

/** The models in this process that compute log-probabilities before an update. */
export function forwardPasses({ algorithm, rollout, update }: TrainingConfig): ("old" | "reference" | "teacher")[] {
  const isOffPolicy = update.epochs > 1 || update.miniBatch < rollout.promptsPerStep;
  const { kl, distillation } = algorithm;
  const teaches = distillation !== null && distillation !== undefined;
  const old = isOffPolicy || (kl.coefficient !== 0 && kl.in === "reward") || (teaches && !distillation.divergence);
  return [
    ...(old ? (["old"] as const) : []),
    ...(kl.coefficient === 0 ? [] : (["reference"] as const)),
    ...(teaches && typeof distillation.teacher === "string" ? (["teacher"] as const) : []),
  ];
}

/** Where it is the run's, it was measured with prompts and gradients. */
function measureTower({ architecture, whole, prompts, clock }: MeasureOptions, policy: VlmPolicy): number {
  const images = prompts.flatMap((prompt) => prompt.images ?? []);
  if (images.length === 0 || architecture.vision.depth === whole.vision.depth) return 0;
  const once = (): number => {
    const started = clock();
    const features = policy.visionFeatures(images);
    features.dataSync();
    tf.dispose(features);
    return clock() - started;
  };
  return Math.min(once(), once());
}

const trainsTower = ({ parameters }: Pick<VlmPolicy, "parameters">): boolean =>
  parameters.some(({ group }) => group === "vision");

/** A row as the learner takes it, with whatever the objective may ask for. */
function trainingRow(
  row: TokenizedRollout,
  index: number,
  { algorithm }: TrainingConfig,
): TrainingRow<TokenizedRollout> {
  const { length } = row.completionIds;
  const logProbs = new Float32Array(length).fill(-1);
  const count = algorithm.distillation?.divergence?.topK;
  return {
    row,
    advantage: index % 2 === 0 ? 1 : -1,
    oldLogProbs: logProbs,
    refLogProbs: logProbs,
    ...(count === undefined
      ? {}
      : {
          candidates: {
            ids: Int32Array.from({ length: length * count }, (_, i) => i % count),
            logProbs: new Float32Array(length * count).fill(-Math.log(2 * count)),
          },
        }),
  };
}

/** The first rows that together take at most this work; at least one, shortened where it alone takes more. */
function someRows(
  rows: readonly TokenizedRollout[],
  most: number,
  workOf: (rows: readonly TokenizedRollout[]) => number,
): TokenizedRollout[] {
  const chosen: TokenizedRollout[] = [];
  for (const row of rows) {
    if (chosen.length > 0 && workOf([...chosen, row]) > most) break;
    chosen.push(row);
  }
  let [only] = chosen as [TokenizedRollout];
  if (chosen.length > 1) return chosen;
  for (let length = only.completionIds.length; length > 8 && workOf([only]) > most; length >>= 1)
    only = { ...only, completionIds: only.completionIds.slice(0, length >> 1) };
  return [only];
}

/** The first row, shortened to few tokens. @param less how many fewer, as a run meets no length twice */
function fewRows(rows: readonly TokenizedRollout[], less: number): TokenizedRollout[] {
  const [first] = rows as readonly [TokenizedRollout];
  const tokens = Math.max(8, FEW_TOKENS - first.promptIds.length) - less;
  return [{ ...first, completionIds: first.completionIds.slice(0, tokens) }];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
