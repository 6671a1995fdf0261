/**
 * Decoding by our own WebAssembly kernels: a step is some ten calls a layer, without TensorFlow.js in between. Weights are
 * packed once (adapters merged into them), keys and values grow in place, and a prompt's are read by all of its rows where
 * they lie. It runs on the wasm backend's heap, or in a memory of its own beside any other backend; prompts are always
 * computed by the backend.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Qwen25VlConfig, TextConfig } from "../config/model-config";
import { linear } from "../kernels/linear";
import type { RotaryTable } from "../kernels/rotary";
import { Heap } from "../kernels/wasm/heap";
import type { KernelMemory } from "../kernels/wasm/kernel-memory";
import type { FeatureSource } from "../model/feature-source";
import { headWeight, languageModel } from "../model/language-model";
import type { ModelWeights } from "../model/model-weights";
import { mropePositions } from "../model/mrope-positions";
import { packTrees, type PackedTokens } from "../model/packed-batch";
import type { PromptInput } from "../model/rollout-row";
import { textRotary } from "../model/rotary-tables";
import type { Decoder, PromptHandle, RowHandle } from "./decoder";

/** Tokens that a row's cache holds at first; it doubles when full. */
const FIRST_CAPACITY = 32;

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

/** A linear layer ready for `gemmPacked`. */
interface PackedLinear {
  readonly address: number;
  readonly bias: number;
  readonly inputs: number;
  readonly outputs: number;
}

interface PackedLayer {
  readonly qkv: PackedLinear;
  readonly output: PackedLinear;
  readonly gateUp: PackedLinear;
  readonly down: PackedLinear;
}

export class KernelDecoder implements Decoder {
  readonly #owned = new Set<number>();
  /** Embedding and norms by name. */
  readonly #constants = new Map<string, number>();
  readonly #layers: PackedLayer[];
  readonly #head: PackedLinear;
  readonly #prompts = new Map<PromptHandle, Prompt>();
  readonly #rows = new Map<RowHandle, Row>();
  #nextHandle = 0;

  constructor(
    readonly memory: KernelMemory,
    readonly weights: ModelWeights,
    readonly config: Qwen25VlConfig,
    readonly vision: FeatureSource,
  ) {
    try {
      for (const name of ["model.embed_tokens.weight", "model.norm.weight"]) this.#constants.set(name, this.#place(weights.get(name)));
      this.#layers = Array.from({ length: config.text.numLayers }, (_, i): PackedLayer => {
        const name = `model.layers.${i}`;
        for (const norm of ["input_layernorm", "post_attention_layernorm"]) this.#constants.set(`${name}.${norm}.weight`, this.#place(weights.get(`${name}.${norm}.weight`)));
        return {
          qkv: this.#pack([`${name}.self_attn.q_proj`, `${name}.self_attn.k_proj`, `${name}.self_attn.v_proj`]),
          output: this.#pack([`${name}.self_attn.o_proj`]),
          gateUp: this.#pack([`${name}.mlp.gate_proj`, `${name}.mlp.up_proj`]),
          down: this.#pack([`${name}.mlp.down_proj`]),
        };
      });
      this.#head = this.#packMatrices([headWeight(weights)], [null]);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  prefill(prompts: readonly PromptInput[]): { handles: PromptHandle[]; logits: Float32Array } {
    const { text } = this.config;
    const tokens = packTrees(prompts.map((prompt) => ({ prompt, branches: [] })), this.config);
    const select = Int32Array.from(tokens.trees, ({ start, promptLength }) => start + promptLength - 1);
    const caches = prompts.map((prompt): Prompt => {
      const length = prompt.promptIds.length;
      return { address: this.#allocate(length * this.#tokenFloats()), capacity: length, length, next: mropePositions(prompt, this.config).next, users: 1 };
    });
    const logits = tf.tidy(() => {
      const features = tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      const hidden = languageModel(tokens, features, this.weights, text, { select, onQkv: (layer, qkv, rotary) => this.#storePrompts(layer, qkv, rotary, tokens, caches) });
      return linear(hidden, [headWeight(this.weights)], [null]).dataSync() as Float32Array;
    });
    const handles = caches.map((cache) => {
      this.#prompts.set(this.#nextHandle, cache);
      return this.#nextHandle++;
    });
    return { handles, logits };
  }

  addRow(prompt: PromptHandle): RowHandle {
    const shared = this.#prompts.get(prompt)!;
    shared.users++;
    this.#rows.set(this.#nextHandle, { address: this.#allocate(FIRST_CAPACITY * this.#tokenFloats()), capacity: FIRST_CAPACITY, length: 0, prompt: shared });
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
    const { memory } = this;
    const { kernels } = memory;
    const { text } = this.config;
    const { numHeads, numKeyValueHeads, headDim, hiddenSize, intermediateSize, vocabSize } = text;
    const rows = handles.map((handle) => this.#rows.get(handle)!);
    const count = rows.length;
    for (const row of rows) if (row.length === row.capacity) this.#grow(row);

    const qkvWidth = (numHeads + 2 * numKeyValueHeads) * headDim;
    const half = headDim / 2;
    const longest = rows.reduce((most, row) => Math.max(most, row.prompt.length + row.length + 1), 0);
    const sizes = [hiddenSize, hiddenSize, qkvWidth, numHeads * headDim, 2 * intermediateSize, intermediateSize, vocabSize, 1, half, half, 1, 1, 4].map((n) => n * count);
    let offset = memory.scratch(sizes.reduce((a, b) => a + b, 0) + longest);
    const [x, normal, qkv, attended, packed, inner, logits, inverse, cos, sin, ids, pointers, table] = sizes.map((size) => {
      const at = offset;
      offset += 4 * size;
      return at;
    }) as [number, number, number, number, number, number, number, number, number, number, number, number, number];
    const scores = offset;

    const angles = textRotary(Int32Array.from({ length: 3 * count }, (_, i) => rows[i % count]!.prompt.next + rows[i % count]!.length), text);
    memory.floats(cos, count * half).set(angles.cos);
    memory.floats(sin, count * half).set(angles.sin);
    memory.ints(ids, count).set(tokens);
    kernels.gatherRows(this.#address("model.embed_tokens.weight"), ids, count, hiddenSize, x);

    const stride = this.#strideFloats();
    this.#layers.forEach((layer, i) => {
      const name = `model.layers.${i}`;
      const own = (row: Cache): number => row.address + 4 * i * row.capacity * stride;
      memory.ints(pointers, count).set(rows.map((row) => own(row) + 4 * row.length * stride));
      memory.ints(table, 4 * count).set(rows.flatMap((row) => [own(row.prompt), row.prompt.length, own(row), row.length + 1]));
      kernels.rmsNorm(x, this.#address(`${name}.input_layernorm.weight`), count, hiddenSize, text.rmsNormEps, normal, inverse);
      this.#apply(layer.qkv, normal, count, qkv, false);
      kernels.rotateRows(qkv, qkv, count, numHeads, numKeyValueHeads, headDim, cos, sin, 1, 1 / Math.sqrt(headDim));
      kernels.storeKeysValues(qkv, pointers, count, numHeads, numKeyValueHeads, headDim);
      kernels.decodeAttention(qkv, table, count, numHeads, numKeyValueHeads, headDim, attended, scores);
      this.#apply(layer.output, attended, count, x, true);
      kernels.rmsNorm(x, this.#address(`${name}.post_attention_layernorm.weight`), count, hiddenSize, text.rmsNormEps, normal, inverse);
      this.#apply(layer.gateUp, normal, count, packed, false);
      kernels.swiglu(packed, count, intermediateSize, inner);
      this.#apply(layer.down, inner, count, x, true);
    });
    kernels.rmsNorm(x, this.#address("model.norm.weight"), count, hiddenSize, text.rmsNormEps, normal, inverse);
    this.#apply(this.#head, normal, count, logits, false);
    for (const row of rows) row.length++;
    // A copy: the view would be cut off when the heap grows.
    return memory.floats(logits, count * vocabSize).slice();
  }

  dispose(): void {
    for (const address of this.#owned) this.memory.free(address);
    this.#owned.clear();
    this.#prompts.clear();
    this.#rows.clear();
  }

  /** Keys and values of one layer for all prompt tokens into the prompts' caches. */
  #storePrompts(layer: number, qkv: tf.Tensor2D, rotary: RotaryTable, tokens: PackedTokens, caches: readonly Prompt[]): void {
    const { memory } = this;
    const { numHeads, numKeyValueHeads, headDim } = this.config.text;
    const [rows, width] = qkv.shape;
    const stride = this.#strideFloats();
    const pointers = new Int32Array(rows);
    tokens.trees.forEach(({ start, promptLength }, i) => {
      const { address, capacity } = caches[i]!;
      for (let t = 0; t < promptLength; t++) pointers[start + t] = address + 4 * (layer * capacity + t) * stride;
    });
    const turned = memory.scratch(rows * (width + headDim));
    const cos = turned + 4 * rows * width;
    const sin = cos + 2 * rows * headDim;
    this.#copy(qkv, turned);
    this.#copy(rotary.cos, cos);
    this.#copy(rotary.sin, sin);
    memory.kernels.rotateRows(turned, turned, rows, numHeads, numKeyValueHeads, headDim, cos, sin, 1, 1);
    memory.withInts(pointers, (at) => memory.kernels.storeKeysValues(turned, at, rows, numHeads, numKeyValueHeads, headDim));
  }

  #apply({ address, bias, inputs, outputs }: PackedLinear, from: number, rows: number, to: number, accumulate: boolean): void {
    this.memory.kernels.gemmPacked(rows, outputs, inputs, from, inputs, address, to, outputs, bias, accumulate ? 1 : 0);
  }

  #address(name: string): number {
    return this.#constants.get(name)!;
  }

  /** A tensor's values where they lie, or copied here from another backend. */
  #place(tensor: tf.Tensor): number {
    if (this.memory instanceof Heap) return this.memory.address(tensor);
    const address = this.#allocate(tensor.size);
    this.#copy(tensor, address);
    return address;
  }

  #copy(tensor: tf.Tensor, address: number): void {
    const values = this.memory instanceof Heap ? this.memory.floats(this.memory.address(tensor), tensor.size) : (tensor.dataSync() as Float32Array);
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
      this.memory.floats(address + 4 * i * capacity * stride, row.length * stride).set(this.memory.floats(row.address + 4 * i * row.capacity * stride, row.length * stride));
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

  #pack(names: readonly string[]): PackedLinear {
    const merged = tf.tidy(() => names.map((name) => tf.keep(this.weights.effectiveMatrix(name))));
    const packed = this.#packMatrices(merged, names.map((name) => (this.weights.has(`${name}.bias`) ? this.weights.vector(`${name}.bias`) : null)));
    tf.dispose(merged);
    return packed;
  }

  /** Several layers over one input as one: rows of their weights below each other, then packed. */
  #packMatrices(matrices: readonly tf.Tensor2D[], biases: readonly (tf.Tensor1D | null)[]): PackedLinear {
    const { memory } = this;
    const inputs = matrices[0]!.shape[1];
    const outputs = matrices.reduce((sum, { shape }) => sum + shape[0], 0);
    const address = this.#allocate(memory.kernels.packedSize(inputs, outputs));
    // A single matrix on the same heap needs no copy: an output head can be most of a small model.
    const inPlace = matrices.length === 1 && memory instanceof Heap;
    const joined = inPlace ? memory.address(matrices[0]!) : memory.allocate(inputs * outputs);
    let row = 0;
    for (const matrix of inPlace ? [] : matrices) {
      this.#copy(matrix, joined + 4 * row * inputs);
      row += matrix.shape[0];
    }
    memory.kernels.packWeights(1, inputs, outputs, joined, inputs, address);
    if (!inPlace) memory.free(joined);
    let bias = 0;
    if (biases.some((values) => values !== null)) {
      bias = this.#allocate(outputs);
      memory.floats(bias, outputs).fill(0);
      row = 0;
      biases.forEach((values, i) => {
        if (values) this.#copy(values, bias + 4 * row);
        row += matrices[i]!.shape[0];
      });
    }
    return { address, bias, inputs, outputs };
  }
}
