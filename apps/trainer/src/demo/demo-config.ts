import { demoSourceNames } from "@v-triune/demo-tasks";
import { DEFAULT_CORRECTION, type BackendSetting, type TrainingConfig } from "@v-triune/training/config";

export interface DemoSettings {
  readonly seed: number;
  readonly steps: number;
  readonly backend: BackendSetting;
  /** Held-out samples of each source. */
  readonly samplesPerSource: number;
  readonly modelFolder: string;
  readonly runFolder: string;
  readonly trainData: string;
  readonly evalData: string;
}

/** Two prompts of each source a step, on average. */
export const promptsPerStep = 2 * demoSourceNames.length;

/**
 * The demonstration's recipe: GRPO as the paper has it (clip-higher, token mean, no KL, frozen vision tower and
 * merger), with a learning rate for a model of 1.2 M parameters: 1e-4 to 3e-4 work, 1e-3 does not.
 */
export function demoConfig(settings: DemoSettings): TrainingConfig {
  const { seed, steps, backend, samplesPerSource, modelFolder, runFolder, trainData, evalData } = settings;
  const lr = 3e-4;
  return {
    preset: "v-triune-on-policy",
    model: { init: "pretrained", path: modelFolder, adapter: null },
    data: {
      train: [{ path: trainData, weight: 1, cap: null }],
      eval: [{ path: evalData, weight: 1, cap: null }],
    },
    run: { name: "demo", folder: runFolder, seed, steps },
    rollout: {
      promptsPerStep,
      n: 8,
      temperature: 1,
      topP: 1,
      topK: null,
      maxNewTokens: 44,
      maxPromptTokens: null,
      dynamicSampling: { enabled: false, maxRounds: 10 },
      engine: "local",
      asyncLevel: 0,
      correction: DEFAULT_CORRECTION,
    },
    reward: {
      normalised: true,
      iou: { schedule: [{ until: 1, epsilon: 0.5 }] },
      boxes: null,
      repeatedBoxes: null,
      accuracyRatio: null,
      formatRatio: null,
      overlong: null,
      servers: [],
      tokenEnv: null,
    },
    algorithm: {
      advantage: "grpo",
      perSource: false,
      loss: "ppo",
      clipLow: 0.2,
      clipHigh: 0.28,
      dualClip: 3,
      tau: { positive: 1, negative: 1.05 },
      aggregation: "token-mean",
      kl: { coefficient: 0, estimator: "k3", in: "loss" },
      maskTruncated: false,
      entropyCoefficient: 0,
    },
    optimizer: {
      lr,
      betas: [0.9, 0.95],
      eps: 1e-8,
      weightDecay: 0,
      warmupRatio: 0,
      schedule: "constant",
      maxGradNorm: 1,
      groups: { vision: { lr, freeze: true }, connector: { lr, freeze: true }, language: { lr, freeze: false } },
    },
    update: { miniBatch: promptsPerStep, microBatchTokens: 16_384, epochs: 1 },
    promptPool: { enabled: false, file: null },
    evaluation: { every: null, samplesPerSource, epsilon: 0.5, n: 1, temperature: 0, maxNewTokens: 44 },
    checkpoint: { every: null, keep: null, keepBest: null },
    monitor: {
      tensorboard: true,
      csv: false,
      prometheus: null,
      mlflow: null,
      rollouts: { every: 1, keep: null },
      alarms: { enabled: true, onAlarm: "tell", webhook: null, rules: {} },
    },
    backend,
    workers: "auto",
    strict: true,
  };
}
