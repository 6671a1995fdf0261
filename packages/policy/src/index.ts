export { ConfigError, ImageError, ParityError, PolicyInputError, PromptError, TokenizerError, WeightsError, type InputErrorDetail } from "./input-error";
export { type SafetensorsDtype } from "./safetensors/dtype";
export { readSafetensorsHeader, type SafetensorsHeader, type TensorInfo } from "./safetensors/header";
export { openSafetensors, type SafetensorsReader } from "./safetensors/reader";
export { writeSafetensors, type SafetensorsEntry, type TensorData } from "./safetensors/writer";
export { readGenerationConfig, type GenerationDefaults } from "./config/generation-config";
export {
  readModelConfig, readModelConfigFile, SUPPORTED_ARCHITECTURES, toFlatConfigJson, writeModelConfig, type Qwen25VlConfig, type TextConfig, type VisionConfig,
} from "./config/model-config";
