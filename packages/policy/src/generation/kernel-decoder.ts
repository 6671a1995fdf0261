/**
 * Decoding by this package's own kernels: a step is one call, without TensorFlow.js. Keys and values grow in place, and a
 * prompt's are read by all of its rows where they lie; prompts are always computed by the backend.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VlmConfig } from "../config/model-config";
import { linear } from "../kernels/linear";
import type { RotaryTable } from "../kernels/rotary";
import { takeValues } from "../kernels/take-values";
import type { FeatureSource } from "../model/feature-source";
import { headWeight, languageModel } from "../model/language-model";
import { mropePositions } from "../model/mrope-positions";
import { continuedPositions, packContinuations, packTrees } from "../model/packed-batch";
import { textRotary } from "../model/text-rotary";
import type { PromptInput } from "../model/tokenized-rollout";
import type { ModelWeights } from "../weights/model-weights";
import type { Decoder, PromptHandle, RowContinuation, RowHandle } from "./decoder";
import type { DrawRows } from "./sampler";
import { keyValueWidth, type StepKernels } from "./step-kernels";

/** Tokens that a row's cache holds at first; it doubles when full. */
const FIRST_CAPACITY = 32;
/** See `Cache`; a prompt's and a row's grow. */
interface GrowingCache {
  address: number;
  capacity: number;
  length: number;
}

interface Prompt extends GrowingCache {
  /** Position of the token that follows. */
  readonly next: number;
  /** Rows and handles that still need it. */
  users: number;
}

interface Row extends GrowingCache {
  readonly prompt: Prompt;
}

/** Rows of a pass whose keys and values go into a cache, from its token `at` on. */
interface StoredRun {
  readonly start: number;
  readonly count: number;
  readonly cache: Prompt;
  readonly at: number;
}

export class KernelDecoder implements Decoder {
  readonly #prompts = new Map<PromptHandle, Prompt>();
  readonly #rows = new Map<RowHandle, Row>();
  #nextHandle = 0;
  readonly draw: DrawRows | undefined;

  /** @param kernels disposed with the decoder */
  constructor(
    readonly kernels: StepKernels,
    readonly weights: ModelWeights,
    readonly config: VlmConfig,
    readonly vision: FeatureSource,
  ) {
    this.draw = kernels.draw?.bind(kernels);
  }

  prefill(prompts: readonly PromptInput[]): { handles: PromptHandle[]; logits: Float32Array } {
    const { text } = this.config;
    const tokens = packTrees(
      prompts.map((prompt) => ({ prompt, branches: [] })),
      this.config,
    );
    const select = Int32Array.from(tokens.trees, ({ start, promptLength }) => start + promptLength - 1);
    const caches = prompts.map((prompt): Prompt => {
      const length = prompt.promptIds.length;
      return {
        address: this.kernels.allocate(length),
        capacity: length,
        length,
        next: mropePositions(prompt, this.config).next,
        users: 1,
      };
    });
    const runs = tokens.trees.map(({ start, promptLength }, i): StoredRun => {
      return { start, count: promptLength, cache: caches[i]!, at: 0 };
    });
    const hidden = tf.tidy(() => {
      const features =
        tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      return languageModel(tokens, features, this.weights, text, {
        select,
        onQkv: (layer, qkv, rotary) => this.#store(layer, qkv, rotary, runs),
      });
    });
    return { handles: caches.map((cache) => this.#add(cache)), logits: this.#logits(hidden) };
  }

  extend(parts: readonly RowContinuation[]): { handles: PromptHandle[]; logits: Float32Array } {
    const { text } = this.config;
    const rows = parts.map(({ row }) => this.#rows.get(row)!);
    const lengths = parts.map(({ drop }, i) => rows[i]!.prompt.length + rows[i]!.length - drop);
    const nexts = parts.map(({ drop }, i) => rows[i]!.prompt.next + rows[i]!.length - drop);
    const tokens = packContinuations(
      parts.map(({ ids, pictures }, i) => ({ ids, pictures, past: lengths[i]!, next: nexts[i]! })),
      this.config,
    );
    const caches = parts.map(({ ids, pictures }, i): Prompt => {
      const length = lengths[i]! + ids.length;
      const { next } = continuedPositions(ids, pictures, nexts[i]!, this.config);
      return { address: this.kernels.allocate(length), capacity: length, length, next, users: 1 };
    });
    const before = lengths.reduce((sum, length) => sum + length, 0);
    const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
    const runs = caches.flatMap((cache, i): StoredRun[] => [
      { start: starts[i]!, count: lengths[i]!, cache, at: 0 },
      { start: before + tokens.trees[i]!.start, count: parts[i]!.ids.length, cache, at: lengths[i]! },
    ]);
    const hidden = tf.tidy(() => {
      const features =
        tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      return languageModel(tokens, features, this.weights, text, {
        select: Int32Array.from(tokens.trees, ({ start, promptLength }) => start + promptLength - 1),
        past: (layer) => this.#past(layer, rows, lengths),
        onQkv: (layer, qkv, rotary) => this.#store(layer, qkv, rotary, runs),
      });
    });
    return { handles: caches.map((cache) => this.#add(cache)), logits: this.#logits(hidden) };
  }

  addRow(prompt: PromptHandle): RowHandle {
    const shared = this.#prompts.get(prompt)!;
    shared.users++;
    this.#rows.set(this.#nextHandle, {
      address: this.kernels.allocate(FIRST_CAPACITY),
      capacity: FIRST_CAPACITY,
      length: 0,
      prompt: shared,
    });
    return this.#nextHandle++;
  }

  removeRow(row: RowHandle): void {
    const { address, prompt } = this.#rows.get(row)!;
    this.kernels.free(address);
    this.#rows.delete(row);
    this.#leave(prompt);
  }

  releasePrompt(prompt: PromptHandle): void {
    const cache = this.#prompts.get(prompt)!;
    this.#prompts.delete(prompt);
    this.#leave(cache);
  }

  step(handles: readonly RowHandle[], tokens: Int32Array): Float32Array {
    const rows = handles.map((handle) => this.#rows.get(handle)!);
    for (const row of rows) if (row.length === row.capacity) this.#grow(row);
    const count = rows.length;
    const angles = textRotary(
      Int32Array.from({ length: 3 * count }, (_, i) => rows[i % count]!.prompt.next + rows[i % count]!.length),
      this.config.text,
    );
    const logits = this.kernels.step(rows, tokens, angles);
    for (const row of rows) row.length++;
    return logits;
  }

  dispose(): void {
    this.kernels.dispose();
    this.#prompts.clear();
    this.#rows.clear();
  }

  /** Of the last hidden states of prompts, which it frees. Kernels that can read the head where it lies, and no copy of it. */
  #logits(hidden: tf.Tensor2D): Float32Array {
    const logits =
      this.kernels.logits?.(hidden) ?? takeValues(tf.tidy(() => linear(hidden, [headWeight(this.weights)], [null])));
    hidden.dispose();
    return logits;
  }

  #add(prompt: Prompt): PromptHandle {
    this.#prompts.set(this.#nextHandle, prompt);
    return this.#nextHandle++;
  }

  /** Keys and values of rows in one layer, with their prompts', as rows of q, k, v without queries. */
  #past(layer: number, rows: readonly Row[], lengths: readonly number[]): tf.Tensor2D {
    const { numHeads, headDim } = this.config.text;
    const stride = keyValueWidth(this.config.text);
    const width = numHeads * headDim + stride;
    const values = new Float32Array(lengths.reduce((sum, length) => sum + length, 0) * width);
    let at = 0;
    rows.forEach((row, i) => {
      const own = lengths[i]! - row.prompt.length;
      for (const [cache, count] of [[row.prompt, row.prompt.length] as const, [row, own] as const]) {
        const cached = this.kernels.read(cache, layer, count);
        for (let t = 0; t < count; t++, at += width)
          values.set(cached.subarray(t * stride, (t + 1) * stride), at + width - stride);
      }
    });
    return tf.tensor2d(values, [values.length / width, width]);
  }

  /** Keys and values of one layer for runs of rows into the caches of their prompts. */
  #store(layer: number, qkv: tf.Tensor2D, rotary: RotaryTable, runs: readonly StoredRun[]): void {
    const stride = keyValueWidth(this.config.text);
    const addresses = new Float64Array(qkv.shape[0]);
    for (const { start, count, cache, at } of runs)
      for (let t = 0; t < count; t++)
        addresses[start + t] = cache.address + 4 * (layer * cache.capacity + at + t) * stride;
    this.kernels.store(qkv, rotary, addresses);
  }

  #grow(row: Row): void {
    const capacity = 2 * row.capacity;
    const address = this.kernels.allocate(capacity);
    this.kernels.move(row, address, capacity);
    this.kernels.free(row.address);
    row.address = address;
    row.capacity = capacity;
  }

  #leave(prompt: Prompt): void {
    if (--prompt.users === 0) this.kernels.free(prompt.address);
  }
}
