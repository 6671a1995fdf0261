export {
  ModelConfigError,
  ImageError,
  ParityError,
  PolicyInputError,
  PromptError,
  TokenizerError,
  WeightsError,
} from "./input-error";
export type { GenerationDefaults } from "./policy/generation-config";
export type { TextConfig, VisionConfig, VlmConfig } from "./config/model-config";
export {
  familyOf,
  modelFamilies,
  parameterShapes,
  SUPPORTED_ARCHITECTURES,
  toPublishedConfigJson,
} from "./families/model-families";
export type { BoxConvention, ModelFamily, VideoPositions } from "./families/model-family";
export { publishedModels, type PublishedModel } from "./families/published-models";
export type { Qwen25VisionConfig, Qwen25VlConfig } from "./families/qwen2-5-vl/config";
export type { Qwen2VlConfig } from "./families/qwen2-vl/config";
export type { Qwen3VisionConfig, Qwen3VlConfig } from "./families/qwen3-vl/config";
export { type SafetensorsDtype } from "./safetensors/dtype";
export { type SafetensorsHeader, type TensorInfo } from "./safetensors/header";
export type { SafetensorsReader } from "./safetensors/reader";
export { createTokenizer, type DecodeTextOptions, type Tokenizer } from "./tokenizer/tokenizer";
export type { TextStream } from "./tokenizer/text-stream";
export {
  createChatTemplate,
  type ChatMessage,
  type ChatTemplate,
  type ContentPart,
  type RenderOptions,
  type TemplateTokens,
} from "./chat-template/chat-template";
export { IMAGE_MARK, splitImageMarks, type MarkedMessage } from "./chat-template/image-marks";
export {
  assembleProcessor,
  expandPlaceholders,
  measuringProcessor,
  type EncodedPrompt,
  type EncodeOptions,
  type Processor,
} from "./chat-template/processor";
export { resizeBicubic, type RgbImage } from "./image-processor/bicubic-resize";
export {
  QWEN2_IMAGE_SETTINGS,
  type GridThw,
  type ImageProcessor,
  type ImageProcessorSettings,
  type ProcessedImages,
} from "./image-processor/image-processor";
export type { Normalization, PatchLayout } from "./image-processor/patches";
export { MAX_ASPECT_RATIO, smartResize, type SmartResizeOptions } from "./image-processor/smart-resize";
export {
  keptInBfloat16,
  VlmPolicy,
  type LogProbsOptions,
  type VlmOptions,
  type SaveOptions,
  type TokenLogProbs,
} from "./policy/vlm-policy";
export { type DecoderName, type DecodingSize, chooseDecoder, kernelDecodingBytes } from "./generation/choose-decoder";
export { type Arithmetic, arithmeticOf } from "./policy/arithmetic";
export type { GradientCheckpointing } from "./kernels/checkpoint";
export type { UpdateKernels } from "./kernels/native/own-ops";
export { decodesNatively } from "./generation/native-step-kernels";
export type { WeightDtype } from "./kernels/bfloat16-matrix";
export type { PolicySnapshot } from "./policy/snapshot";
export { randomWeights, type RandomWeightsOptions } from "./policy/random-weights";
export type { ParameterGroup, ParameterShape } from "./weights/parameter-shapes";
export type { ModelParameter } from "./weights/model-weights";
export type { PromptInput, TokenizedRollout } from "./model/tokenized-rollout";
export type { VisualInput } from "./vision/visual-input";
export {
  NotFiniteError,
  type GeneratedCompletion,
  type GeneratedTurn,
  type TurnContinuation,
  type FinishReason,
  type EndedTurn,
  type GenerateOptions,
} from "./generation/generate";
export { eventLoopTurn } from "./generation/event-loop-turn";
export { countAdapterValues, type AdapterOptions } from "./lora/adapter";
export {
  createImageProcessor,
  createProcessor,
  createReplica,
  createVlm,
  loadChatTemplate,
  loadTokenizer,
  loadVlm,
  openSafetensors,
  readGenerationConfig,
  readImageSettings,
  readModelConfig,
  readModelConfigFile,
  readSafetensorsHeader,
} from "./folder/read-model";
export { writeModelConfig } from "./folder/save-policy";
export { writeSafetensors } from "./folder/safetensors-writer";
export { safetensorsBytes, type SafetensorsEntry, type TensorData } from "./safetensors/encode";
export { decodeImage, imageSize } from "./folder/decode-image";
export { encodePng } from "./folder/encode-png";
export { MAX_INPUT_PIXELS, type DecodeOptions, type ImageInput, type RawImage } from "./image-processor/image-input";
export {
  /** @deprecated `VlmPolicy` */
  VlmPolicy as Qwen25VlPolicy,
  /** @deprecated `VlmOptions` */
  type VlmOptions as Qwen25VlOptions,
} from "./policy/vlm-policy";
export {
  /** @deprecated `createVlm` */
  createVlm as createQwen25Vl,
  /** @deprecated `loadVlm` */
  loadVlm as loadQwen25Vl,
} from "./folder/read-model";
