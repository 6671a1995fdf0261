/**
 * The package for a browser: models from bytes by name, pictures decoded by the browser, one thread, nothing written.
 * Needs a TensorFlow.js backend; `@v-triune/backend/wasm` opens one whose numbers are those of Node.
 */
import { processorFrom, type Processor } from "../chat-template/processor";
import type { VlmConfig } from "../config/model-config";
import type { ModelFiles } from "../files/model-files";
import type { ImageProcessorSettings } from "../image-processor/image-processor";
import { PolicyInputError } from "../input-error";
import type { Bfloat16Values } from "../kernels/bfloat16-matrix";
import { vlmFrom } from "../policy/load";
import type { PolicyPlatform } from "../policy/policy-platform";
import { assembleVlm, type VlmOptions, type VlmPolicy } from "../policy/vlm-policy";
import { decodeImageInBrowser, imageSizeInBrowser } from "./decode-image";

export {
  ImageError,
  ModelConfigError,
  PolicyInputError,
  PromptError,
  TokenizerError,
  WeightsError,
} from "../input-error";
export { filesInMemory, type ModelFiles, type OpenFile } from "../files/model-files";
export { generationConfigFrom, type GenerationDefaults } from "../policy/generation-config";
export type { TextConfig, VisionConfig, VlmConfig } from "../config/model-config";
export { familyOf, modelConfigFrom, modelFamilies, parameterShapes } from "../families/model-families";
export type { BoxConvention, ModelFamily } from "../families/model-family";
export { safetensorsBytes, type SafetensorsEntry } from "../safetensors/encode";
export { safetensorsFrom, type SafetensorsReader } from "../safetensors/reader";
export { tokenizerFrom, type DecodeTextOptions, type Tokenizer } from "../tokenizer/tokenizer";
export type { ChatMessage, ChatTemplate, ContentPart, RenderOptions } from "../chat-template/chat-template";
export { IMAGE_MARK, splitImageMarks, type MarkedMessage } from "../chat-template/image-marks";
export {
  assembleProcessor,
  expandPlaceholders,
  type EncodedPrompt,
  type EncodeOptions,
  type Processor,
} from "../chat-template/processor";
export type { RgbImage } from "../image-processor/bicubic-resize";
export { MAX_INPUT_PIXELS, type DecodeOptions, type ImageInput, type RawImage } from "../image-processor/image-input";
export type {
  GridThw,
  ImageProcessor,
  ImageProcessorSettings,
  ProcessedImages,
} from "../image-processor/image-processor";
export { VlmPolicy, type LogProbsOptions, type TokenLogProbs, type VlmOptions } from "../policy/vlm-policy";
export { randomWeights, type RandomWeightsOptions } from "../policy/random-weights";
export type { ParameterGroup, ParameterShape } from "../weights/parameter-shapes";
export type { ModelParameter } from "../weights/model-weights";
export type { PromptInput, TokenizedRollout } from "../model/tokenized-rollout";
export type { VisualInput } from "../vision/visual-input";
export {
  NotFiniteError,
  type GeneratedCompletion,
  type FinishReason,
  type GenerateOptions,
} from "../generation/generate";
export { eventLoopTurn } from "../generation/event-loop-turn";
export { decodeImageInBrowser } from "./decode-image";

function noFolders(folder: string): never {
  throw new PolicyInputError({
    what: "A browser has no folders.",
    where: folder,
    expected: "bytes by name",
    fix: "read a model with loadVlmFrom and filesInMemory, and take its bytes with toFiles",
  });
}

const browserPlatform: PolicyPlatform = {
  files: noFolders,
  saveModel: async (folder) => noFolders(folder),
  saveAdapter: async (folder) => noFolders(folder),
  threads: undefined,
};

/**
 * `loadVlm` for files by name.
 *
 * ```ts
 * const policy = loadVlmFrom(filesInMemory(new Map([["config.json", config], ["model.safetensors", weights]])));
 * ```
 *
 * @throws ModelConfigError when the configuration is missing, unsupported or impossible
 * @throws WeightsError when a tensor is missing, superfluous or of another shape than the configuration asks for
 */
export function loadVlmFrom(files: ModelFiles, options: VlmOptions = {}): VlmPolicy {
  return vlmFrom(files, options, browserPlatform);
}

/** See `createVlm` of the package's main entry. */
export function createVlm(
  config: VlmConfig,
  weights: ReadonlyMap<string, Float32Array | Bfloat16Values>,
  options: VlmOptions = {},
): VlmPolicy {
  return assembleVlm(config, weights, options, browserPlatform);
}

/**
 * `createProcessor` for files by name.
 *
 * @throws TokenizerError, PromptError or ModelConfigError when a file is missing or malformed
 */
export function createProcessorFrom(
  files: ModelFiles,
  settings: Partial<ImageProcessorSettings> = {},
  model?: VlmConfig,
): Processor {
  return processorFrom(files, { decode: decodeImageInBrowser, size: imageSizeInBrowser }, settings, model);
}
