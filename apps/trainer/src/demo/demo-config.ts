import { demoRecipe, zoomRecipe } from "@v-triune/demo-tasks";
import { resolveTrainingConfig, type BackendSetting, type TrainingConfig } from "@v-triune/training/config";

export interface DemoSettings {
  readonly seed: number;
  readonly steps: number;
  readonly backend: BackendSetting;
  /** Held-out samples of each source. */
  readonly samplesPerSource: number;
  readonly modelFolder: string;
  /** Default 3e-4. */
  readonly learningRate?: number;
  readonly runFolder: string;
  readonly trainData: string;
  readonly evalData: string;
}

/** The demonstration's recipe with the run's own settings. */
export function demoConfig(settings: DemoSettings): TrainingConfig {
  const { seed, steps, backend, samplesPerSource, modelFolder, learningRate, runFolder, trainData, evalData } =
    settings;
  return resolveTrainingConfig({
    ...demoRecipe,
    model: modelFolder,
    data: { train: trainData, eval: evalData },
    run: { name: "demo", folder: runFolder, seed, steps },
    optimizer: { ...demoRecipe.optimizer, lr: learningRate ?? demoRecipe.optimizer.lr },
    evaluation: { every: null, samplesPerSource },
    monitor: { tensorboard: true },
    backend,
  });
}

/** The recipe of `demo --zoom` with the run's own settings. */
export function zoomConfig(settings: Omit<DemoSettings, "learningRate">): TrainingConfig {
  const { seed, steps, backend, samplesPerSource, modelFolder, runFolder, trainData, evalData } = settings;
  return resolveTrainingConfig({
    ...zoomRecipe,
    model: modelFolder,
    data: { train: trainData, eval: evalData },
    run: { name: "zoom", folder: runFolder, seed, steps },
    evaluation: { every: null, samplesPerSource },
    monitor: { tensorboard: true },
    backend,
  });
}
