/**
 * The matrix product of oneDNN, which TensorFlow brings along. By itself TensorFlow takes it on newer processors only, and then
 * for every product of the process; asked for by its name it serves one caller, and nobody else's numbers change.
 */

import { type SignalHolder, withSignalsHeld } from "./training-kernels";

/** The part of the addon's exports that a product needs. */
export interface ProductBinding {
  readonly TF_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_STRING: number;
  executeOp(name: string, attributes: readonly unknown[], inputs: readonly number[], outputs: number): unknown;
  createTensor(shape: readonly number[], dtype: number, values: unknown): number;
  deleteTensor(id: number): void;
}

/** What the addon says of an op's result. */
interface Output {
  readonly id: number;
}

/** a b from the ids of two float32 matrices. */
export type OneDnnProduct = (a: number, b: number, transposeA: boolean, transposeB: boolean) => Output;

/**
 * @param holder holds signals back during a product, which a signal's handler could damage
 * @returns nothing where this TensorFlow has no such op, which one number by one tells
 */
export function oneDnnProduct(binding: ProductBinding, holder: SignalHolder | undefined): OneDnnProduct | undefined {
  // The names that TensorFlow's core/kernels/mkl/mkl_matmul_op.cc registers.
  const product: OneDnnProduct = (a, b, transposeA, transposeB) => {
    const attributes = [
      { name: "transpose_a", type: binding.TF_ATTR_BOOL, value: transposeA },
      { name: "transpose_b", type: binding.TF_ATTR_BOOL, value: transposeB },
      { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: "_kernel", type: binding.TF_ATTR_STRING, value: "MklNameChangeOp" },
    ];
    return withSignalsHeld(holder, () => (binding.executeOp("_MklMatMul", attributes, [a, b], 1) as Output[])[0]!);
  };
  const one = binding.createTensor([1, 1], binding.TF_FLOAT, Float32Array.of(1));
  try {
    binding.deleteTensor(product(one, one, false, false).id);
    return product;
  } catch {
    return undefined;
  } finally {
    binding.deleteTensor(one);
  }
}
