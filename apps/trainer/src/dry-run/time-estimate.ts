/**
 * How long a step takes on this machine, measured before a run: steps of the run are made with weights of the model's
 * shape (measure-speed.ts), and their parts are scaled to a step whose answers all have full length, and whose groups
 * all teach.
 *
 *   prompts     the tower, once a picture, and the prefill of all prompts
 *   answers     a token of all rows that are decoded at once · tokens after the first · rows of the step / those rows
 *   log-probs   a forward pass for each model that is compared with: the policy before the update, reference, teacher
 *   update      epochs · mini-batches · (gradients of its micro-batches + one step of the optimizer)
 *   rest        data, rewards and reports, as its prompts are many
 *
 * Gradients are measured for a part of a mini-batch; all of it takes more time by what it has more of arithmetic
 * (step-work.ts) and of micro-batches. A large model is measured with few layers (measured-model.ts), the others are
 * counted as what one more took. An evaluation is measured with some of its samples (measure-evaluation.ts).
 */
import { freemem, loadavg, platform } from "node:os";
import { selectBackend } from "@v-triune/backend";
import {
  type GradientCheckpointing,
  type Processor,
  type VlmConfig,
  arithmeticOf,
  decodesNatively,
} from "@v-triune/policy";
import type { PreparedPrompt, ToolOffer } from "@v-triune/rollouts";
import { answerTokens, estimateMemory, workerCount } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { type Clock, wallClock } from "./clock";
import { formatBytes } from "./format-memory";
import { answeringSeconds } from "./measure-evaluation";
import { measuredArchitectures } from "./measured-model";
import {
  type Measured,
  type PlannedUpdate,
  type Speed,
  forwardPasses,
  measureAgain,
  measureSpeed,
} from "./measure-speed";
import { textIds } from "./step-work";

/** Seconds. */
export interface TimeEstimate {
  readonly backend: string;
  /** Other processes that wanted a core when the measurement began; null on Windows, which does not say. */
  readonly load: number | null;
  /** Pictures and prompts, before the first token. */
  readonly prompts: number;
  /** All other tokens. */
  readonly answers: number;
  /** `prompts` and `answers`. */
  readonly generate: number;
  /** Of models that are compared with before the update; `passes` names them. */
  readonly logProbs: number;
  readonly passes: readonly string[];
  /** All updates of a step, with the optimizer's share in it. */
  readonly gradients: number;
  readonly optimizer: number;
  /** `logProbs`, `gradients` and `optimizer`. */
  readonly update: number;
  /** Data, rewards and reports. */
  readonly rest: number;
  /** `generate`, `update` and `rest`. */
  readonly step: number;
  /** A step whose answers have half the length. */
  readonly halfStep: number;
  /** One evaluation on the evaluation sets; 0 without them. */
  readonly evaluation: number;
  readonly evaluations: number;
  /** All steps and evaluations. */
  readonly run: number;
  /** What a step does, in tokens. */
  readonly work: {
    readonly promptTokens: number;
    readonly answers: number;
    readonly trainedTokens: number;
    readonly microBatches: number;
    readonly updates: number;
  };
  /** How it was measured: with how many of the layers, and in how many seconds. */
  readonly measured: { readonly layers: number; readonly allLayers: number; readonly seconds: number };
}

/** Why time was not measured, for people. */
export interface NotMeasured {
  readonly reason: string;
}

export interface TimeOptions {
  /** The first prompts of the run, prepared. */
  readonly prompts: readonly PreparedPrompt[];
  readonly sourceFolder: string;
  readonly processor: Processor;
  /** What prompts say of tools. Default: nothing. */
  readonly tools?: ToolOffer | undefined;
  /** As the memory estimate decides it. */
  readonly gradientCheckpointing: GradientCheckpointing;
  /** Prompts of one evaluation. Default 0. */
  readonly evaluated?: number;
  /** Bytes of memory that are free. Default: the machine's. */
  readonly free?: number;
  /** Default: the time of day. */
  readonly clock?: Clock;
}

export async function estimateTime(
  config: TrainingConfig,
  architecture: VlmConfig,
  {
    prompts,
    sourceFolder,
    processor,
    tools,
    gradientCheckpointing,
    evaluated = 0,
    free = freemem(),
    clock = wallClock,
  }: TimeOptions,
): Promise<TimeEstimate | NotMeasured> {
  const load = platform() === "win32" ? null : (loadavg()[0] ?? null);
  const backend = await selectBackend({ prefer: config.backend });
  const answer = answerTokens(config.rollout);
  const longest = Math.max(...prompts.map(({ promptIds }) => promptIds.length));
  const architectures = measuredArchitectures(architecture, longest + 2 * answer);
  const [deep, shallow] = architectures as [VlmConfig, VlmConfig?];
  const needed = estimateMemory({ ...config, update: { ...config.update, gradientCheckpointing } }, deep, {
    promptTokens: longest,
    nativeDecoding: decodesNatively(),
    arithmetic: arithmeticOf(config.update.computeWith),
    workers: workerCount(config.workers),
  }).total;
  if (needed > free)
    return { reason: `${formatBytes(free)} of memory are free, and measuring takes ${formatBytes(needed)}` };

  const started = performance.now();
  const options = {
    config,
    whole: architecture,
    prompts,
    taken: (prompt: PreparedPrompt) => (shallow === undefined ? prompt : withoutPictures(prompt, deep)),
    processor,
    tools,
    evaluated,
    backend,
    sourceFolder,
    gradientCheckpointing,
    clock,
  };
  const first = await measureSpeed({ ...options, architecture: deep });
  const second = shallow && (await measureAgain({ ...options, architecture: shallow }, first.shape));
  const speed = second ? extrapolate(architecture, [deep, first.speed], [shallow, second]) : first.speed;
  const found = { prompts, speed, measured: first };
  const parts = stepOf(config, { ...found, gradientCheckpointing });
  const evaluation = evaluationSeconds(evaluated, found);
  const { run } = config;
  const { every } = config.evaluation;
  // Before the first step, every few steps, and after the last.
  const evaluations = evaluated === 0 ? 0 : 1 + (every === null ? 1 : Math.ceil(run.steps / every));
  return {
    backend: backend.description,
    load,
    ...parts,
    evaluation,
    evaluations,
    run: run.steps * parts.step + evaluations * evaluation,
    measured: {
      layers: deep.text.numLayers,
      allLayers: architecture.text.numLayers,
      seconds: (performance.now() - started) / 1000,
    },
  };
}

interface Found {
  readonly prompts: readonly PreparedPrompt[];
  readonly speed: Speed;
  readonly measured: Measured;
}

function stepOf(
  config: TrainingConfig,
  { prompts, speed, measured, gradientCheckpointing }: Found & Pick<TimeOptions, "gradientCheckpointing">,
) {
  const { rollout, update } = config;
  const { promptsPerStep, n, maxNewTokens } = rollout;
  const { shape, full, half, rest } = measured;
  const length = mean(prompts.map(({ promptIds }) => promptIds.length));
  const rows = promptsPerStep * n;
  const ofRound = shape.rounds[0]!.prompts;
  const inTurns = rows / (ofRound.length * shape.answers);
  // What tools show between turns is computed as a prompt is, for each answer.
  const shown = (answerTokens(rollout) - maxNewTokens) * rows;
  const tokens = ofRound.reduce((sum, { promptIds }) => sum + promptIds.length, 0);
  const prefill = speed.prefill * (promptsPerStep / ofRound.length + shown / tokens);
  const tower = speed.tower / prompts.length;
  const pictures = tower * promptsPerStep;
  const updates = update.epochs * Math.ceil(promptsPerStep / update.miniBatch);
  const passes = forwardPasses(config);
  const seconds = (plan: typeof full, tokens: number) => {
    const share = plan.work / measured.measured.work;
    // A forward and a backward pass, and another forward pass with gradient checkpointing.
    const again = measured.trainsTower ? plan.pictures * (gradientCheckpointing === true ? 4 : 3) * tower : 0;
    const answers = speed.token * Math.max(0, tokens - 1) * Math.max(1, inTurns);
    const gradients = updates * (gradientSeconds(plan, { ...measured, speed }) + again);
    const optimizer = updates * speed.optimizer;
    const logProbs = (passes.length * updates * share * speed.forward) / update.epochs;
    return { answers, gradients, optimizer, logProbs };
  };
  const [whole, shorter] = [seconds(full, maxNewTokens), seconds(half, Math.ceil(maxNewTokens / 2))];
  const total = (parts: ReturnType<typeof seconds>): number =>
    pictures + prefill + parts.answers + parts.gradients + parts.optimizer + parts.logProbs + rest;
  return {
    prompts: pictures + prefill,
    answers: whole.answers,
    generate: pictures + prefill + whole.answers,
    logProbs: whole.logProbs,
    passes,
    gradients: whole.gradients,
    optimizer: whole.optimizer,
    update: whole.gradients + whole.optimizer + whole.logProbs,
    rest,
    step: total(whole),
    halfStep: total(shorter),
    work: {
      promptTokens: promptsPerStep * length,
      answers: rows,
      trainedTokens: updates * full.tokens,
      microBatches: updates * full.microBatches,
      updates,
    },
  };
}

/**
 * Of one mini-batch. A micro-batch takes time for its arithmetic and, as weights are read, widened and given gradients,
 * for itself: both from two measurements, of few rows and of more.
 */
export function gradientSeconds(
  plan: Pick<PlannedUpdate, "work" | "turns">,
  {
    few,
    measured,
    speed,
  }: Pick<Measured, "few" | "measured"> & { readonly speed: Pick<Speed, "gradients" | "fewGradients"> },
): number {
  const proportional = (plan.work / measured.work) * speed.gradients;
  // What is alike does not tell the two apart.
  if (measured.work < 2 * measured.turns * few.work) return proportional;
  const perWork = (speed.gradients - measured.turns * speed.fewGradients) / (measured.work - measured.turns * few.work);
  const perBatch = speed.fewGradients - perWork * few.work;
  if (perWork <= 0 || perBatch <= 0) return proportional;
  return plan.turns * perBatch + plan.work * perWork;
}

function evaluationSeconds(evaluated: number, { prompts, speed, measured }: Found): number {
  const { evaluated: shape, rounds, answers } = measured.shape;
  if (!shape) return 0;
  const times = { prefill: speed.evaluatedPrefill, token: speed.evaluatedToken };
  const step = { rows: rounds[0]!.prompts.length * answers, token: speed.token };
  return (
    (speed.tower / prompts.length) * evaluated +
    answeringSeconds(evaluated, shape, times, step) +
    measured.aroundEvaluation
  );
}

/** The speed of all layers and blocks, from two models with few of them. */
function extrapolate(
  { text, vision }: VlmConfig,
  [deep, more]: readonly [VlmConfig, Speed],
  [shallow, less]: readonly [VlmConfig, Speed],
): Speed {
  const layers = (text.numLayers - deep.text.numLayers) / Math.max(1, deep.text.numLayers - shallow.text.numLayers);
  const blocks = (vision.depth - deep.vision.depth) / Math.max(1, deep.vision.depth - shallow.vision.depth);
  const grown = (key: keyof Speed): number =>
    more[key] + (key === "tower" ? blocks : layers) * Math.max(0, more[key] - less[key]);
  return {
    tower: grown("tower"),
    prefill: grown("prefill"),
    token: grown("token"),
    forward: grown("forward"),
    gradients: grown("gradients"),
    fewGradients: grown("fewGradients"),
    optimizer: grown("optimizer"),
    evaluatedPrefill: grown("evaluatedPrefill"),
    evaluatedToken: grown("evaluatedToken"),
  };
}

function withoutPictures(prompt: PreparedPrompt, architecture: VlmConfig): PreparedPrompt {
  const { images: _, ...text } = prompt;
  return { ...text, promptIds: textIds(prompt.promptIds.length, architecture) };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
