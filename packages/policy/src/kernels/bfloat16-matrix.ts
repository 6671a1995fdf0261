/**
 * A constant matrix in bfloat16, which TensorFlow.js has no dtype for: half the memory of float32. Each use widens it or
 * some of its rows, so that results are those of float32 weights with the same values.
 *
 * Two neighbors of a row lie in one number of a float32 tensor, which the backend keeps, counts and frees as any other
 * (an int32 tensor would lie in main memory beside a GPU). TensorFlow's `Bitcast` sees the pair, and `Cast` widens it.
 * Our WebAssembly kernels widen what they read, without a copy of the matrix: an odd address, one past the matrix's own,
 * tells them.
 */
import * as tf from "@tensorflow/tfjs-core";
import { floatToBfloat16 } from "../safetensors/dtype";
import { heap } from "./wasm/heap";

/** What matrices that are not trained are kept in. */
export type WeightDtype = "float32" | "bfloat16";

/** A matrix's values in bfloat16, row-major, each two as one number: the bytes of a file. */
export interface Bfloat16Values {
  readonly pairs: Float32Array;
}

/** A matrix that layers compute with. */
export type Matrix = tf.Tensor2D | Bfloat16Matrix;

/** The part of tfjs-node's backend that runs ops without a JavaScript dtype. */
interface NativeBackend {
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(output: NativeOutput): tf.Tensor;
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_FLOAT: number;
    executeOp(name: string, attributes: readonly object[], inputs: readonly number[], outputs: number): NativeOutput[];
    deleteTensor(id: number): void;
  };
}

interface NativeOutput {
  readonly id: number;
}

/** `DT_BFLOAT16` of TensorFlow's types.proto. */
const BFLOAT16 = 14;

export class Bfloat16Matrix {
  readonly #pairs: tf.Tensor2D;

  /** @param shape [rows, columns]; columns are even */
  constructor(
    values: Bfloat16Values,
    readonly shape: readonly [number, number],
  ) {
    this.#pairs = tf.keep(tf.tensor2d(values.pairs, [shape[0], shape[1] / 2], "float32"));
  }

  /** What lies on the backend, for what places or counts tensors. */
  get stored(): tf.Tensor2D {
    return this.#pairs;
  }

  /** All of it, [rows, columns]; a new tensor. */
  toFloat32(): tf.Tensor2D {
    return widen(this.#pairs);
  }

  /** @param index rows, [K]; @returns [K, columns], a new tensor */
  rows(index: Int32Array): tf.Tensor2D {
    return tf.tidy(() => widen(tf.gather(this.#pairs, tf.tensor1d(index, "int32"))));
  }

  /** Consecutive rows, [count, columns]; a new tensor. */
  slice(start: number, count: number): tf.Tensor2D {
    return tf.tidy(() => widen(tf.slice2d(this.#pairs, [start, 0], [count, -1])));
  }

  /** Reads the values back as they are stored. */
  values(): Bfloat16Values {
    return { pairs: this.#pairs.dataSync() as Float32Array };
  }

  dispose(): void {
    this.#pairs.dispose();
  }
}

/** The matrix as a tensor: itself, or a float32 copy that the caller frees (`freeCopy`) or a tidy does. */
export function asFloat32(matrix: Matrix): tf.Tensor2D {
  return matrix instanceof Bfloat16Matrix ? matrix.toFloat32() : matrix;
}

/** Frees what `asFloat32` made for this matrix. */
export function freeCopy(matrix: Matrix, tensor: tf.Tensor2D): void {
  if (matrix !== tensor) tensor.dispose();
}

/** Whether the present backend can hold a `Bfloat16Matrix`. */
export function holdsBfloat16(): boolean {
  if (heap()) return true;
  const backend = tf.backend() as Partial<NativeBackend>;
  return backend.binding !== undefined && backend.createOutputTensor !== undefined;
}

/** The nearest bfloat16 of each number, ties to even. */
export function roundToBfloat16(values: Float32Array): Bfloat16Values {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = floatToBfloat16(values[i]!);
  return { pairs: new Float32Array(halves.buffer) };
}

/** The numbers again. */
export function fromBfloat16({ pairs }: Bfloat16Values): Float32Array {
  const halves = new Uint16Array(pairs.buffer, pairs.byteOffset, 2 * pairs.length);
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** [rows, pairs] → [rows, 2 · pairs] in float32. */
function widen(pairs: tf.Tensor2D): tf.Tensor2D {
  const shape: [number, number] = [pairs.shape[0], 2 * pairs.shape[1]];
  const host = heap();
  if (host) {
    const [values] = host.run([shape], (to) => host.kernels.widen(host.address(pairs), shape[0] * shape[1], to!));
    return values as tf.Tensor2D;
  }
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding } = backend;
  const type = (name: string, value: number): object => ({ name, type: binding.TF_ATTR_TYPE, value });
  const run = (name: string, attributes: readonly object[], input: number): NativeOutput =>
    binding.executeOp(name, attributes, [input], 1)[0]!;
  const [input] = backend.getInputTensorIds([pairs]);
  const halves = run("Bitcast", [type("T", binding.TF_FLOAT), type("type", BFLOAT16)], input!);
  try {
    const truncate = { name: "Truncate", type: binding.TF_ATTR_BOOL, value: false };
    const cast = run("Cast", [type("SrcT", BFLOAT16), type("DstT", binding.TF_FLOAT), truncate], halves.id);
    return tf.tidy(() => tf.reshape(backend.createOutputTensor(cast), shape));
  } finally {
    binding.deleteTensor(halves.id);
  }
}
