/**
 * Decoding by this package's own WebAssembly kernels: a step is one call (packages/policy/assembly/decode.ts), without
 * TensorFlow.js. Weights are packed once (adapters merged into them), keys and values grow in place, and a prompt's are
 * read by all of its rows where they lie. It runs on the wasm backend's heap, or in a memory of its own beside any
 * backend, where threads share the rows of a step; prompts are always computed by the backend.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VlmConfig, TextConfig } from "../config/model-config";
import { linear } from "../kernels/linear";
import type { RotaryTable } from "../kernels/rotary";
import { takeValues } from "../kernels/take-values";
import { Heap } from "../kernels/wasm/heap";
import type { KernelMemory } from "../kernels/wasm/kernel-memory";
import type { DecodeJob } from "../kernels/wasm/kernel-mailbox";
import type { KernelThreads } from "../kernels/wasm/kernel-threads";
import type { FeatureSource } from "../model/feature-source";
import { headWeight, languageModel } from "../model/language-model";
import type { Matrix } from "../kernels/bfloat16-matrix";
import type { ModelWeights } from "../weights/model-weights";
import { mropePositions } from "../model/mrope-positions";
import { continuedPositions, packContinuations, packTrees } from "../model/packed-batch";
import type { PromptInput } from "../model/tokenized-rollout";
import { textRotary } from "../model/text-rotary";
import { packMatrices, placeTable } from "./pack-matrices";
import type { Decoder, PromptHandle, RowContinuation, RowHandle } from "./decoder";

/** Tokens that a row's cache holds at first; it doubles when full. */
const FIRST_CAPACITY = 32;
/** Rows of a thread come in multiples of this, the height of a tile of a product. */
export const TILE_ROWS = 4;
/** int32 of a row in `decodeStep`. */
const ROW_WORDS = 6;

/** Keys and values of consecutive tokens: [layers][capacity][2 · kv heads · d]. */
interface Cache {
  address: number;
  capacity: number;
  length: number;
}

interface Prompt extends Cache {
  /** Position of the token that follows. */
  readonly next: number;
  /** Rows and handles that still need it. */
  users: number;
}

interface Row extends Cache {
  readonly prompt: Prompt;
}

/** Rows of a pass whose keys and values go into a cache, from its token `at` on. */
interface StoredRun {
  readonly start: number;
  readonly count: number;
  readonly cache: Prompt;
  readonly at: number;
}

/** Addresses of a linear layer's packed weight and of its bias, 0 without one. */
type PackedLinear = readonly [weight: number, bias: number];

export class KernelDecoder implements Decoder {
  readonly #owned = new Set<number>();
  /** The model's description for `decodeStep`. */
  readonly #model: number;
  readonly #prompts = new Map<PromptHandle, Prompt>();
  readonly #rows = new Map<RowHandle, Row>();
  #nextHandle = 0;

  /** @param threads on `memory` that share the rows of a step */
  constructor(
    readonly memory: KernelMemory,
    readonly weights: ModelWeights,
    readonly config: VlmConfig,
    readonly vision: FeatureSource,
    readonly threads?: KernelThreads,
  ) {
    try {
      this.#model = this.#describeModel();
    } catch (error) {
      this.dispose();
      throw error;
    }
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
        address: this.#allocate(length * this.#tokenFloats()),
        capacity: length,
        length,
        next: mropePositions(prompt, this.config).next,
        users: 1,
      };
    });
    const runs = tokens.trees.map(({ start, promptLength }, i): StoredRun => {
      return { start, count: promptLength, cache: caches[i]!, at: 0 };
    });
    const logits = tf.tidy(() => {
      const features =
        tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      const hidden = languageModel(tokens, features, this.weights, text, {
        select,
        onQkv: (layer, qkv, rotary) => this.#store(layer, qkv, rotary, runs),
      });
      return linear(hidden, [headWeight(this.weights)], [null]);
    });
    return { handles: caches.map((cache) => this.#add(cache)), logits: takeValues(logits) };
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
      return { address: this.#allocate(length * this.#tokenFloats()), capacity: length, length, next, users: 1 };
    });
    const before = lengths.reduce((sum, length) => sum + length, 0);
    const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
    const runs = caches.flatMap((cache, i): StoredRun[] => [
      { start: starts[i]!, count: lengths[i]!, cache, at: 0 },
      { start: before + tokens.trees[i]!.start, count: parts[i]!.ids.length, cache, at: lengths[i]! },
    ]);
    const logits = tf.tidy(() => {
      const features =
        tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      const hidden = languageModel(tokens, features, this.weights, text, {
        select: Int32Array.from(tokens.trees, ({ start, promptLength }) => start + promptLength - 1),
        past: (layer) => this.#past(layer, rows, lengths),
        onQkv: (layer, qkv, rotary) => this.#store(layer, qkv, rotary, runs),
      });
      return linear(hidden, [headWeight(this.weights)], [null]);
    });
    return { handles: caches.map((cache) => this.#add(cache)), logits: takeValues(logits) };
  }

  addRow(prompt: PromptHandle): RowHandle {
    const shared = this.#prompts.get(prompt)!;
    shared.users++;
    this.#rows.set(this.#nextHandle, {
      address: this.#allocate(FIRST_CAPACITY * this.#tokenFloats()),
      capacity: FIRST_CAPACITY,
      length: 0,
      prompt: shared,
    });
    return this.#nextHandle++;
  }

  removeRow(row: RowHandle): void {
    const { address, prompt } = this.#rows.get(row)!;
    this.#free(address);
    this.#rows.delete(row);
    this.#leave(prompt);
  }

  releasePrompt(prompt: PromptHandle): void {
    const cache = this.#prompts.get(prompt)!;
    this.#prompts.delete(prompt);
    this.#leave(cache);
  }

  step(handles: readonly RowHandle[], tokens: Int32Array): Float32Array {
    const { memory, threads } = this;
    const { text } = this.config;
    const { vocabSize } = text;
    const rows = handles.map((handle) => this.#rows.get(handle)!);
    const count = rows.length;
    for (const row of rows) if (row.length === row.capacity) this.#grow(row);

    const share = TILE_ROWS * Math.ceil(count / TILE_ROWS / (threads?.ready ?? 1));
    const parts = Array.from(
      { length: Math.ceil(count / share) },
      (_, i) => [i * share, Math.min(share, count - i * share)] as const,
    );
    const longest = rows.reduce((most, row) => Math.max(most, row.prompt.length + row.length + 1), 0);
    // Parts of different threads must not share a cache line.
    const work = 16 * Math.ceil(memory.kernels.decodeScratch(this.#model, share, longest) / 16);
    const half = text.headDim / 2;
    const logits = memory.scratch(count * (vocabSize + 2 * half + ROW_WORDS) + 16 + parts.length * work);
    const cos = logits + 4 * count * vocabSize;
    const sin = cos + 4 * count * half;
    const table = sin + 4 * count * half;
    const scratch = 64 * Math.ceil((table + 4 * count * ROW_WORDS) / 64);

    const angles = textRotary(
      Int32Array.from({ length: 3 * count }, (_, i) => rows[i % count]!.prompt.next + rows[i % count]!.length),
      text,
    );
    memory.floats(cos, count * half).set(angles.cos);
    memory.floats(sin, count * half).set(angles.sin);
    const words = memory.ints(table, count * ROW_WORDS);
    rows.forEach((row, i) =>
      words.set(
        [tokens[i]!, row.prompt.address, row.prompt.length, row.address, row.length, row.capacity],
        i * ROW_WORDS,
      ),
    );
    const jobs = parts.map(([first, size], i): DecodeJob => [
      this.#model,
      table + 4 * first * ROW_WORDS,
      size,
      cos + 4 * first * half,
      sin + 4 * first * half,
      logits + 4 * first * vocabSize,
      scratch + 4 * i * work,
    ]);
    if (threads) threads.run(jobs);
    else for (const job of jobs) memory.kernels.decodeStep(...job);
    for (const row of rows) row.length++;
    // A copy: a view is detached when the heap grows.
    return memory.floats(logits, count * vocabSize).slice();
  }

  dispose(): void {
    for (const address of this.#owned) this.memory.free(address);
    this.#owned.clear();
    this.#prompts.clear();
    this.#rows.clear();
  }

  #add(prompt: Prompt): PromptHandle {
    this.#prompts.set(this.#nextHandle, prompt);
    return this.#nextHandle++;
  }

  /** Keys and values of rows in one layer, with their prompts', as rows of q, k, v without queries. */
  #past(layer: number, rows: readonly Row[], lengths: readonly number[]): tf.Tensor2D {
    const { numHeads, headDim } = this.config.text;
    const stride = this.#strideFloats();
    const width = numHeads * headDim + stride;
    const values = new Float32Array(lengths.reduce((sum, length) => sum + length, 0) * width);
    let at = 0;
    rows.forEach((row, i) => {
      const own = lengths[i]! - row.prompt.length;
      for (const [{ address, capacity }, count] of [[row.prompt, row.prompt.length] as const, [row, own] as const]) {
        const cached = this.memory.floats(address + 4 * layer * capacity * stride, count * stride);
        for (let t = 0; t < count; t++, at += width)
          values.set(cached.subarray(t * stride, (t + 1) * stride), at + width - stride);
      }
    });
    return tf.tensor2d(values, [values.length / width, width]);
  }

  /** Keys and values of one layer for runs of rows into the caches of their prompts. */
  #store(layer: number, qkv: tf.Tensor2D, rotary: RotaryTable, runs: readonly StoredRun[]): void {
    const { memory } = this;
    const { numHeads, numKeyValueHeads, headDim } = this.config.text;
    const [rows, width] = qkv.shape;
    const stride = this.#strideFloats();
    const pointers = new Int32Array(rows);
    for (const { start, count, cache, at } of runs)
      for (let t = 0; t < count; t++)
        pointers[start + t] = cache.address + 4 * (layer * cache.capacity + at + t) * stride;
    const turned = memory.scratch(rows * (width + headDim));
    const cos = turned + 4 * rows * width;
    const sin = cos + 2 * rows * headDim;
    this.#copy(qkv, turned);
    this.#copy(rotary.cos, cos);
    this.#copy(rotary.sin, sin);
    memory.kernels.rotateRows(turned, turned, rows, numHeads, numKeyValueHeads, headDim, cos, sin, 1, 1);
    memory.withInts(pointers, (at) =>
      memory.kernels.storeKeysValues(turned, at, rows, numHeads, numKeyValueHeads, headDim),
    );
  }

  /** The model as assembly/decode.ts reads it. */
  #describeModel(): number {
    const { text } = this.config;
    const place = (name: string): number => this.#place(this.weights.get(name));
    const allocate = (floats: number): number => this.#allocate(floats);
    const optional = (name: string): number => (this.weights.has(name) ? place(name) : 0);
    const words = [
      text.hiddenSize,
      text.intermediateSize,
      text.numHeads,
      text.numKeyValueHeads,
      text.headDim,
      text.vocabSize,
      text.numLayers,
      0,
      placeTable(this.memory, this.weights.matrix("model.embed_tokens.weight"), allocate),
      place("model.norm.weight"),
      packMatrices(this.memory, [headWeight(this.weights)], allocate),
    ];
    for (let i = 0; i < text.numLayers; i++) {
      const name = `model.layers.${i}`;
      words.push(
        place(`${name}.input_layernorm.weight`),
        ...this.#pack([`${name}.self_attn.q_proj`, `${name}.self_attn.k_proj`, `${name}.self_attn.v_proj`]),
        ...this.#pack([`${name}.self_attn.o_proj`]),
        ...this.#pack([`${name}.mlp.gate_proj`, `${name}.mlp.up_proj`]),
        ...this.#pack([`${name}.mlp.down_proj`]),
        place(`${name}.post_attention_layernorm.weight`),
        ...["q_norm", "k_norm"].map((norm) => optional(`${name}.self_attn.${norm}.weight`)),
      );
    }
    const address = this.#allocate(words.length);
    this.memory.ints(address, words.length).set(words);
    this.memory.floats(address, words.length)[7] = text.rmsNormEps;
    return address;
  }

  /** A tensor's values where they lie, or copied here from another backend. */
  #place(tensor: tf.Tensor): number {
    if (this.memory instanceof Heap) return this.memory.address(tensor);
    const address = this.#allocate(tensor.size);
    this.#copy(tensor, address);
    return address;
  }

  #copy(tensor: tf.Tensor, address: number): void {
    const values =
      this.memory instanceof Heap
        ? this.memory.floats(this.memory.address(tensor), tensor.size)
        : (tensor.dataSync() as Float32Array);
    this.memory.floats(address, tensor.size).set(values);
  }

  /** Floats of a token's keys and values in one layer. */
  #strideFloats(): number {
    const { numKeyValueHeads, headDim }: TextConfig = this.config.text;
    return 2 * numKeyValueHeads * headDim;
  }

  #tokenFloats(): number {
    return this.config.text.numLayers * this.#strideFloats();
  }

  #grow(row: Row): void {
    const capacity = 2 * row.capacity;
    const address = this.#allocate(capacity * this.#tokenFloats());
    const stride = this.#strideFloats();
    for (let i = 0; i < this.config.text.numLayers; i++) {
      this.memory
        .floats(address + 4 * i * capacity * stride, row.length * stride)
        .set(this.memory.floats(row.address + 4 * i * row.capacity * stride, row.length * stride));
    }
    this.#free(row.address);
    row.address = address;
    row.capacity = capacity;
  }

  #leave(prompt: Prompt): void {
    if (--prompt.users === 0) this.#free(prompt.address);
  }

  #allocate(floats: number): number {
    const address = this.memory.allocate(floats);
    this.#owned.add(address);
    return address;
  }

  #free(address: number): void {
    this.#owned.delete(address);
    this.memory.free(address);
  }

  /** Linear layers over one input, side by side, with adapters merged in. Names without `.weight`. */
  #pack(names: readonly string[]): PackedLinear {
    const { weights, memory } = this;
    const merged = names.map((name) => (weights.adapters.has(name) ? weights.effectiveMatrix(name) : undefined));
    const matrices = names.map((name, i): Matrix => merged[i] ?? weights.matrix(`${name}.weight`));
    const address = packMatrices(memory, matrices, (floats) => this.#allocate(floats));
    tf.dispose(merged.filter((matrix) => matrix !== undefined));
    const biases = names.map((name) => (weights.has(`${name}.bias`) ? weights.vector(`${name}.bias`) : null));
    if (biases.every((values) => values === null)) return [address, 0];
    const outputs = matrices.reduce((sum, { shape }) => sum + shape[0], 0);
    const bias = this.#allocate(outputs);
    memory.floats(bias, outputs).fill(0);
    let row = 0;
    biases.forEach((values, i) => {
      if (values) this.#copy(values, bias + 4 * row);
      row += matrices[i]!.shape[0];
    });
    return [address, bias];
  }
}
