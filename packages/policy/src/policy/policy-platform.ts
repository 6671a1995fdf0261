/** What a policy needs of the platform it runs on: Node's is in ../folder, a browser's in ../browser. */
import type { VlmConfig } from "../config/model-config";
import type { ModelFiles } from "../files/model-files";
import type { DecodingThreads } from "../generation/decoding-memory";
import type { WeightDtype } from "../kernels/bfloat16-matrix";
import type { AttachedAdapter } from "../lora/adapter";
import type { ModelWeights } from "../weights/model-weights";

export interface SaveModelOptions {
  readonly sourceFolder: string | undefined;
  /** Default "float32". */
  readonly dtype?: WeightDtype;
}

/** The part of a platform that a policy uses. */
export interface PolicyPlatform {
  /** The files of a folder. */
  files(folder: string): ModelFiles;
  /** Writes the model, adapters merged in, with the tokenizer's files of `sourceFolder`. */
  saveModel(folder: string, config: VlmConfig, weights: ModelWeights, options: SaveModelOptions): Promise<void>;
  /** Writes the adapter as peft does. */
  saveAdapter(folder: string, adapter: AttachedAdapter, baseModel: string | undefined): Promise<void>;
  /** Threads that decode beside the caller's; undefined if the platform has no threads. */
  readonly threads: DecodingThreads | undefined;
}
