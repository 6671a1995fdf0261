/**
 * Decoding on the wasm heap: a step is some ten kernel calls a layer over memory of its own, without TensorFlow.js in
 * between. Weights are packed once (adapters merged into them), keys and values grow in place, and a prompt's are read by
 * all of its rows where they lie.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Qwen25VlConfig, TextConfig } from "../config/model-config";
import { linear } from "../kernels/linear";
import type { RotaryTable } from "../kernels/rotary";
import { heap, type Heap } from "../kernels/wasm/heap";
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

export class HeapDecoder implements Decoder {
  readonly #host: Heap;
  readonly #owned = new Set<number>();
  readonly #layers: PackedLayer[];
  readonly #head: PackedLinear;
  readonly #prompts = new Map<PromptHandle, Prompt>();
  readonly #rows = new Map<RowHandle, Row>();
  #nextHandle = 0;

  /** @throws Error when the current backend is not wasm with a heap that can be shared */
  constructor(
    readonly weights: ModelWeights,
    readonly config: Qwen25VlConfig,
    readonly vision: FeatureSource,
  ) {
    const host = heap();
    if (!host) throw new Error("HeapDecoder needs the wasm backend");
    this.#host = host;
    try {
      this.#layers = Array.from({ length: config.text.numLayers }, (_, i): PackedLayer => {
        const name = `model.layers.${i}`;
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
    const host = this.#host;
    const { kernels } = host;
    const { text } = this.config;
    const { numHeads, numKeyValueHeads, headDim, hiddenSize, intermediateSize, vocabSize } = text;
    const rows = handles.map((handle) => this.#rows.get(handle)!);
    const count = rows.length;
    for (const row of rows) if (row.length === row.capacity) this.#grow(row);

    const qkvWidth = (numHeads + 2 * numKeyValueHeads) * headDim;
    const half = headDim / 2;
    const longest = rows.reduce((most, row) => Math.max(most, row.prompt.length + row.length + 1), 0);
    const sizes = [hiddenSize, hiddenSize, qkvWidth, numHeads * headDim, 2 * intermediateSize, intermediateSize, vocabSize, 1, half, half, 1, 1, 4].map((n) => n * count);
    let offset = host.scratch(sizes.reduce((a, b) => a + b, 0) + longest);
    const [x, normal, qkv, attended, packed, inner, logits, inverse, cos, sin, ids, pointers, table] = sizes.map((size) => {
      const at = offset;
      offset += 4 * size;
      return at;
    }) as [number, number, number, number, number, number, number, number, number, number, number, number, number];
    const scores = offset;

    const angles = textRotary(Int32Array.from({ length: 3 * count }, (_, i) => rows[i % count]!.prompt.next + rows[i % count]!.length), text);
    host.floats(cos, count * half).set(angles.cos);
    host.floats(sin, count * half).set(angles.sin);
    host.ints(ids, count).set(tokens);
    kernels.gatherRows(this.#address("model.embed_tokens.weight"), ids, count, hiddenSize, x);

    const stride = this.#strideFloats();
    this.#layers.forEach((layer, i) => {
      const name = `model.layers.${i}`;
      const own = (row: Cache): number => row.address + 4 * i * row.capacity * stride;
      host.ints(pointers, count).set(rows.map((row) => own(row) + 4 * row.length * stride));
      host.ints(table, 4 * count).set(rows.flatMap((row) => [own(row.prompt), row.prompt.length, own(row), row.length + 1]));
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
    return host.floats(logits, count * vocabSize).slice();
  }

  dispose(): void {
    for (const address of this.#owned) this.#host.free(address);
    this.#owned.clear();
    this.#prompts.clear();
    this.#rows.clear();
  }

  /** Keys and values of one layer for all prompt tokens into the prompts' caches. */
  #storePrompts(layer: number, qkv: tf.Tensor2D, rotary: RotaryTable, tokens: PackedTokens, caches: readonly Prompt[]): void {
    const host = this.#host;
    const { numHeads, numKeyValueHeads, headDim } = this.config.text;
    const [rows, width] = qkv.shape;
    const stride = this.#strideFloats();
    const pointers = new Int32Array(rows);
    tokens.trees.forEach(({ start, promptLength }, i) => {
      const { address, capacity } = caches[i]!;
      for (let t = 0; t < promptLength; t++) pointers[start + t] = address + 4 * (layer * capacity + t) * stride;
    });
    const turned = host.scratch(rows * width);
    host.kernels.rotateRows(host.address(qkv), turned, rows, numHeads, numKeyValueHeads, headDim, host.address(rotary.cos), host.address(rotary.sin), 1, 1);
    host.withInts(pointers, (at) => host.kernels.storeKeysValues(turned, at, rows, numHeads, numKeyValueHeads, headDim));
  }

  #apply({ address, bias, inputs, outputs }: PackedLinear, from: number, rows: number, to: number, accumulate: boolean): void {
    this.#host.kernels.gemmPacked(rows, outputs, inputs, from, inputs, address, to, outputs, bias, accumulate ? 1 : 0);
  }

  #address(name: string): number {
    return this.#host.address(this.weights.get(name));
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
      this.#host.floats(address + 4 * i * capacity * stride, row.length * stride).set(this.#host.floats(row.address + 4 * i * row.capacity * stride, row.length * stride));
    }
    this.#free(row.address);
    row.address = address;
    row.capacity = capacity;
  }

  #leave(prompt: Prompt): void {
    if (--prompt.users === 0) this.#free(prompt.address);
  }

  #allocate(floats: number): number {
    const address = this.#host.allocate(floats);
    this.#owned.add(address);
    return address;
  }

  #free(address: number): void {
    this.#owned.delete(address);
    this.#host.free(address);
  }

  #pack(names: readonly string[]): PackedLinear {
    const merged = tf.tidy(() => names.map((name) => tf.keep(this.weights.effectiveMatrix(name))));
    const packed = this.#packMatrices(merged, names.map((name) => (this.weights.has(`${name}.bias`) ? this.weights.vector(`${name}.bias`) : null)));
    tf.dispose(merged);
    return packed;
  }

  /** Several layers over one input as one: rows of their weights below each other, then packed. */
  #packMatrices(matrices: readonly tf.Tensor2D[], biases: readonly (tf.Tensor1D | null)[]): PackedLinear {
    const host = this.#host;
    const inputs = matrices[0]!.shape[1];
    const outputs = matrices.reduce((sum, { shape }) => sum + shape[0], 0);
    const address = this.#allocate(host.kernels.packedSize(inputs, outputs));
    const joined = matrices.length === 1 ? host.address(matrices[0]!) : host.allocate(inputs * outputs);
    let row = 0;
    if (matrices.length > 1) {
      for (const matrix of matrices) {
        host.floats(joined + 4 * row * inputs, matrix.size).set(host.floats(host.address(matrix), matrix.size));
        row += matrix.shape[0];
      }
    }
    host.kernels.packWeights(1, inputs, outputs, joined, inputs, address);
    if (matrices.length > 1) host.free(joined);
    let bias = 0;
    if (biases.some((values) => values !== null)) {
      bias = this.#allocate(outputs);
      const to = host.floats(bias, outputs).fill(0);
      row = 0;
      biases.forEach((values, i) => {
        if (values) to.set(host.floats(host.address(values), values.size), row);
        row += matrices[i]!.shape[0];
      });
    }
    return { address, bias, inputs, outputs };
  }
}
