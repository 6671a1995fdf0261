/**
 * Packs the weights of linear layers for the kernels (packages/policy/assembly/gemm.ts). Matrices in bfloat16 stay so,
 * in half the memory: the kernels widen each number as they read it, so that products are those of float32 to the bit.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { Bfloat16Matrix, type Matrix } from "../kernels/bfloat16-matrix";
import { Heap } from "../kernels/wasm/heap";
import { matrixAddress } from "../kernels/wasm/heap-matrix";
import type { KernelMemory } from "../kernels/wasm/kernel-memory";

/**
 * Several layers over one input as one: rows of their weights below each other, then packed.
 *
 * @param allocate floats → the address of a place for them
 * @returns the address for `gemmPacked`, odd for bfloat16
 */
export function packMatrices(
  memory: KernelMemory,
  matrices: readonly Matrix[],
  allocate: (floats: number) => number,
): number {
  const { kernels } = memory;
  const inputs = matrices[0]!.shape[1];
  const outputs = matrices.reduce((sum, { shape }) => sum + shape[0], 0);
  const isHalf = matrices.every((matrix) => matrix instanceof Bfloat16Matrix);
  const size = kernels.packedSize(inputs, outputs);
  const address = allocate(isHalf ? Math.ceil(size / 2) : size);
  const [first] = matrices;
  if (memory instanceof Heap && matrices.length === 1 && !isHalf) {
    // A single matrix on the same heap needs no copy: an output head can be most of a small model.
    kernels.packWeights(1, inputs, outputs, memory.address(first as tf.Tensor2D), inputs, address);
    return address;
  }
  // As many rows at a time as make a block of the packed layout, which blocks fill one after another.
  const block = Math.min(kernels.packedRows(), outputs);
  const slice = memory.allocate(block * inputs);
  const scratch = isHalf ? memory.allocate(kernels.gemmScratch()) : 0;
  let filled = 0;
  let at = address;
  const pack = (): void => {
    if (isHalf) kernels.packHalves(inputs, filled, slice, inputs, at, scratch);
    else kernels.packWeights(1, inputs, filled, slice, inputs, at);
    at += (isHalf ? 2 : 4) * kernels.packedSize(inputs, filled);
    filled = 0;
  };
  for (const matrix of matrices) {
    const copy = rowReader(memory, matrix);
    for (let row = 0; row < matrix.shape[0];) {
      const count = Math.min(block - filled, matrix.shape[0] - row);
      copy(row * inputs, memory.floats(slice + 4 * filled * inputs, count * inputs));
      filled += count;
      row += count;
      if (filled === block) pack();
    }
  }
  if (filled > 0) pack();
  memory.free(slice);
  if (isHalf) memory.free(scratch);
  return isHalf ? address + 1 : address;
}

/**
 * The rows of an embedding for `decodeStep`.
 *
 * @returns their address, odd for bfloat16
 */
export function placeTable(memory: KernelMemory, table: Matrix, allocate: (floats: number) => number): number {
  if (memory instanceof Heap) return matrixAddress(memory, table);
  if (!(table instanceof Bfloat16Matrix)) {
    const address = allocate(table.size);
    memory.floats(address, table.size).set(table.dataSync() as Float32Array);
    return address;
  }
  const { pairs } = table.values();
  const address = allocate(pairs.length);
  memory.floats(address, pairs.length).set(pairs);
  return address + 1;
}

/** Copies values from a place in the matrix on. */
function rowReader(memory: KernelMemory, matrix: Matrix): (from: number, out: Float32Array) => void {
  if (matrix instanceof Bfloat16Matrix) {
    const { pairs } = matrix.values();
    const halves = new Uint16Array(pairs.buffer, pairs.byteOffset, 2 * pairs.length);
    return (from, out) => {
      const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
      for (let i = 0; i < bits.length; i++) bits[i] = halves[from + i]! << 16;
    };
  }
  if (memory instanceof Heap) {
    const address = memory.address(matrix);
    return (from, out) => out.set(memory.floats(address + 4 * from, out.length));
  }
  const values = matrix.dataSync() as Float32Array;
  return (from, out) => out.set(values.subarray(from, from + out.length));
}
