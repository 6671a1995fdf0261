/**
 * Steps by the native addon beside TensorFlow (packages/backend/native/decoding): it reads TensorFlow's own weights where
 * they lie, so nothing is packed or copied, and adapters stay beside their matrices as in `ModelWeights.project`.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig, VlmConfig } from "../config/model-config";
import { Bfloat16Matrix, type Matrix } from "../kernels/bfloat16-matrix";
import type { RotaryTable } from "../kernels/rotary";
import type { RotaryValues } from "../kernels/rotary-values";
import { headWeight } from "../model/language-model";
import type { ModelWeights } from "../weights/model-weights";
import { type Cache, type CachedRow, keyValueWidth, type StepKernels } from "./step-kernels";

/** The addon's exports (packages/backend/native/decoding/decode-kernels.c); addresses are bytes. */
export interface DecodeAddon {
  /** Names of the instructions that the processor has, the widest last. */
  readonly instructions: readonly string[];
  /** Models that are opened from now on are decoded with these of `instructions`. */
  use(index: number): void;
  open(description: Float64Array, threads: number): object;
  close(model: object): void;
  allocate(bytes: number): number;
  release(address: number): void;
  copy(to: number, from: number, bytes: number): void;
  read(from: number, to: Float32Array): void;
  store(model: object, qkv: number, cos: number, sin: number, addresses: Float64Array): void;
  head(model: object, hidden: number, logits: Float32Array): void;
  draw(model: object, logits: Float32Array, scale: number, uniforms: Float64Array, out: Float64Array): void;
  step(model: object, rows: Float64Array, cos: Float32Array, sin: Float32Array, logits: Float32Array): void;
}

/** What is used of the backend that v-triune registers for native TensorFlow (packages/backend/src/native). */
interface NativeBackend {
  readonly decodeAddon?: DecodeAddon;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  readonly binding: {
    executeOp(
      name: string,
      attributes: readonly object[],
      inputs: readonly number[],
      outputs: number,
    ): { id: number }[];
    tensorDataSync(id: number): Int32Array;
    deleteTensor(id: number): void;
  };
}

/** The addon of the present backend, where it computes on the CPU and `native install` has compiled one. */
export function decodeAddon(): DecodeAddon | undefined {
  return (tf.backend() as Partial<NativeBackend>).decodeAddon;
}

/** Whether the present backend's models, except small ones, are decoded by the native kernels. */
export const decodesNatively = (): boolean => decodeAddon() !== undefined;

/** Settings of `NativeStepKernels`. */
export interface NativeStepOptions {
  readonly threads: number;
}

export class NativeStepKernels implements StepKernels {
  readonly #addon: DecodeAddon;
  readonly #text: TextConfig;
  readonly #model: object;
  readonly #caches = new Set<number>();
  /** References to the weights: what an update replaces meanwhile stays until `dispose`. */
  readonly #held: tf.Tensor[] = [];
  #logits = new Float32Array(0);

  constructor(
    addon: DecodeAddon,
    readonly weights: ModelWeights,
    config: VlmConfig,
    { threads }: NativeStepOptions,
  ) {
    this.#addon = addon;
    this.#text = config.text;
    try {
      this.#model = addon.open(this.#describeModel(), threads);
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  allocate(tokens: number): number {
    const bytes = 4 * tokens * this.#text.numLayers * keyValueWidth(this.#text);
    const address = withRoom(bytes, () => this.#addon.allocate(bytes));
    this.#caches.add(address);
    return address;
  }

  free(address: number): void {
    if (this.#caches.delete(address)) this.#addon.release(address);
  }

  move(cache: Cache, address: number, capacity: number): void {
    const width = 4 * keyValueWidth(this.#text);
    for (let layer = 0; layer < this.#text.numLayers; layer++)
      this.#addon.copy(
        address + layer * capacity * width,
        cache.address + layer * cache.capacity * width,
        cache.length * width,
      );
  }

  store(qkv: tf.Tensor2D, rotary: RotaryTable, addresses: Float64Array): void {
    this.#addon.store(this.#model, addressOf(qkv), addressOf(rotary.cos), addressOf(rotary.sin), addresses);
  }

  read({ address, capacity }: Cache, layer: number, count: number): Float32Array {
    const width = keyValueWidth(this.#text);
    const values = new Float32Array(count * width);
    this.#addon.read(address + 4 * layer * capacity * width, values);
    return values;
  }

  step(rows: readonly CachedRow[], tokens: Int32Array, { cos, sin }: RotaryValues): Float32Array {
    const size = rows.length * this.#text.vocabSize;
    if (this.#logits.length < size) this.#logits = new Float32Array(size);
    const table = new Float64Array(
      rows.flatMap(({ prompt, address, length, capacity }, i) => [
        tokens[i]!,
        prompt.address,
        prompt.length,
        address,
        length,
        capacity,
      ]),
    );
    withRoom(4 * size, () => this.#addon.step(this.#model, table, cos, sin, this.#logits));
    return this.#logits.subarray(0, size);
  }

  logits(hidden: tf.Tensor2D): Float32Array {
    const logits = new Float32Array(hidden.shape[0] * this.#text.vocabSize);
    withRoom(4 * logits.length, () => this.#addon.head(this.#model, addressOf(hidden), logits));
    return logits;
  }

  draw(logits: Float32Array, scale: number, uniforms: Float64Array): Float64Array {
    const out = new Float64Array(3 * uniforms.length);
    withRoom(8 * Math.ceil(logits.length / 1024), () => this.#addon.draw(this.#model, logits, scale, uniforms, out));
    return out;
  }

  dispose(): void {
    this.#addon.close(this.#model);
    for (const address of this.#caches) this.#addon.release(address);
    this.#caches.clear();
    this.#letGo();
  }

  #letGo(): void {
    tf.dispose(this.#held);
    this.#held.length = 0;
  }

  /** As `open` in decode-kernels.c reads it. */
  #describeModel(): Float64Array {
    const text = this.#text;
    const { weights } = this;
    const place = (name: string): number => this.#hold(weights.get(name));
    const optional = (name: string): number => (weights.has(name) ? place(name) : 0);
    const embedding = weights.matrix("model.embed_tokens.weight");
    const numbers = [
      text.hiddenSize,
      text.intermediateSize,
      text.numHeads,
      text.numKeyValueHeads,
      text.headDim,
      text.vocabSize,
      text.numLayers,
      text.rmsNormEps,
      ...this.#matrix(embedding),
      place("model.norm.weight"),
      ...this.#linear(headWeight(weights)),
    ];
    for (let i = 0; i < text.numLayers; i++) {
      const name = `model.layers.${i}`;
      numbers.push(
        place(`${name}.input_layernorm.weight`),
        place(`${name}.post_attention_layernorm.weight`),
        ...["q_norm", "k_norm"].map((norm) => optional(`${name}.self_attn.${norm}.weight`)),
      );
      for (const part of ["q_proj", "k_proj", "v_proj", "o_proj"])
        numbers.push(...this.#layer(`${name}.self_attn.${part}`));
      for (const part of ["gate_proj", "up_proj", "down_proj"]) numbers.push(...this.#layer(`${name}.mlp.${part}`));
    }
    return Float64Array.from(numbers);
  }

  /** A linear layer by its name without `.weight`. */
  #layer(name: string): number[] {
    const bias = this.weights.has(`${name}.bias`) ? this.#hold(this.weights.vector(`${name}.bias`)) : 0;
    const adapter = this.weights.adapters.get(name);
    const low = adapter ? [adapter.a.shape[0], this.#hold(adapter.a), this.#hold(adapter.b), adapter.scale] : undefined;
    return this.#linear(this.weights.matrix(`${name}.weight`), bias, low);
  }

  #linear(matrix: Matrix, bias = 0, adapter: readonly number[] = [0, 0, 0, 0]): number[] {
    return [...this.#matrix(matrix), ...matrix.shape, bias, ...adapter];
  }

  /** Address, and 1 for bfloat16. */
  #matrix(matrix: Matrix): [number, number] {
    return matrix instanceof Bfloat16Matrix ? [this.#hold(matrix.stored), 1] : [this.#hold(matrix), 0];
  }

  #hold(tensor: tf.Tensor): number {
    const held = tf.keep(tf.clone(tensor));
    this.#held.push(held);
    return addressOf(held);
  }
}

/** Where a tensor's numbers lie; they stay there until it is disposed. */
function addressOf(tensor: tf.Tensor): number {
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding } = backend;
  const [output] = binding.executeOp("VTriuneAddress", [], backend.getInputTensorIds([tensor]), 1);
  const [low, high] = binding.tensorDataSync(output!.id);
  binding.deleteTensor(output!.id);
  return (low! >>> 0) + (high! >>> 0) * 2 ** 32;
}

function withRoom<T>(bytes: number, allocate: () => T): T {
  try {
    return allocate();
  } catch (error) {
    if ((error as Error).message !== "out of memory") throw error;
    throw new Error(
      `Decoding is out of memory: ${(bytes / 2 ** 20).toFixed(0)} MiB more are not free. Lower the completion length or ` +
        "the rows generated at once.",
      { cause: error },
    );
  }
}
