/** The model and its processor as the configuration names them: a folder, or an architecture with random weights. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AdapterOptions,
  type ParameterGroup,
  type Processor,
  type VlmConfig,
  type VlmPolicy,
  createProcessor,
  createVlm,
  loadVlm,
  randomWeights,
  readModelConfig,
  readModelConfigFile,
} from "@v-triune/policy";
import type { ModelAdapterConfig, ModelConfig } from "../config/training-config";

export interface LoadedModel {
  readonly policy: VlmPolicy;
  readonly processor: Processor;
}

/**
 * Under an adapter a checkpoint holds the adapter alone; the model comes from where it came from at first.
 *
 * @param checkpoint the folder of a checkpoint to go on from, in place of the configuration's weights
 * @throws ConfigError, WeightsError or TokenizerError of `@v-triune/policy` for a folder that can't be used
 */
export async function loadModel(
  model: ModelConfig,
  seed: number,
  freeze: readonly ParameterGroup[],
  checkpoint?: string,
): Promise<LoadedModel> {
  const policy = await loadPolicy(model, seed, freeze, checkpoint);
  return { policy, processor: createProcessor(processorFolder(model, checkpoint), {}, policy.config) };
}

/** `loadModel` without the processor. */
export async function loadPolicy(
  model: ModelConfig,
  seed: number,
  freeze: readonly ParameterGroup[],
  checkpoint?: string,
): Promise<VlmPolicy> {
  if (model.adapter !== null) return loadWithAdapter(model, model.adapter, seed, checkpoint);
  // Companion files are not taken from the checkpoint, which may have been pruned by the time of the next one.
  if (checkpoint !== undefined) return loadVlm(checkpoint, { freeze, sourceFolder: processorFolder(model) });
  if (model.init === "pretrained") return loadVlm(model.path, { freeze });
  const config = await readConfig(model.config);
  return createVlm(config, randomWeights(config, { seed }), { freeze, sourceFolder: model.tokenizer });
}

/** The folder that `loadModel` takes the processor from. */
export function processorFolder(model: ModelConfig, checkpoint?: string): string {
  if (checkpoint !== undefined && model.adapter === null) return checkpoint;
  return model.init === "pretrained" ? model.path : model.tokenizer;
}

/** The processor of the configured model, without its weights. @param folder see `processorFolder` */
export async function configuredProcessor(
  model: ModelConfig,
  folder: string = processorFolder(model),
): Promise<Processor> {
  return createProcessor(folder, {}, await modelArchitecture(model));
}

/** The shapes of the configured model, without its weights. @throws ConfigError of `@v-triune/policy` */
export async function modelArchitecture(model: ModelConfig): Promise<VlmConfig> {
  return model.init === "pretrained" ? readModelConfig(model.path) : readConfig(model.config);
}

async function loadWithAdapter(
  model: ModelConfig,
  { rank, alpha, targetModules }: ModelAdapterConfig,
  seed: number,
  checkpoint: string | undefined,
): Promise<VlmPolicy> {
  const adapter: AdapterOptions =
    checkpoint !== undefined
      ? { folder: checkpoint }
      : { rank, alpha, seed, ...(targetModules === null ? {} : { targetModules }) };
  if (model.init === "pretrained") return loadVlm(model.path, { adapter });
  const config = await readConfig(model.config);
  return createVlm(config, randomWeights(config, { seed }), { adapter, sourceFolder: model.tokenizer });
}

async function readConfig(config: string | Readonly<Record<string, unknown>>): Promise<VlmConfig> {
  if (typeof config === "string") return readModelConfigFile(config);
  const folder = await mkdtemp(join(tmpdir(), "v-triune-"));
  try {
    const file = join(folder, "config.json");
    await writeFile(file, JSON.stringify(config));
    return readModelConfigFile(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
