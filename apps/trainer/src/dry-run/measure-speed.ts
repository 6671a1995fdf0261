/**
 * How fast this machine computes parts of a step, by the code that a run computes with: its decoder, its threads, its
 * learner. Nothing is trained that outlives the measurement.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendChoice } from "@v-triune/backend";
import { type Learner, type TrainingRow, createLearner } from "@v-triune/grpo";
import type { TokenizedRollout, VlmConfig, VlmPolicy } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import { type Compute, answerTokens, learnerConfig, openCompute, workerCount } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { openMeasuredPolicy } from "./measured-model";
import { answeredRows, countTokens, forwardWork, promptsInTurn, textIds } from "./step-work";

/** Seconds so far, by the clock or of processor time. */
export type Clock = () => number;

export const wallClock: Clock = () => performance.now() / 1000;

/** Seconds. */
export interface Speed {
  /** The tower's forward pass over all `MeasureOptions.pictures`; 0 where it is part of the other figures. */
  readonly tower: number;
  /** Of `Measured.prompts`, and the first token of each answer. */
  readonly prefill: number;
  /** One more token of a prompt. */
  readonly promptToken: number;
  /** One more token of each of `Measured.rows` answers, in the middle of its length. */
  readonly token: number;
  /** Log-probabilities of the trained rows, without a gradient. */
  readonly forward: number;
  /** Gradients of the trained rows. */
  readonly gradients: number;
  /** Of few rows: what a micro-batch takes, however small. */
  readonly fewGradients: number;
  /** One step of the optimizer. */
  readonly optimizer: number;
}

/** What was measured: the same for all models of an estimate. */
export interface MeasuredShape {
  readonly prompts: readonly PreparedPrompt[];
  /** Answers to each. */
  readonly answers: number;
  /** Tokens that were decoded after the first. */
  readonly decoded: number;
  /** Tokens by which prompts were longer, so that what was decoded is the middle of an answer; 0: it is all of it. */
  readonly extended: number;
  readonly trained: readonly TokenizedRollout[];
  readonly few: readonly TokenizedRollout[];
}

/** The micro-batches of one mini-batch of the run. */
export interface PlannedUpdate {
  readonly microBatches: number;
  /** Tokens that go through the model. */
  readonly tokens: number;
  /** Arithmetic of a forward pass of the run's model, see `forwardWork`. */
  readonly work: number;
}

export interface Measured {
  readonly speed: Speed;
  readonly shape: MeasuredShape;
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
  /** Of the run, prepared; without pictures where the model's tower is not the run's. */
  readonly prompts: readonly PreparedPrompt[];
  /** Those of the run with their pictures, for the tower. */
  readonly pictures: readonly PreparedPrompt[];
  readonly backend: BackendChoice;
  readonly sourceFolder: string;
  readonly gradientCheckpointing: boolean;
  readonly clock: Clock;
  /** What to measure; without it, what takes a few seconds. */
  readonly shape?: MeasuredShape | undefined;
}

/** Seconds that a measurement of decoding and one of training may take. */
const DECODING_SECONDS = 1;
const TRAINING_SECONDS = 3;
/** Rows that one thread decodes at once (`GenerateOptions.maxRows`). */
const ROWS_AT_ONCE = 256;
/** Tokens of all measured prompts together, and by which they are extended. */
const PROMPT_TOKENS = 1024;
const MOST_EXTENDED = 512;
/** Of the updates that find out how fast training is. */
const FEW_TOKENS = 64;

type TrainingSpeed = Pick<Speed, "forward" | "gradients" | "fewGradients" | "optimizer">;
/** What was trained, to train the same with another model. */
type TrainedShape = Pick<MeasuredShape, "trained" | "few">;

/** Opens the model, measures, and frees everything. */
export async function measureSpeed(options: MeasureOptions): Promise<Measured> {
  const { config, architecture, backend, sourceFolder, gradientCheckpointing } = options;
  const policy = openMeasuredPolicy(config, architecture, gradientCheckpointing, sourceFolder);
  const learner = createLearner(learnerConfig(config, policy));
  const workers = workerCount(config.workers);
  const compute = await openCompute({ policy, learner, config, backend: backend.name, workers, onProblem: () => {} });
  try {
    const decoding = await measureDecoding(options, policy, compute, workers);
    const training = await measureTraining(options, learner, compute);
    const tower = measureTower(options, policy);
    const { speed, shape, ...plans } = training;
    return {
      speed: { tower, ...decoding.speed, ...speed },
      shape: { ...decoding.shape, ...shape },
      trainsTower: trainsTower(policy),
      ...plans,
    };
  } finally {
    await compute.close();
    learner.dispose();
    policy.dispose();
  }
}

async function measureDecoding(
  { config, architecture, prompts: known, clock, shape }: MeasureOptions,
  policy: VlmPolicy,
  compute: Pick<Compute, "engine">,
  workers: number,
): Promise<{
  speed: Pick<Speed, "prefill" | "promptToken" | "token">;
  shape: Omit<MeasuredShape, keyof TrainedShape>;
}> {
  const { promptsPerStep, n, temperature, topP, topK, maxNewTokens } = config.rollout;
  const length = mean(known.map(({ promptIds }) => promptIds.length));
  const rows = Math.min(promptsPerStep * n, ROWS_AT_ONCE * workers);
  const count = Math.min(promptsPerStep, Math.max(workers, Math.floor(PROMPT_TOKENS / length), Math.ceil(rows / 256)));
  const prompts = shape?.prompts ?? promptsInTurn(known, count);
  const answers = shape?.answers ?? Math.ceil(rows / prompts.length);
  const request = { n: answers, temperature, topP, topK, seed: 1 };

  /** Seconds until each answer has its first token, and of each token after it. */
  const time = async (asked: readonly PreparedPrompt[], decoded: number) => {
    if (workers === 1) {
      const started = clock();
      let first: number | undefined;
      const stopWhen = (): boolean => {
        first ??= clock();
        return false;
      };
      for await (const _ of policy.generate(asked, {
        ...request,
        topK: topK ?? 0,
        maxNewTokens: 1 + decoded,
        stopWhen,
      }));
      return { prefill: first! - started, token: (clock() - first!) / Math.max(1, decoded) };
    }
    const seconds = async (tokens: number): Promise<number> => {
      const started = clock();
      for await (const _ of compute.engine.generate(asked, { ...request, maxNewTokens: tokens }));
      return clock() - started;
    };
    const [short, long] = [await seconds(1), await seconds(1 + decoded)];
    return { prefill: short, token: Math.max(0, long - short) / Math.max(1, decoded) };
  };

  const most = Math.max(1, maxNewTokens - 1);
  const first = await time(prompts, Math.min(3, most));
  const isShort = first.token * most <= DECODING_SECONDS;
  const decoded =
    shape?.decoded ?? (isShort ? most : Math.min(most, Math.max(4, Math.round(DECODING_SECONDS / 2 / first.token))));
  // What is decoded lies at the start of an answer: behind longer prompts it lies in the middle, or on the way there.
  const middle = Math.floor((maxNewTokens - decoded) / 2);
  const extended = shape?.extended ?? Math.min(MOST_EXTENDED, middle);
  const isBeyond = middle > extended;
  const twice = async (asked: readonly PreparedPrompt[], tokens: number) =>
    faster(await time(asked, tokens), await time(asked, tokens));
  const near = await twice(prompts, extended === 0 || isBeyond ? decoded : 1);
  const more = Math.max(extended, 64);
  const filler = textIds(more, architecture);
  const longer = prompts.map((prompt) => ({ ...prompt, promptIds: Int32Array.from([...prompt.promptIds, ...filler]) }));
  const far = await twice(longer, extended === 0 ? 1 : decoded);
  const growth = isBeyond ? Math.max(0, far.token - near.token) / more : 0;
  return {
    speed: {
      prefill: near.prefill,
      promptToken: Math.max(0, far.prefill - near.prefill) / (more * prompts.length),
      token: extended === 0 ? near.token : far.token + growth * (middle - extended),
    },
    shape: { prompts, answers, decoded, extended },
  };
}

async function measureTraining(
  { config, architecture, whole, prompts, clock, shape }: MeasureOptions,
  learner: Learner<TokenizedRollout>,
  compute: Compute,
): Promise<Pick<Measured, "measured" | "few" | "full" | "half"> & { speed: TrainingSpeed; shape: TrainedShape }> {
  const { rollout, update } = config;
  const groups = promptsInTurn(prompts, update.miniBatch);
  const answered = (tokens: number) => answeredRows(groups, rollout.n, tokens, architecture);
  const training = (rows: readonly TokenizedRollout[]) => rows.map((row, index) => trainingRow(row, index, config));
  const planned = (rows: readonly TokenizedRollout[]): PlannedUpdate => {
    const { microBatches } = learner.parts.plan(training(rows));
    const batches = microBatches.map((batch) => batch.map(({ row }) => row));
    return {
      microBatches: batches.length,
      tokens: batches.reduce((sum, batch) => sum + countTokens(batch), 0),
      work: batches.reduce((sum, batch) => sum + forwardWork(batch, whole), 0),
    };
  };
  const seconds = async (own: readonly TokenizedRollout[]): Promise<number> => {
    const given = training(own);
    const started = clock();
    await compute.update(given);
    return clock() - started;
  };
  const step = (own: readonly TokenizedRollout[]): number => {
    const contribution = learner.parts.contribution(training(own));
    const started = clock();
    learner.parts.apply(contribution);
    return clock() - started;
  };
  const rows = answered(answerTokens(rollout));
  const few = shape?.few ?? someRows(rows, workOf(FEW_TOKENS, rows[0]!, architecture), architecture);
  // The first makes the optimizer's moments.
  step(few);
  const optimizer = Math.min(step(few), step(few));
  const fewGradients = Math.max(1e-4, Math.min(await seconds(few), await seconds(few)) - optimizer);
  const perWork = fewGradients / forwardWork(few, architecture);
  const trained = shape?.trained ?? someRows(rows, TRAINING_SECONDS / perWork, architecture);
  // The first time, memory is new to the process.
  const found = [await seconds(trained), await seconds(trained)];
  let forward = 0;
  if (forwardPasses(config).length > 0) {
    const started = clock();
    await compute.logProbs(trained);
    forward = clock() - started;
  }
  return {
    speed: { forward, gradients: Math.max(0, Math.min(...found) - optimizer), fewGradients, optimizer },
    shape: { trained, few },
    few: planned(few),
    measured: planned(trained),
    full: planned(rows),
    half: planned(answered(Math.ceil(answerTokens(rollout) / 2))),
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

function measureTower({ prompts, pictures, clock }: MeasureOptions, policy: VlmPolicy): number {
  const images = pictures.flatMap((prompt) => prompt.images ?? []);
  // A tower that is trained computes again with each prompt and each micro-batch, so it was measured with them.
  const isCounted = trainsTower(policy) && prompts.some((prompt) => prompt.images);
  if (images.length === 0 || isCounted) return 0;
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
function someRows(rows: readonly TokenizedRollout[], work: number, architecture: VlmConfig): TokenizedRollout[] {
  const chosen: TokenizedRollout[] = [];
  for (const row of rows) {
    if (chosen.length > 0 && forwardWork([...chosen, row], architecture) > work) break;
    chosen.push(row);
  }
  let [only] = chosen as [TokenizedRollout];
  if (chosen.length > 1) return chosen;
  for (let length = only.completionIds.length; length > 8 && forwardWork([only], architecture) > work; length >>= 1)
    only = { ...only, completionIds: only.completionIds.slice(0, length >> 1) };
  return [only];
}

/** A forward pass over this many tokens of the row's kind. */
function workOf(tokens: number, row: TokenizedRollout, architecture: VlmConfig): number {
  return (forwardWork([row], architecture) * tokens) / Math.max(1, row.promptIds.length + row.completionIds.length);
}

const faster = <Times extends Pick<Speed, "prefill" | "token">>(one: Times, other: Times): Times => ({
  ...one,
  prefill: Math.min(one.prefill, other.prefill),
  token: Math.min(one.token, other.token),
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
