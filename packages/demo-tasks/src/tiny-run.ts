/**
 * For tests: a run of a model so small that a step takes a tenth of a second, with data and tokenizer of the
 * demonstration.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeHeldOutData, writeTrainingData } from "./demo-data";
import { demoModelConfig, writeDemoModelFolder } from "./model-folder";

const tinyModel = {
  ...demoModelConfig,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
  vision_config: {
    ...demoModelConfig.vision_config,
    depth: 2,
    hidden_size: 48,
    intermediate_size: 64,
    num_heads: 3,
    out_hidden_size: 32,
  },
};

/**
 * Writes what the run needs into `folder` and gives its configuration, which `resolveTrainingConfig` of
 * @v-triune/training fills in: random weights, 4 prompts of 3 answers per step on wasm, the run folder `folder/name`.
 */
export async function writeTinyRun(folder: string, name: string, steps: number) {
  const modelFolder = join(folder, "model");
  const trainData = join(folder, "train.parquet");
  const evalData = join(folder, "eval.parquet");
  if (!existsSync(modelFolder)) {
    await writeDemoModelFolder(modelFolder);
    await writeTrainingData(trainData, 4, 1);
    await writeHeldOutData(evalData, 2);
  }
  return {
    model: { init: "random" as const, config: tinyModel, tokenizer: modelFolder },
    data: { train: trainData, eval: evalData },
    run: { name, folder: join(folder, name), seed: 5, steps },
    rollout: { promptsPerStep: 4, n: 3, maxNewTokens: 8 },
    reward: { iou: { schedule: [{ until: 1, epsilon: 0.5 }] } },
    // Random weights rarely earn a reward; the entropy term moves them all the same.
    algorithm: { entropyCoefficient: 0.01 },
    optimizer: { lr: 3e-4, betas: [0.9, 0.95] as [number, number], weightDecay: 0, warmupRatio: 0 },
    promptPool: { enabled: false },
    evaluation: { every: null, samplesPerSource: 2 },
    checkpoint: { every: null, keep: null },
    monitor: { tensorboard: true },
    backend: "wasm" as const,
    workers: 1,
    strict: true,
  };
}
