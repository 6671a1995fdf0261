/** The seam between `KernelDecoder` and what computes its steps: WebAssembly, or the native addon. */
import type * as tf from "@tensorflow/tfjs-core";
import type { TextConfig } from "../config/model-config";
import type { RotaryTable } from "../kernels/rotary";
import type { RotaryValues } from "../kernels/rotary-values";
import type { DrawRows } from "./sampler";

/** Keys and values of consecutive tokens: [layers][capacity][2 · kv heads · d]. */
export interface Cache {
  readonly address: number;
  readonly capacity: number;
  readonly length: number;
}

/** A row of a step: its own tokens follow those of its prompt. */
export interface CachedRow extends Cache {
  readonly prompt: Cache;
}

/** Computes the newest token of each row, with caches in a memory of its own. Synchronous, not reentrant. */
export interface StepKernels {
  /** Memory for the keys and values of this number of tokens. @throws Error when none is left */
  allocate(tokens: number): number;
  free(address: number): void;
  /** Copies the tokens of a cache to a place with another capacity. */
  move(cache: Cache, address: number, capacity: number): void;
  /**
   * Rotates the keys of one layer's rows of q, k, v and copies them with the values to an address for each row.
   *
   * @param qkv [N, (heads + 2 · kv heads) · d]
   */
  store(qkv: tf.Tensor2D, rotary: RotaryTable, addresses: Float64Array): void;
  /** The first `count` tokens of a layer, [count · 2 · kv heads · d]; valid until the next call. */
  read(cache: Cache, layer: number, count: number): Float32Array;
  /**
   * Adds each row's newest token to its cache, whose capacity has room for it, and computes the next.
   *
   * @param angles of the tokens' positions, a row each
   * @returns logits, [rows · vocabulary]; valid until the next call
   */
  step(rows: readonly CachedRow[], tokens: Int32Array, angles: RotaryValues): Float32Array;
  /** Logits of final hidden states, [rows · vocabulary], where the kernels can read the head as it lies. */
  logits?(hidden: tf.Tensor2D): Float32Array;
  /** Draws from the logits of a step on the kernels' threads, where they can. */
  draw?: DrawRows;
  /** Frees everything, caches included. */
  dispose(): void;
}

/** Numbers of a token's keys and values in one layer. */
export function keyValueWidth({ numKeyValueHeads, headDim }: TextConfig): number {
  return 2 * numKeyValueHeads * headDim;
}
