/**
 * Which decoder suits a model and a backend. On wasm the package's own kernels always decode. Beside native TensorFlow
 * their native form does, on TensorFlow's own weights, where `native install` has compiled it; small models stay with the
 * WebAssembly form. Without it the WebAssembly form decodes what its memory holds: a step is one call of threads that read
 * the weights once, where the backend runs some sixty ops a layer. Its price is a packed copy of the language model while
 * it generates. A GPU decodes all but small models by itself.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig } from "../config/model-config";

/** `kernels`: this package's own; `backend`: TensorFlow.js ops; `auto`: whichever suits. */
export type DecoderName = "auto" | "kernels" | "backend";

/** What decodes: this package's kernels beside TensorFlow or in WebAssembly, or TensorFlow.js ops. */
export type DecodingPath = "native" | "wasm" | "backend";

/** What there is to decode with, beside WebAssembly. */
export interface DecodingMeans {
  /** Whether the backend computes on a GPU. */
  readonly onGpu: boolean;
  /** Whether the native kernels are there. */
  readonly hasAddon: boolean;
}

/** Models up to this size are WebAssembly's: on a GPU an op takes longer to start than to run. Not measured on a GPU. */
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

/** Bytes that decoding takes beside the model: keys and values of all tokens, and in WebAssembly the packed model. */
export function kernelDecodingBytes(text: TextConfig, size: DecodingSize, path: "wasm" | "native" = "wasm"): number {
  const perToken = 2 * text.numLayers * text.numKeyValueHeads * text.headDim;
  // The embedding is there twice: as rows to look up, and packed as the head.
  const embedding = (size.halfEmbedding ? 2 : 4) * text.vocabSize * text.hiddenSize;
  const weights = path === "native" ? 0 : 4 * size.parameters - 2 * (size.halves ?? 0) + embedding;
  // Rows grow together by doubling. In WebAssembly nobody needs what they outgrow: as much again.
  const rowTokens = (path === "native" ? 1 : 2) * 2 ** Math.ceil(Math.log2(size.maxNewTokens));
  return weights + 4 * (perToken * (size.promptTokens + size.rows * rowTokens));
}

/** What decodes beside a backend that has no heap that the kernels could run on. */
export function chooseDecoder(
  name: DecoderName,
  text: TextConfig,
  size: DecodingSize,
  { onGpu, hasAddon }: DecodingMeans,
): DecodingPath {
  if (name === "backend") return "backend";
  if (size.parameters <= SMALL_PARAMETERS) return "wasm";
  if (hasAddon) return "native";
  if (name === "kernels") return "wasm";
  if (onGpu || size.maxNewTokens < FEWEST_TOKENS) return "backend";
  return kernelDecodingBytes(text, size) <= KERNEL_BYTES ? "wasm" : "backend";
}

/** Whether the present backend computes on a GPU. */
export const computesOnGpu = (): boolean =>
  (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
