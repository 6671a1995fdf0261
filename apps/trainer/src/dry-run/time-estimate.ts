/**
 * How long a step takes on this machine, measured before a run: parts of it are computed with weights of the model's
 * shape (measure-speed.ts) and added up to a step whose answers all have full length, and whose groups all teach.
 *
 *   prompts     the tower, once a picture, and the prefill of all prompts
 *   answers     a token of all rows that are decoded at once · tokens after the first · rows of the step / those rows
 *   log-probs   a forward pass for each model that is compared with: the policy before the update, reference, teacher
 *   update      epochs · mini-batches · (gradients of its micro-batches + one step of the optimizer)
 *
 * Gradients are measured for a part of a mini-batch; all of it takes more time by what it has more of arithmetic
 * (step-work.ts) and of micro-batches. A large model is measured with few layers (measured-model.ts), the others are counted as what one
 * more took.
 */
import { freemem, loadavg, platform } from "node:os";
import { selectBackend } from "@v-triune/backend";
import { type VlmConfig, arithmeticOf, decodesNatively } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import { answerTokens, estimateMemory, workerCount } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { formatBytes } from "./format-memory";
import { measuredArchitectures } from "./measured-model";
import {
  type Clock,
  type Measured,
  type PlannedUpdate,
  type Speed,
  forwardPasses,
  measureSpeed,
  wallClock,
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
  /** As the memory estimate decides it. */
  readonly gradientCheckpointing: boolean;
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
  { prompts, sourceFolder, gradientCheckpointing, evaluated = 0, free = freemem(), clock = wallClock }: TimeOptions,
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
    arithmetic: arithmeticOf(deep, config.update.computeWith),
    workers: workerCount(config.workers),
  }).total;
  if (needed > free)
    return { reason: `${formatBytes(free)} of memory are free, and measuring takes ${formatBytes(needed)}` };

  const started = performance.now();
  const texts = shallow === undefined ? prompts : prompts.map((prompt) => withoutPictures(prompt, deep));
  const options = {
    config,
    whole: architecture,
    prompts: texts,
    pictures: prompts,
    backend,
    sourceFolder,
    gradientCheckpointing,
    clock,
  };
  const first = await measureSpeed({ ...options, architecture: deep });
  const second = shallow && (await measureSpeed({ ...options, architecture: shallow, shape: first.shape }));
  const speed = second ? extrapolate(architecture, [deep, first.speed], [shallow, second.speed]) : first.speed;
  const parts = stepOf(config, { prompts, speed, measured: first, gradientCheckpointing });
  const evaluation = evaluationSeconds(config, { evaluated, prompts, speed, measured: first });
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
  const { shape, full, half } = measured;
  const length = mean(prompts.map(({ promptIds }) => promptIds.length));
  const rows = promptsPerStep * n;
  const inTurns = rows / (shape.prompts.length * shape.answers);
  // What tools show between turns is computed as a prompt is, for each answer.
  const shown = (answerTokens(rollout) - maxNewTokens) * rows;
  const morePrompts = (promptsPerStep - shape.prompts.length) * length + shown;
  const prefill = speed.prefill + Math.max(0, morePrompts) * speed.promptToken;
  const pictures = (speed.tower / prompts.length) * promptsPerStep;
  // A forward and a backward pass, and another forward pass with gradient checkpointing.
  const again = measured.trainsTower ? update.epochs * (gradientCheckpointing ? 4 : 3) * pictures : 0;
  const updates = update.epochs * Math.ceil(promptsPerStep / update.miniBatch);
  const passes = forwardPasses(config);
  const seconds = (plan: typeof full, tokens: number) => {
    const share = plan.work / measured.measured.work;
    const answers = speed.token * Math.max(0, tokens - 1) * Math.max(1, inTurns);
    const gradients = updates * gradientSeconds(plan, { ...measured, speed }) + again;
    const optimizer = updates * speed.optimizer;
    const logProbs = (passes.length * updates * share * speed.forward) / update.epochs;
    return { answers, gradients, optimizer, logProbs };
  };
  const [whole, shorter] = [seconds(full, maxNewTokens), seconds(half, Math.ceil(maxNewTokens / 2))];
  const total = (parts: ReturnType<typeof seconds>): number =>
    pictures + prefill + parts.answers + parts.gradients + parts.optimizer + parts.logProbs;
  return {
    prompts: pictures + prefill,
    answers: whole.answers,
    generate: pictures + prefill + whole.answers,
    logProbs: whole.logProbs,
    passes,
    gradients: whole.gradients,
    optimizer: whole.optimizer,
    update: whole.gradients + whole.optimizer + whole.logProbs,
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
  plan: Pick<PlannedUpdate, "work" | "microBatches">,
  {
    few,
    measured,
    speed,
  }: Pick<Measured, "few" | "measured"> & { readonly speed: Pick<Speed, "gradients" | "fewGradients"> },
): number {
  const proportional = (plan.work / measured.work) * speed.gradients;
  // What is alike does not tell the two apart.
  if (measured.work < 2 * measured.microBatches * few.work) return proportional;
  const perWork =
    (speed.gradients - measured.microBatches * speed.fewGradients) / (measured.work - measured.microBatches * few.work);
  const perBatch = speed.fewGradients - perWork * few.work;
  if (perWork <= 0 || perBatch <= 0) return proportional;
  return plan.microBatches * perBatch + plan.work * perWork;
}

function evaluationSeconds(
  { evaluation: { n, maxNewTokens } }: TrainingConfig,
  { evaluated, prompts, speed, measured }: Found & { readonly evaluated: number },
): number {
  const length = mean(prompts.map(({ promptIds }) => promptIds.length));
  const rows = measured.shape.prompts.length * measured.shape.answers;
  const pictures = (speed.tower / prompts.length) * evaluated;
  return (
    pictures +
    evaluated * length * speed.promptToken +
    speed.token * Math.max(0, maxNewTokens - 1) * Math.ceil((evaluated * n) / rows)
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
    promptToken: grown("promptToken"),
    token: grown("token"),
    forward: grown("forward"),
    gradients: grown("gradients"),
    fewGradients: grown("fewGradients"),
    optimizer: grown("optimizer"),
  };
}

function withoutPictures(prompt: PreparedPrompt, architecture: VlmConfig): PreparedPrompt {
  const { images: _, ...text } = prompt;
  return { ...text, promptIds: textIds(prompt.promptIds.length, architecture) };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
