export { configError, keysAt } from "./config-problems";
export {
  type ConfigModules,
  type ConfigSource,
  type PlacedOverride,
  parseOverride,
  readConfigSource,
} from "./config-source";
export { formatKeyPath, type KeyPath } from "./key-path";
export { defineTrainingConfig } from "./define-training-config";
export { loadTrainingConfig, overrideTrainingConfig, resolveTrainingConfig } from "./load-training-config";
export { presets } from "./presets";
export {
  type AdvantageName,
  BACKEND_SETTINGS,
  type BackendSetting,
  type DataSetConfig,
  type KlEstimatorName,
  type LossName,
  type ModelAdapterConfig,
  PRESETS,
  type PresetName,
  type TrainingConfig,
  type WorkersSetting,
} from "./training-config";
export { type TrainingConfigInput, trainingConfigSchema } from "./training-config-schema";
