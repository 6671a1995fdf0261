/** What reads a model, for a model in a folder on this machine's disk. */
import { existsSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { processorFrom, type Processor } from "../chat-template/processor";
import { chatTemplateFrom, type ChatTemplate, type TemplateTokens } from "../chat-template/chat-template";
import type { VlmConfig } from "../config/model-config";
import { modelConfigFrom } from "../families/model-families";
import {
  assembleImageProcessor,
  imageSettingsFrom,
  QWEN2_IMAGE_SETTINGS,
  type ImageProcessor,
  type ImageProcessorSettings,
  type PictureReader,
} from "../image-processor/image-processor";
import { WeightsError } from "../input-error";
import type { Bfloat16Values } from "../kernels/bfloat16-matrix";
import { generationConfigFrom, type GenerationDefaults } from "../policy/generation-config";
import { vlmFrom } from "../policy/load";
import type { PolicySnapshot } from "../policy/snapshot";
import { assembleVlm, type VlmOptions, type VlmPolicy } from "../policy/vlm-policy";
import { safetensorsHeaderFrom, type SafetensorsHeader } from "../safetensors/header";
import { safetensorsFrom, type SafetensorsReader } from "../safetensors/reader";
import { tokenizerFrom, type Tokenizer } from "../tokenizer/tokenizer";
import { decodeImage, imageSize } from "./decode-image";
import { folderFiles } from "./folder-files";
import { nodePlatform } from "./node-platform";

const picturesHere: PictureReader = { decode: decodeImage, size: imageSize };

/**
 * Loads `folder` (config.json and model.safetensors, possibly in shards, float32, bfloat16 or float16) onto the current
 * backend, one tensor at a time.
 *
 * ```ts
 * const policy = await loadVlm("./Qwen2.5-VL-3B-Instruct", { freeze: ["vision", "connector"] });
 * ```
 *
 * @throws ModelConfigError when the configuration is missing, unsupported or impossible
 * @throws WeightsError when a tensor is missing, superfluous or of another shape than the configuration asks for
 */
export async function loadVlm(folder: string, options: VlmOptions = {}): Promise<VlmPolicy> {
  const sourceFolder = options.sourceFolder ?? folder;
  return vlmFrom(folderFiles(folder), { ...options, sourceFolder }, nodePlatform);
}

/**
 * A model of this configuration with the given weights on the current backend.
 *
 * @param weights values by tensor name, as `randomWeights` makes them
 * @throws WeightsError when a tensor is missing, has another size, or does not belong to the model
 */
export function createVlm(
  config: VlmConfig,
  weights: ReadonlyMap<string, Float32Array | Bfloat16Values>,
  options: VlmOptions = {},
): VlmPolicy {
  return assembleVlm(config, weights, options, nodePlatform);
}

/** A policy with a snapshot's numbers on the current backend: the same bits as the original, in any thread. */
export function createReplica({ config, options, weights, adapter }: PolicySnapshot): VlmPolicy {
  return createVlm(config, weights, { ...options, ...(adapter ? { adapter } : {}) });
}

/**
 * Reads and checks `folder/config.json`, in the layouts of transformers 5 and of the published checkpoints.
 *
 * @throws ModelConfigError when it is missing, of another architecture (refused by name), lacks a key, or holds sizes that no
 *   model can have
 */
export function readModelConfig(folder: string): VlmConfig {
  return modelConfigFrom(folderFiles(folder));
}

/** `readModelConfig` for a file of any name. */
export function readModelConfigFile(file: string): VlmConfig {
  return modelConfigFrom(folderFiles(dirname(file)), basename(file));
}

/**
 * Reads `folder/generation_config.json`; where it is absent or leaves the tokens out, those of config.json count.
 *
 * @throws ModelConfigError when a value is malformed
 */
export function readGenerationConfig(folder: string): GenerationDefaults {
  return generationConfigFrom(folderFiles(folder));
}

/**
 * Loads `folder/tokenizer.json`, and `tokenizer_config.json` if the folder has it.
 *
 * ```ts
 * const tokenizer = loadTokenizer("./Qwen2.5-VL-3B-Instruct");
 * tokenizer.decode(tokenizer.encode("3 + 4 = 7")); // "3 + 4 = 7"
 * ```
 *
 * @throws TokenizerError when tokenizer.json is missing, malformed or of a kind that is not supported
 */
export function loadTokenizer(folder: string): Tokenizer {
  return tokenizerFrom(folderFiles(folder));
}

/**
 * Reads a model folder's chat template.
 *
 * @throws PromptError when it has none
 */
export function loadChatTemplate(folder: string, tokens: TemplateTokens = {}): ChatTemplate {
  return chatTemplateFrom(folderFiles(folder), tokens);
}

/**
 * Reads the image processor's settings of a model folder.
 *
 * @param defaults for keys that are left out, or without a file for them; those of the model's family. Default:
 *   Qwen2-VL's.
 * @throws ModelConfigError when a value is malformed or asks for steps that are not supported (another resampling
 *   filter, no resize, no normalization)
 */
export function readImageSettings(folder: string, defaults?: ImageProcessorSettings): ImageProcessorSettings {
  return imageSettingsFrom(folderFiles(folder), defaults);
}

/**
 * ```ts
 * const { pixelValues, gridThw } = await createImageProcessor().process(["cat.jpg"]);
 * ```
 */
export function createImageProcessor(overrides: Partial<ImageProcessorSettings> = {}): ImageProcessor {
  return assembleImageProcessor({ ...QWEN2_IMAGE_SETTINGS, ...overrides }, picturesHere);
}

/**
 * Loads the processor of a model folder.
 *
 * ```ts
 * const processor = createProcessor("./Qwen2.5-VL-3B-Instruct");
 * const prompt = await processor.encode([{ role: "user", content: [{ type: "image" }, { type: "text", text: "How many?" }] }], ["cat.jpg"]);
 * ```
 *
 * @param settings override those of the folder, for example `{maxPixels: 501760}`
 * @param model what the pictures are for. Default: the folder's config.json, if it has one.
 * @throws TokenizerError, PromptError or ModelConfigError when a file is missing or malformed
 */
export function createProcessor(
  folder: string,
  settings: Partial<ImageProcessorSettings> = {},
  model?: VlmConfig,
): Processor {
  return processorFrom(folderFiles(folder), picturesHere, settings, model);
}

/**
 * Opens a `.safetensors` file, a sharded index (`*.safetensors.index.json`), or a folder with one of them.
 *
 * ```ts
 * const weights = openSafetensors("./Qwen2.5-VL-3B-Instruct");
 * const { shape } = weights.info("model.norm.weight");
 * const values = weights.readFloat32("model.norm.weight");
 * weights.close();
 * ```
 *
 * @throws WeightsError when nothing readable is there; the message names the file and tensor, what was expected, what
 *   was found, and what to do
 */
export function openSafetensors(path: string): SafetensorsReader {
  if (!existsSync(path))
    throw new WeightsError({ what: "There is no such weights file or folder.", where: path, fix: "check the path" });
  if (statSync(path).isDirectory()) return safetensorsFrom(folderFiles(path));
  return safetensorsFrom(folderFiles(dirname(path)), basename(path), path);
}

/**
 * Reads and checks the header of one safetensors file; the data is not touched.
 *
 * @throws WeightsError when the file is absent, cut short, or its header breaks a rule of the format
 */
export function readSafetensorsHeader(file: string): SafetensorsHeader {
  return safetensorsHeaderFrom(folderFiles(dirname(file)), basename(file));
}
