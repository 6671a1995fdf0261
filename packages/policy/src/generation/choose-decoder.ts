/**
 * Which decoder suits a model and a backend. On wasm the package's own kernels always decode. Elsewhere they decode what
 * their memory holds, too: a step is one call of threads that read the weights once, where the backend runs some sixty
 * ops a layer. Their price is a packed copy of the language model while they generate. A GPU decodes all but small
 * models by itself.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig } from "../config/model-config";

/** `kernels`: this package's own; `backend`: TensorFlow.js ops; `auto`: whichever suits. */
export type DecoderName = "auto" | "kernels" | "backend";

/** Models up to this size are never the GPU's: an op takes longer to start there than to run. Not measured on a GPU. */
const SMALL_PARAMETERS = 1 << 23;
/** Of the 4 GiB that WebAssembly addresses: the rest is for a step's logits and steps of a layer. */
const KERNEL_BYTES = 3.6e9;

/** Packing the weights takes as long as some twenty steps save: shorter answers are the backend's. */
const FEWEST_TOKENS = 32;

export interface DecodingSize {
  /** Numbers of the language model. */
  readonly parameters: number;
  /** Those of them that are packed in bfloat16: kept so, and no adapter is merged in. Default 0. */
  readonly halves?: number;
  /** Whether the embedding is kept in bfloat16. Default false. */
  readonly halfEmbedding?: boolean;
  /** Rows decoded at once. */
  readonly rows: number;
  /** Of all prompts that are there at once. */
  readonly promptTokens: number;
  readonly maxNewTokens: number;
}

/** Bytes of the packed model with keys and values of all tokens. */
export function kernelDecodingBytes(text: TextConfig, size: DecodingSize): number {
  const perToken = 2 * text.numLayers * text.numKeyValueHeads * text.headDim;
  // The embedding is there twice: as rows to look up, and packed as the head.
  const embedding = (size.halfEmbedding ? 2 : 4) * text.vocabSize * text.hiddenSize;
  const weights = 4 * size.parameters - 2 * (size.halves ?? 0) + embedding;
  // Rows grow together by doubling, and what they outgrow nobody needs: as much again.
  const rowTokens = 2 * 2 ** Math.ceil(Math.log2(size.maxNewTokens));
  return weights + 4 * (perToken * (size.promptTokens + size.rows * rowTokens));
}

/**
 * Whether the package's own kernels decode beside a backend that has no heap that they could run on.
 *
 * @param onGpu whether the backend computes on a GPU
 */
export function decodesByKernels(name: DecoderName, text: TextConfig, size: DecodingSize, onGpu: boolean): boolean {
  if (name !== "auto") return name === "kernels";
  if (size.parameters <= SMALL_PARAMETERS) return true;
  if (onGpu || size.maxNewTokens < FEWEST_TOKENS) return false;
  return kernelDecodingBytes(text, size) <= KERNEL_BYTES;
}

/** Whether the present backend computes on a GPU. */
export const computesOnGpu = (): boolean =>
  (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
