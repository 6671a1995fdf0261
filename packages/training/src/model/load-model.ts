/** The model and its processor as the configuration names them: a folder, or an architecture with random weights. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AdapterOptions,
  type DecoderName,
  type GradientCheckpointing,
  type ParameterGroup,
  type Processor,
  type UpdateKernels,
  type VlmConfig,
  type VlmOptions,
  type VlmPolicy,
  createProcessor,
  createVlm,
  loadVlm,
  randomWeights,
  readModelConfig,
  readModelConfigFile,
} from "@v-triune/policy";
import { ConfigError } from "@v-triune/errors";
import type { ModelAdapterConfig, ModelConfig } from "../config/training-config";

export interface LoadModelOptions {
  /** Groups that are not trained. Under an adapter none is. */
  readonly freeze?: readonly ParameterGroup[];
  /** The folder of a checkpoint to go on from, in place of the configuration's weights. */
  readonly checkpoint?: string | undefined;
  /** See `VlmOptions.gradientCheckpointing`. */
  readonly gradientCheckpointing?: GradientCheckpointing;
  /** See `VlmOptions.decodeWith`. */
  readonly decodeWith?: DecoderName;
  /** See `VlmOptions.computeWith`. */
  readonly computeWith?: UpdateKernels | undefined;
}

export interface LoadedModel {
  readonly policy: VlmPolicy;
  readonly processor: Processor;
}

/** What a run knows of its model, wherever that is: its shapes, its tokenizer and its picture settings. */
export interface ModelParts {
  readonly policy: Pick<VlmPolicy, "config">;
  readonly processor: Processor;
}

/**
 * Under an adapter a checkpoint holds the adapter alone; the model comes from where it came from at first.
 *
 * @throws ConfigError, WeightsError or TokenizerError of `@v-triune/policy` for a folder that can't be used
 */
export async function loadModel(
  model: ModelConfig,
  seed: number,
  options: LoadModelOptions = {},
): Promise<LoadedModel> {
  const policy = await loadPolicy(model, seed, options);
  return { policy, processor: createProcessor(processorFolder(model, options.checkpoint), {}, policy.config) };
}

/** In place of a teacher's folder: the policy teaches itself. */
export const SELF = "self";

/** In the checkpoint of a run whose model lies on a server, in place of weights. */
export const REMOTE_WEIGHTS_FILE = "remote-weights.json";

/** `loadModel` without the processor. @throws ConfigError for a checkpoint whose weights lie on a server */
export async function loadPolicy(
  model: ModelConfig,
  seed: number,
  { freeze = [], checkpoint, computeWith, ...others }: LoadModelOptions = {},
): Promise<VlmPolicy> {
  if (checkpoint !== undefined) refuseRemoteWeights(checkpoint);
  const kept = { ...others, ...(computeWith && { computeWith }), ...(model.dtype && { dtype: model.dtype }) };
  if (model.adapter !== null)
    return loadWithAdapter(model, seed, { ...kept, adapter: adapterOptions(model.adapter, seed, checkpoint) });
  const options = { ...kept, freeze };
  // Companion files are not taken from the checkpoint, which may have been pruned by the time of the next one.
  if (checkpoint !== undefined) return loadVlm(checkpoint, { ...options, sourceFolder: processorFolder(model) });
  if (model.init === "pretrained") return loadVlm(model.path, options);
  const config = await readConfig(model.config);
  return createVlm(config, randomWeights(config, { seed }), { ...options, sourceFolder: model.tokenizer });
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

function refuseRemoteWeights(checkpoint: string): void {
  const file = join(checkpoint, REMOTE_WEIGHTS_FILE);
  if (!existsSync(file)) return;
  const { url, path } = JSON.parse(readFileSync(file, "utf8")) as { readonly url: string; readonly path: string };
  throw new ConfigError({
    what: "The weights of this checkpoint lie on the server that trained them.",
    where: file,
    expected: "weights in the checkpoint's folder",
    found: `${path} at ${url}`,
    fix: "sample them there, or take them from the server's own folder (docs/tinker.md)",
  });
}

async function loadWithAdapter(model: ModelConfig, seed: number, options: VlmOptions): Promise<VlmPolicy> {
  if (model.init === "pretrained") return loadVlm(model.path, options);
  const config = await readConfig(model.config);
  return createVlm(config, randomWeights(config, { seed }), { ...options, sourceFolder: model.tokenizer });
}

function adapterOptions(
  { rank, alpha, targetModules }: ModelAdapterConfig,
  seed: number,
  checkpoint: string | undefined,
): AdapterOptions {
  if (checkpoint !== undefined) return { folder: checkpoint };
  return { rank, alpha, seed, ...(targetModules === null ? {} : { targetModules }) };
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
