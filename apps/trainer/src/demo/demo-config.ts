import { demoSourceNames } from "@v-triune/demo-tasks";
import { resolveTrainingConfig, type BackendSetting, type TrainingConfig } from "@v-triune/training/config";

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
 * merger), with a learning rate for a model of 1.2 M parameters: 1e-4 to 3e-4 work, 1e-3 does not. What is not stated
 * here is a default.
 */
export function demoConfig(settings: DemoSettings): TrainingConfig {
  const { seed, steps, backend, samplesPerSource, modelFolder, runFolder, trainData, evalData } = settings;
  return resolveTrainingConfig({
    model: modelFolder,
    data: { train: trainData, eval: evalData },
    run: { name: "demo", folder: runFolder, seed, steps },
    rollout: { promptsPerStep, maxNewTokens: 44 },
    reward: { iou: { schedule: [{ until: 1, epsilon: 0.5 }] } },
    optimizer: { lr: 3e-4, betas: [0.9, 0.95], weightDecay: 0, warmupRatio: 0 },
    promptPool: { enabled: false },
    evaluation: { every: null, samplesPerSource },
    checkpoint: { every: null, keep: null },
    monitor: { tensorboard: true },
    backend,
    strict: true,
  });
}
