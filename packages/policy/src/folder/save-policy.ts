/** Writes a model in Hugging Face layout, each file replaced only when it is complete. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { replaceFileSync } from "@v-triune/node-kit/atomic-write";
import type { VlmConfig } from "../config/model-config";
import { modelConfigText } from "../families/model-families";
import type { WeightDtype } from "../kernels/bfloat16-matrix";
import type { AttachedAdapter } from "../lora/adapter";
import { adapterConfigText } from "../lora/adapter-config";
import type { SaveModelOptions } from "../policy/policy-platform";
import { storedTensors } from "../policy/stored-tensors";
import { writeSafetensors } from "./safetensors-writer";
import type { ModelWeights } from "../weights/model-weights";

/** Files beside the weights that belong to a model: copied if the source folder has them. */
const COMPANIONS = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.json",
  "chat_template.jinja",
  "preprocessor_config.json",
  "processor_config.json",
  "video_preprocessor_config.json",
] as const;

/** Writes the model, adapters merged in. @throws WeightsError when the disk is full or the folder cannot be written */
export async function saveModel(
  folder: string,
  config: VlmConfig,
  weights: ModelWeights,
  { sourceFolder, dtype }: SaveModelOptions,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await writeSafetensors(join(folder, "model.safetensors"), storedTensors(config, weights, dtype));
  writeModelConfig(folder, config, dtype);
  if (sourceFolder === undefined || resolve(sourceFolder) === resolve(folder)) return;
  for (const name of COMPANIONS) {
    const from = join(sourceFolder, name);
    if (!existsSync(from)) continue;
    replaceFileSync(join(folder, name), (temporary) => copyFileSync(from, temporary));
  }
}

/** Writes the adapter as peft does: adapter_config.json and adapter_model.safetensors. */
export async function saveAdapter(
  folder: string,
  { config, parameters, targets }: AttachedAdapter,
  baseModel: string | undefined,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await writeSafetensors(
    join(folder, "adapter_model.safetensors"),
    parameters.map(({ name, variable }) => ({
      name,
      shape: variable.shape,
      data: async () => (await variable.data()) as Float32Array,
    })),
  );
  writeText(folder, "adapter_config.json", adapterConfigText({ ...config, targetModules: targets }, baseModel));
}

/**
 * Writes `folder/config.json` in one step. The folder must exist.
 *
 * @param dtype what the file of weights beside it holds
 */
export function writeModelConfig(folder: string, config: VlmConfig, dtype: WeightDtype = "float32"): void {
  writeText(folder, "config.json", modelConfigText(config, dtype));
}

function writeText(folder: string, name: string, text: string): void {
  replaceFileSync(join(folder, name), (temporary) => writeFileSync(temporary, text));
}
