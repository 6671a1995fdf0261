/**
 * The defaults of a training configuration: the paper's on-policy recipe (arXiv 2505.18129). Each is written here and
 * nowhere else: resolve-input.ts fills them in, presets.ts lists differences to them, and a test compares
 * docs/configuration.md with them.
 *
 * What is missing here follows from other keys (resolve-input.ts): the run's name and folder, `update.miniBatch`, what
 * belongs to a loss.
 */
import { DEFAULT_IOU_SCHEDULE } from "@v-triune/verifiers";
import type {
  AggregationName,
  BestCheckpointConfig,
  CorrectionConfig,
  DataSetConfig,
  DifficultyConfig,
  DistillationConfig,
  TeacherDivergenceConfig,
  TeacherServerConfig,
  LossName,
  ModelAdapterConfig,
  ToolRewardConfig,
  TrainerEngineConfig,
  TrainingConfig,
  TurnsConfig,
} from "./training-config";

/** A configuration some of whose keys are missing. */
type Incomplete<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Incomplete<T[K]> }
    : T;

/** Truncation per token at 2, as in verl's presets and TRL's default. */
export const DEFAULT_CORRECTION: CorrectionConfig = {
  importance: "token",
  threshold: 2,
  lower: null,
  normalise: false,
  rejection: null,
};

export const DEFAULTS = {
  preset: "v-triune-on-policy",
  run: { seed: 42, steps: 135 },
  rollout: {
    promptsPerStep: 1024,
    n: 8,
    temperature: 1,
    topP: 1,
    topK: null,
    maxNewTokens: 2048,
    maxPromptTokens: null,
    dynamicSampling: { enabled: false, maxRounds: 10 },
    engine: "local",
    decodeWith: "auto",
    asyncLevel: 0,
    correction: DEFAULT_CORRECTION,
    turns: null,
  },
  reward: {
    normalised: true,
    iou: { schedule: DEFAULT_IOU_SCHEDULE, bySource: null },
    boxes: null,
    repeatedBoxes: null,
    accuracyRatio: null,
    formatRatio: null,
    overlong: null,
    tools: null,
    judge: null,
    servers: [],
    tokenEnv: null,
  },
  algorithm: {
    advantage: "grpo",
    componentWeights: null,
    perSource: false,
    loss: "ppo",
    tau: { positive: 1, negative: 1.05 },
    kl: { coefficient: 0, estimator: "k3", in: "loss" },
    distillation: null,
    maskTruncated: false,
    entropyCoefficient: 0,
  },
  optimizer: {
    lr: 1e-6,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.01,
    warmupRatio: 0.05,
    schedule: "constant",
    maxGradNorm: 1,
    groups: { vision: { freeze: true }, connector: { freeze: true }, language: { freeze: false } },
  },
  update: { microBatchTokens: 16_384, epochs: 1, gradientCheckpointing: "auto", computeWith: "auto" },
  promptPool: { enabled: true, file: null },
  evaluation: { every: 5, samplesPerSource: null, epsilon: 0.5, n: 1, temperature: 0 },
  checkpoint: { every: 20, keep: 3, keepBest: null },
  monitor: {
    tensorboard: false,
    csv: false,
    prometheus: null,
    mlflow: null,
    trackio: null,
    rollouts: { every: 1, keep: null },
    alarms: { enabled: true, onAlarm: "tell", webhook: null, rules: {} },
  },
  backend: "auto",
  workers: "auto",
  strict: false,
} as const satisfies Incomplete<TrainingConfig>;

/** What each loss is published with: its ratios differ by orders of magnitude, so no clip range suits all. */
export const LOSS_DEFAULTS = {
  ppo: { clipLow: 0.2, clipHigh: 0.28, dualClip: 3, aggregation: "token-mean" },
  gspo: { clipLow: 3e-4, clipHigh: 4e-4, dualClip: null, aggregation: "seq-mean-token-mean" },
  cispo: { clipLow: 0.2, clipHigh: 0.28, dualClip: null, aggregation: "token-mean" },
  gmpo: { clipLow: 0.4, clipHigh: 0.4, dualClip: null, aggregation: "seq-mean-token-mean" },
  sapo: { clipLow: 0.2, clipHigh: 0.28, dualClip: null, aggregation: "seq-mean-token-mean" },
} as const satisfies Record<
  LossName,
  { clipLow: number; clipHigh: number; dualClip: number | null; aggregation: AggregationName }
>;

/** Of each entry of `data.train` and `data.eval`. */
export const DATA_SET_DEFAULTS = { weight: 1, cap: null } as const satisfies Incomplete<DataSetConfig>;

/** Of `data.sampling.difficulty` where it is on. */
export const DIFFICULTY_DEFAULTS = {
  band: [0.3, 0.7],
  outside: 0.1,
  decay: 0.5,
  floor: 0.02,
} as const satisfies DifficultyConfig;

/** Of `model.adapter` where one is trained. `alpha` is twice the rank. */
export const ADAPTER_DEFAULTS = { rank: 16, targetModules: null } as const satisfies Incomplete<ModelAdapterConfig>;

/** Of `rollout.engine` where it names servers. */
export const ENGINE_DEFAULTS = {
  kind: "auto",
  model: null,
  apiKeyEnv: null,
  parallel: null,
  timeout: 1800,
  retries: 5,
  promptTokens: "error",
  staleWeights: "error",
  weights: { sync: "auto", folder: null, serverFolder: null },
} as const satisfies Incomplete<Exclude<TrainingConfig["rollout"]["engine"], "local">>;

/** Of `training.engine` where it names a server. */
export const TRAINER_ENGINE_DEFAULTS = {
  apiKey: null,
  adapter: { rank: 32 },
  objective: "own",
} as const satisfies Incomplete<TrainerEngineConfig>;

/**
 * Of `reward.overlong` where it is on. `buffer` is a fifth of `rollout.maxNewTokens`, as in DAPO's run (4096 of 20480).
 */
export const OVERLONG_DEFAULTS = { limitPerBuffer: 5, penalty: 1 } as const;

/** Of `rollout.turns` where it is set. */
export const TURNS_DEFAULTS = {
  max: 6,
  tools: [],
  form: "hermes",
  overTurn: "mask",
  offer: "auto",
  maxShownTokens: 4096,
  maxShownPixels: null,
  deadline: 10,
  maxCalls: null,
  memoryMb: 256,
} as const satisfies TurnsConfig;

/** Of `reward.tools` where it is set. */
export const TOOL_REWARD_DEFAULTS = {
  whenRight: 0,
  curiosity: 0,
  curiosityTarget: 0.3,
  faithfulness: 0,
  faithfulnessBy: "containment",
  callCost: 0,
} as const satisfies ToolRewardConfig;

/** Of `algorithm.distillation` where there is a teacher. */
export const DISTILLATION_DEFAULTS = {
  updateRate: 0.05,
  picture: "whole",
  divergence: null,
  weight: 1,
  rewards: false,
  clamp: null,
} as const satisfies Incomplete<DistillationConfig>;

/** Of `algorithm.distillation.teacher` where it is a server. */
export const TEACHER_SERVER_DEFAULTS = {
  model: null,
  apiKey: null,
  timeout: 600,
} as const satisfies Incomplete<TeacherServerConfig>;

/** Of `algorithm.distillation.divergence` where there is one. */
export const DIVERGENCE_DEFAULTS = {
  over: "policy",
  topK: 100,
  alpha: 0.5,
  tail: true,
} as const satisfies TeacherDivergenceConfig;

/** Of `checkpoint.keepBest` where it is on. */
export const KEEP_BEST_DEFAULTS = { metric: "acc/source_mean", mode: "max" } as const satisfies BestCheckpointConfig;
