/** A few computations whose results are known, run on the current backend before anything relies on it. */
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "./backend-error";

/**
 * A matrix product, its gradient and a gather.
 *
 * @throws BackendError when a number is wrong
 */
export function smokeTest(): void {
  tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    // A tensor of its own: tf.grad at `a` itself would count both factors.
    const x0 = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    expectValues("matMul", tf.matMul(x0, a), [7, 10, 15, 22]);
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.matMul(x, a))))(x0);
    // d/dx sum((x a)^2) = 2 (x a) aᵀ
    expectValues("gradient of matMul", gradient, [54, 122, 118, 266]);
    expectValues("gather", tf.gather(a, tf.tensor1d([1, 1, 0], "int32")), [3, 4, 3, 4, 1, 2]);
  });
}

function expectValues(what: string, tensor: tf.Tensor, expected: readonly number[]): void {
  const found = Array.from(tensor.dataSync());
  if (
    found.length === expected.length &&
    found.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-3)
  )
    return;
  throw new BackendError({
    what: `The ${tf.getBackend()} backend computes wrong numbers.`,
    where: what,
    expected: expected.join(", "),
    found: found.join(", "),
    fix: "npx v-triune native install --force, or use another backend with V_TRIUNE_BACKEND=wasm",
  });
}
