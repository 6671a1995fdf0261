/** For tests: a run of a model so small that a step takes a tenth of a second, with data and tokenizer of the demonstration. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { demoModelConfig, writeDemoModelFolder, writeHeldOutData, writeTrainingData } from "@v-triune/demo-tasks";
import type { TrainingConfig } from "../config/training-config";
import { demoConfig } from "../../demo/demo-config";

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
 * Writes what the run needs into `folder` and gives its configuration: random weights, 4 prompts of 3 answers a step on wasm, the run
 * folder `folder/name`.
 */
export async function tinyRun(folder: string, name: string, steps: number): Promise<TrainingConfig> {
  const modelFolder = join(folder, "model");
  const trainData = join(folder, "train.parquet");
  const evalData = join(folder, "eval.parquet");
  if (!existsSync(modelFolder)) {
    await writeDemoModelFolder(modelFolder);
    await writeTrainingData(trainData, 4, 1);
    await writeHeldOutData(evalData, 2);
  }
  const base = demoConfig({
    seed: 5,
    steps,
    backend: "wasm",
    samplesPerSource: 2,
    modelFolder,
    runFolder: join(folder, name),
    trainData,
    evalData,
  });
  return {
    ...base,
    run: { ...base.run, name },
    model: { init: "random", config: tinyModel, tokenizer: modelFolder, adapter: null },
    rollout: { ...base.rollout, promptsPerStep: 4, n: 3, maxNewTokens: 8 },
    update: { ...base.update, miniBatch: 4 },
    workers: 1,
    // Random weights rarely earn a reward; the entropy term moves them all the same.
    algorithm: { ...base.algorithm, entropyCoefficient: 0.01 },
    evaluation: { ...base.evaluation, maxNewTokens: 8 },
  };
}
