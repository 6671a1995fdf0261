/**
 * Compares a kernel, in each of its variants, with a float64 formula in plain JavaScript: values directly, gradients by
 * central differences of the formula.
 */
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { heap, withoutHeap } from "../kernels/wasm/heap";

/** A matrix of the formula: values row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export interface GradientCheck {
  /** Shapes of the inputs, vectors or matrices; their values are made up. */
  readonly inputs: readonly (readonly [size: number] | readonly [rows: number, columns: number])[];
  /** The kernel on variables of these shapes. */
  readonly kernel: (matrices: tf.Variable<tf.Rank.R2>[], vectors: tf.Variable<tf.Rank.R1>[]) => tf.Tensor;
  /** The same; a vector is a matrix of one row. */
  readonly formula: (inputs: readonly Matrix[]) => Float64Array;
  readonly tolerance?: number;
  readonly scale?: number;
}

/** Numbers in (-1, 1) that look random and are the same everywhere. */
export function waveNumbers(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
}

/** Runs the check on the current backend: the plain composition, and on wasm the kernel on its heap. */
export function checkGradients(check: GradientCheck): void {
  const { tolerance = 2e-4, scale = 1 } = check;
  // Rounded to float32 first, so that both sides start from the same numbers.
  const inputs = check.inputs.map((shape, i): Matrix => {
    const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape;
    return { rows, columns, values: waveNumbers(rows * columns, i + 1).map((value) => Math.fround(scale * value)) };
  });
  const expected = check.formula(inputs);
  const weights = waveNumbers(expected.length, 99).map(Math.fround);
  const loss = (): number => check.formula(inputs).reduce((sum, value, i) => sum + value * weights[i]!, 0);
  const slopes = inputs.map(({ values }) =>
    values.map((value, i) => {
      const step = 1e-5;
      values[i] = value + step;
      const above = loss();
      values[i] = value - step;
      const below = loss();
      values[i] = value;
      return (above - below) / (2 * step);
    }),
  );

  const run = (variant: string): void => {
    const before = tf.memory().numTensors;
    const variables = inputs.map(({ values }, i) =>
      tf.tidy(() => tf.variable(tf.tensor(Float32Array.from(values), [...check.inputs[i]!]))),
    );
    const { value, grads } = tf.variableGrads(
      () =>
        tf.tidy(() => {
          const out = check.kernel(
            variables.filter(({ rank }) => rank === 2) as tf.Variable<tf.Rank.R2>[],
            variables.filter(({ rank }) => rank === 1) as tf.Variable<tf.Rank.R1>[],
          );
          expectClose(out.dataSync(), expected, tolerance, `${variant}: values`);
          return tf.sum(tf.mul(tf.reshape(out, [-1]), tf.tensor1d(Float32Array.from(weights)))) as tf.Scalar;
        }),
      variables,
    );
    variables.forEach((variable, i) =>
      expectClose(grads[variable.name]!.dataSync(), slopes[i]!, tolerance, `${variant}: gradient of input ${i}`),
    );
    tf.dispose([value, grads, variables]);
    expect(tf.memory().numTensors, `${variant}: tensors left over`).toBe(before);
  };
  withoutHeap(() => run("composition"));
  if (heap()) run("heap");
}

/** Entries equal within `tolerance`, relative to the largest of them where that is above 1. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  let size = 1;
  for (let i = 0; i < expected.length; i++) size = Math.max(size, Math.abs(expected[i]!));
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / size;
    if (!(error <= worst)) [worst, at] = [error, i];
  }
  expect(worst, `${what}: entry ${at} is ${actual[at]}, expected ${expected[at]}`).toBeLessThanOrEqual(tolerance);
}
