export {
  ConfigError,
  ImageError,
  ParityError,
  PolicyInputError,
  PromptError,
  TokenizerError,
  WeightsError,
  type InputErrorDetail,
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
export type { Normalisation, PatchLayout } from "./image-processor/patches";
export { MAX_ASPECT_RATIO, smartResize, type SmartResizeOptions } from "./image-processor/smart-resize";
export {
  createQwen25Vl,
  createReplica,
  Qwen25VlPolicy,
  type LogProbsOptions,
  type Qwen25VlOptions,
  type SaveOptions,
  type TokenLogProbs,
} from "./model/qwen25-vl";
export type { PolicySnapshot } from "./model/snapshot";
export { loadQwen25Vl } from "./model/load";
export { randomWeights, type RandomWeightsOptions } from "./model/random-weights";
export { parameterShapes, type ParameterGroup, type ParameterShape } from "./model/parameter-shapes";
export type { ModelParameter } from "./model/model-weights";
export type { PromptInput, RolloutRow, VisualInput } from "./model/rollout-row";
export { NotFiniteError, type Completion, type FinishReason, type GenerateOptions } from "./generation/generate";
export type { AdapterOptions } from "./lora/adapter";
