/** Ops for training that v-triune adds to native TensorFlow (packages/backend/native/training), and the product of its oneDNN. */
import * as tf from "@tensorflow/tfjs-core";

/** What is used of the backend that v-triune registers for native TensorFlow (packages/backend/src/native). */
interface NativeBackend {
  readonly trainingAddon?: object;
  /** a b of the tensors with these ids, where TensorFlow has it. */
  readonly oneDnnProduct?: (a: number, b: number, transposeA: boolean, transposeB: boolean) => object;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(output: object): tf.Tensor;
  readonly binding: {
    readonly TF_ATTR_INT: number;
    executeOp(name: string, attributes: readonly object[], inputs: readonly number[], outputs: number): object[];
  };
}

/** Whether the present backend has the ops: TensorFlow on the CPU, where `native install` has compiled them. */
export function hasOwnOps(): boolean {
  return (tf.backend() as Partial<NativeBackend>).trainingAddon !== undefined;
}

/**
 * What computes updates: `kernels`, this package's own; `backend`, the backend's ops; `auto`, the kernels where the backend
 * has them. On wasm the kernels always do.
 */
export type UpdateKernels = "auto" | "kernels" | "backend";

/** Whether the ops compute a model on the present backend. */
export function usesOwnOps(computeWith: UpdateKernels = "auto"): boolean {
  return computeWith !== "backend" && hasOwnOps();
}

/**
 * Runs an op. Call it off the tape (inside `withGradient`, or when no gradient is recorded).
 *
 * @param list the tensors of its last input, where that is a list
 */
export function runOwnOp(
  name: string,
  inputs: readonly tf.Tensor[],
  outputs: number,
  list: readonly tf.Tensor[] = [],
): tf.Tensor[] {
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding } = backend;
  const attributes = list.length > 0 ? [{ name: "N", type: binding.TF_ATTR_INT, value: list.length }] : [];
  return binding
    .executeOp(`VTriune${name}`, attributes, backend.getInputTensorIds([...inputs, ...list]), outputs)
    .map((output) => backend.createOutputTensor(output));
}

/** As many matrices as `joinRows` takes (MOST_INPUTS of native/training/training-ops.c, less one). */
export const MOST_JOINED = 128;

/** Matrices of one width, one below the other. As `runOwnOp`, off the tape. */
export function joinRows(matrices: readonly tf.Tensor2D[]): tf.Tensor2D {
  return runOwnOp("Join", [], 1, matrices)[0] as tf.Tensor2D;
}

/** a b by oneDNN, or by TensorFlow's own product where it has none. As `runOwnOp`, off the tape. */
export function oneDnnProduct(a: tf.Tensor2D, b: tf.Tensor2D, transposeA: boolean, transposeB: boolean): tf.Tensor2D {
  const backend = tf.backend() as unknown as NativeBackend;
  if (!backend.oneDnnProduct) return tf.matMul(a, b, transposeA, transposeB);
  const [left, right] = backend.getInputTensorIds([a, b]);
  return backend.createOutputTensor(backend.oneDnnProduct(left!, right!, transposeA, transposeB)) as tf.Tensor2D;
}
