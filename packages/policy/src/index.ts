export {
  ModelConfigError,
  ImageError,
  ParityError,
  PolicyInputError,
  PromptError,
  TokenizerError,
  WeightsError,
} from "./input-error";
export { readGenerationConfig, type GenerationDefaults } from "./config/generation-config";
export {
  readModelConfig,
  readModelConfigFile,
  SUPPORTED_ARCHITECTURES,
  toFlatConfigJson,
  writeModelConfig,
  type Qwen25VlConfig,
  type TextConfig,
  type VisionConfig,
} from "./config/model-config";
export { type SafetensorsDtype } from "./safetensors/dtype";
export { readSafetensorsHeader, type SafetensorsHeader, type TensorInfo } from "./safetensors/header";
export { openSafetensors, type SafetensorsReader } from "./safetensors/reader";
export { writeSafetensors, type SafetensorsEntry, type TensorData } from "./safetensors/writer";
export { createTokenizer, loadTokenizer, type DecodeTextOptions, type Tokenizer } from "./tokenizer/tokenizer";
export type { TextStream } from "./tokenizer/text-stream";
export {
  createChatTemplate,
  loadChatTemplate,
  type ChatMessage,
  type ChatTemplate,
  type ContentPart,
  type RenderOptions,
  type TemplateTokens,
} from "./chat-template/chat-template";
export { IMAGE_MARK, splitImageMarks, type MarkedMessage } from "./chat-template/image-marks";
export {
  assembleProcessor,
  createProcessor,
  expandPlaceholders,
  type EncodedPrompt,
  type EncodeOptions,
  type Processor,
} from "./chat-template/processor";
export { resizeBicubic, type RgbImage } from "./image-processor/bicubic-resize";
export {
  decodeImage,
  MAX_INPUT_PIXELS,
  type DecodeOptions,
  type ImageInput,
  type RawImage,
} from "./image-processor/decode-image";
export {
  createImageProcessor,
  DEFAULT_IMAGE_SETTINGS,
  readImageSettings,
  type GridThw,
  type ImageProcessor,
  type ImageProcessorSettings,
  type ProcessedImages,
} from "./image-processor/image-processor";
export type { Normalization, PatchLayout } from "./image-processor/patches";
export { MAX_ASPECT_RATIO, smartResize, type SmartResizeOptions } from "./image-processor/smart-resize";
export {
  createQwen25Vl,
  createReplica,
  Qwen25VlPolicy,
  type LogProbsOptions,
  type Qwen25VlOptions,
  type SaveOptions,
  type TokenLogProbs,
} from "./policy/qwen25-vl-policy";
export type { PolicySnapshot } from "./policy/snapshot";
export { loadQwen25Vl } from "./policy/load";
export { randomWeights, type RandomWeightsOptions } from "./weights/random-weights";
export { parameterShapes, type ParameterGroup, type ParameterShape } from "./weights/parameter-shapes";
export type { ModelParameter } from "./weights/model-weights";
export type { PromptInput, TokenizedRollout, VisualInput } from "./model/tokenized-rollout";
export {
  NotFiniteError,
  type GeneratedCompletion,
  type FinishReason,
  type GenerateOptions,
} from "./generation/generate";
export type { AdapterOptions } from "./lora/adapter";
