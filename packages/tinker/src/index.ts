export { connectTinker, type TinkerClient, type TinkerClientOptions } from "./tinker-client";
export type { SessionContext, TinkerConnection } from "./connection";
export { type CreateModelOptions, type SessionOptions, type TinkerSession } from "./tinker-session";
export { type PassOptions, type TrainingModel } from "./training-model";
export { type SampleOptions, type Sampler, type SamplerAddress } from "./sampler";
export {
  completionDatum,
  inputLength,
  modelInput,
  type InputPicture,
  type TinkerPrompt,
  type TokenValues,
} from "./datum";
export { chunkRows, type ChunkLimits } from "./request-chunks";
export type { FutureOptions } from "./future";
export { TinkerError, type TinkerErrorCode, type TinkerErrorDetails } from "./tinker-error";
export type { TransportOptions } from "./transport";
export type {
  AdamSettings,
  LoraSettings,
  LossOutputs,
  ModelInfo,
  OptimStepOutput,
  PassOutput,
  SampledSequence,
  SampleOutput,
  SamplingSettings,
  ServerCapabilities,
  ServerModel,
  WireChunk,
  WireDatum,
  WireModelInput,
  WireTensor,
} from "./wire";
