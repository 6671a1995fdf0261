/** Matrices on the wasm heap, in float32 or in bfloat16 (../bfloat16-matrix). */
import * as tf from "@tensorflow/tfjs-core";
import type { Heap } from "./heap";

/** What a matrix in bfloat16 is here: each number of `stored` holds two neighbors of a row. */
interface StoredHalves {
  readonly stored: tf.Tensor2D;
  readonly shape: readonly [number, number];
}

export type HeapMatrix = tf.Tensor2D | StoredHalves;

export function isFloat32(matrix: HeapMatrix): matrix is tf.Tensor2D {
  return matrix instanceof tf.Tensor;
}

/** Where a matrix lies, as the kernels take it: one past its address for bfloat16. */
export function matrixAddress(host: Heap, matrix: HeapMatrix): number {
  return isFloat32(matrix) ? host.address(matrix) : host.address(matrix.stored) + 1;
}
