/**
 * Steps by this package's WebAssembly kernels: a step is one call (packages/policy/assembly/decode.ts), without
 * TensorFlow.js. Weights are packed once, adapters merged into them. It runs on the wasm backend's heap, or in a memory
 * of its own beside any backend, where threads share the rows of a step.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig, VlmConfig } from "../config/model-config";
import type { Matrix } from "../kernels/bfloat16-matrix";
import type { RotaryTable } from "../kernels/rotary";
import type { RotaryValues } from "../kernels/rotary-values";
import { Heap } from "../kernels/wasm/heap";
import type { DecodeJob } from "../kernels/wasm/kernel-mailbox";
import type { KernelMemory } from "../kernels/wasm/kernel-memory";
import type { KernelThreads } from "../kernels/wasm/kernel-threads";
import { headWeight } from "../model/language-model";
import type { ModelWeights } from "../weights/model-weights";
import { packMatrices, placeTable } from "./pack-matrices";
import { type Cache, type CachedRow, keyValueWidth, type StepKernels } from "./step-kernels";

/** Rows of a thread come in multiples of this, the height of a tile of a product. */
export const TILE_ROWS = 4;
/** int32 of a row in `decodeStep`. */
const ROW_WORDS = 6;

/** Addresses of a linear layer's packed weight and of its bias, 0 without one. */
type PackedLinear = readonly [weight: number, bias: number];

export class WasmStepKernels implements StepKernels {
  readonly #owned = new Set<number>();
  readonly #text: TextConfig;
  /** The model's description for `decodeStep`. */
  readonly #model: number;

  /** @param threads on `memory` that share the rows of a step */
  constructor(
    readonly memory: KernelMemory,
    readonly weights: ModelWeights,
    config: VlmConfig,
    readonly threads?: KernelThreads,
  ) {
    this.#text = config.text;
    try {
      this.#model = this.#describeModel();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  allocate(tokens: number): number {
    return this.#allocate(tokens * this.#text.numLayers * keyValueWidth(this.#text));
  }

  free(address: number): void {
    this.#owned.delete(address);
    this.memory.free(address);
  }

  move(cache: Cache, address: number, capacity: number): void {
    const width = keyValueWidth(this.#text);
    for (let layer = 0; layer < this.#text.numLayers; layer++)
      this.memory
        .floats(address + 4 * layer * capacity * width, cache.length * width)
        .set(this.read(cache, layer, cache.length));
  }

  store(qkv: tf.Tensor2D, rotary: RotaryTable, addresses: Float64Array): void {
    const { memory } = this;
    const { numHeads, numKeyValueHeads, headDim } = this.#text;
    const [rows, width] = qkv.shape;
    const turned = memory.scratch(rows * (width + headDim));
    const cos = turned + 4 * rows * width;
    const sin = cos + 2 * rows * headDim;
    this.#copy(qkv, turned);
    this.#copy(rotary.cos, cos);
    this.#copy(rotary.sin, sin);
    memory.kernels.rotateRows(turned, turned, rows, numHeads, numKeyValueHeads, headDim, cos, sin, 1, 1);
    memory.withInts(Int32Array.from(addresses), (at) =>
      memory.kernels.storeKeysValues(turned, at, rows, numHeads, numKeyValueHeads, headDim),
    );
  }

  read({ address, capacity }: Cache, layer: number, count: number): Float32Array {
    const width = keyValueWidth(this.#text);
    return this.memory.floats(address + 4 * layer * capacity * width, count * width);
  }

  step(rows: readonly CachedRow[], tokens: Int32Array, { cos: cosines, sin: sines, half }: RotaryValues): Float32Array {
    const { memory, threads } = this;
    const { vocabSize } = this.#text;
    const count = rows.length;
    const share = TILE_ROWS * Math.ceil(count / TILE_ROWS / (threads?.ready ?? 1));
    const parts = Array.from(
      { length: Math.ceil(count / share) },
      (_, i) => [i * share, Math.min(share, count - i * share)] as const,
    );
    const longest = rows.reduce((most, row) => Math.max(most, row.prompt.length + row.length + 1), 0);
    // Parts of different threads must not share a cache line.
    const work = 16 * Math.ceil(memory.kernels.decodeScratch(this.#model, share, longest) / 16);
    const logits = memory.scratch(count * (vocabSize + 2 * half + ROW_WORDS) + 16 + parts.length * work);
    const cos = logits + 4 * count * vocabSize;
    const sin = cos + 4 * count * half;
    const table = sin + 4 * count * half;
    const scratch = 64 * Math.ceil((table + 4 * count * ROW_WORDS) / 64);

    memory.floats(cos, count * half).set(cosines);
    memory.floats(sin, count * half).set(sines);
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
    // A copy: a view is detached when the heap grows.
    return memory.floats(logits, count * vocabSize).slice();
  }

  dispose(): void {
    for (const address of this.#owned) this.memory.free(address);
    this.#owned.clear();
  }

  #allocate(floats: number): number {
    const address = this.memory.allocate(floats);
    this.#owned.add(address);
    return address;
  }

  /** The model as assembly/decode.ts reads it. */
  #describeModel(): number {
    const text = this.#text;
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
