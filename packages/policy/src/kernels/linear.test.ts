import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "../testing/backend";
import { checkGradients, expectClose, waveNumbers, type Matrix } from "../testing/gradient-check";
import { linear } from "./linear";
import { takeValues } from "./take-values";
import { heap } from "./wasm/heap";

beforeAll(useTestBackend);

/** Each x Wᵀ + b, side by side. */
function formula(x: Matrix, layers: readonly (readonly [Matrix, Matrix | null])[]): Float64Array {
  const out: number[] = [];
  for (let n = 0; n < x.rows; n++) {
    for (const [weight, bias] of layers) {
      for (let o = 0; o < weight.rows; o++) {
        let sum = bias?.values[o] ?? 0;
        for (let i = 0; i < x.columns; i++) sum += x.values[n * x.columns + i]! * weight.values[o * x.columns + i]!;
        out.push(sum);
      }
    }
  }
  return Float64Array.from(out);
}

describe("linear", () => {
  it("is three layers side by side, with and without biases", () => {
    checkGradients({
      inputs: [[7, 6], [5, 6], [3, 6], [9, 6], [5], [9]],
      kernel: ([x, q, k, v], [a, b]) => linear(x!, [q!, k!, v!], [a!, null, b!]),
      formula: ([x, q, k, v, a, b]) =>
        formula(x!, [
          [q!, a!],
          [k!, null],
          [v!, b!],
        ]),
    });
  });

  it("leaves frozen weights and data without gradients out", () => {
    const weight = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const x = tf.variable(tf.tensor2d([1, 1], [1, 2]));
    const { value, grads } = tf.variableGrads(() => tf.sum(linear(x, [weight], [null])) as tf.Scalar, [x]);
    expect([...grads[x.name]!.dataSync()]).toEqual([4, 6]);
    expect(value.dataSync()[0]).toBe(10);
    tf.dispose([weight, x, value, grads]);
  });

  it("refuses nothing silently: an unused input has no gradient", () => {
    const weight = tf.variable(tf.tensor2d([1, 2], [1, 2]));
    const x = tf.variable(tf.tensor2d([3, 5], [1, 2]));
    expect(() =>
      tf.variableGrads(() => tf.sum(linear(x, [weight], [null], { inputGradient: false })) as tf.Scalar, [x]),
    ).toThrow();
    tf.dispose([weight, x]);
  });
});

describe("products on the wasm heap", () => {
  const cases = [
    [1, 1, 1],
    [4, 8, 16],
    [5, 9, 3],
    [3, 7, 400],
    [70, 30, 900],
    [101, 1030, 17],
    [2, 2100, 5],
  ] as const;
  it.each(cases)("%i × %i × %i, any transpose, plain, added and packed", (m, n, k) => {
    const host = heap();
    if (!host) return;
    const { kernels } = host;
    const a = waveNumbers(m * k, 1).map(Math.fround);
    const b = waveNumbers(k * n, 2).map(Math.fround);
    const bias = waveNumbers(n, 3).map(Math.fround);
    const expected = new Float64Array(m * n);
    for (let i = 0; i < m; i++)
      for (let p = 0; p < k; p++) for (let j = 0; j < n; j++) expected[i * n + j]! += a[i * k + p]! * b[p * n + j]!;
    const withBias = expected.map((value, i) => value + bias[i % n]!);
    const transpose = (values: Float64Array, rows: number, columns: number): Float64Array =>
      Float64Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
    const place = (values: Float64Array): number => {
      const address = host.allocate(values.length);
      host.floats(address, values.length).set(values);
      return address;
    };
    const [scratch, c, packed] = [
      host.allocate(kernels.gemmScratch()),
      host.allocate(m * n),
      host.allocate(kernels.packedSize(k, n)),
    ];
    const [plain, across, right, rightAcross, start] = [
      place(a),
      place(transpose(a, m, k)),
      place(b),
      place(transpose(b, k, n)),
      place(bias),
    ];
    for (const transA of [0, 1]) {
      for (const transB of [0, 1]) {
        const [left, lda] = transA ? [across, m] : [plain, k];
        const [other, ldb] = transB ? [rightAcross, k] : [right, n];
        kernels.gemm(transA, transB, m, n, k, left, lda, other, ldb, c, n, start, 0, scratch);
        expectClose(host.floats(c, m * n), withBias, 1e-5, `transA ${transA}, transB ${transB}`);
        kernels.gemm(transA, transB, m, n, k, left, lda, other, ldb, c, n, 0, 1, scratch);
        expectClose(
          host.floats(c, m * n),
          withBias.map((value, i) => value + expected[i]!),
          1e-5,
          `added, transA ${transA}, transB ${transB}`,
        );
        if (transA) continue;
        kernels.packWeights(transB, k, n, other, ldb, packed);
        kernels.gemmPacked(m, n, k, left, lda, packed, c, n, start, 0);
        expectClose(host.floats(c, m * n), withBias, 1e-5, `packed, transB ${transB}`);
      }
    }
    for (const address of [scratch, c, packed, plain, across, right, rightAcross, start]) host.free(address);
  });

  it("multiplies weights in bfloat16, packed or as they lie, as float32 ones of the same values, bit for bit", () => {
    const host = heap();
    if (!host) return;
    // More than a block of the packed layout in both directions.
    const [m, k, n] = [6, 500, 1061];
    const { kernels } = host;
    const x = host.allocate(m * n);
    host.floats(x, m * n).set(waveNumbers(m * n, 1));
    const weight = host.allocate(n * k);
    const bits = new Uint32Array(host.floats(weight, n * k).buffer, weight, n * k);
    host.floats(weight, n * k).set(waveNumbers(n * k, 2));
    for (let i = 0; i < bits.length; i++) bits[i] = bits[i]! & 0xffff0000;
    const [whole, half] = [host.allocate(kernels.packedSize(k, n)), host.allocate(kernels.packedSize(k, n) / 2)];
    const [scratch, expected, found] = [
      host.allocate(kernels.gemmScratch()),
      host.allocate(m * n),
      host.allocate(m * n),
    ];
    kernels.packWeights(1, k, n, weight, k, whole);
    kernels.packHalves(k, n, weight, k, half, scratch);
    kernels.gemmPacked(m, n, k, x, k, whole, expected, n, 0, 0);
    kernels.gemmPacked(m, n, k, x, k, half + 1, found, n, 0, 0);
    expect(host.floats(found, m * n)).toEqual(host.floats(expected, m * n));
    expect(new Set(host.floats(found, m * n)).size).toBeGreaterThan(m * n - 100);
    const raw = host.allocate((n * k) / 2);
    new Uint16Array(host.memory.buffer, raw, n * k).set(bits.map((word) => word >>> 16));
    kernels.gemm(0, 1, m, n, k, x, k, raw + 1, k, found, n, 0, 0, scratch);
    expect(host.floats(found, m * n)).toEqual(host.floats(expected, m * n));
    kernels.gemm(0, 0, m, k, n, x, n, weight, k, expected, k, 0, 0, scratch);
    kernels.gemm(0, 0, m, k, n, x, n, raw + 1, k, found, k, 0, 0, scratch);
    expect(host.floats(found, m * k)).toEqual(host.floats(expected, m * k));
    expect(new Set(host.floats(found, m * k)).size).toBeGreaterThan(m * k - 100);
    for (const address of [x, weight, whole, half, scratch, expected, found, raw]) host.free(address);
  });

  it("gives a row the same bits whatever rows are beside it", () => {
    const host = heap();
    if (!host) return;
    const [rows, inputs, outputs] = [11, 500, 37];
    const weight = tf.tensor2d(Float32Array.from(waveNumbers(inputs * outputs, 5)), [outputs, inputs]);
    const x = Float32Array.from(waveNumbers(rows * inputs, 6));
    const all = takeValues(tf.tidy(() => linear(tf.tensor2d(x, [rows, inputs]), [weight], [null])));
    for (let row = 0; row < rows; row++) {
      const own = x.subarray(row * inputs, (row + 1) * inputs);
      const alone = takeValues(tf.tidy(() => linear(tf.tensor2d(own, [1, inputs]), [weight], [null])));
      expect(alone).toEqual(all.slice(row * outputs, (row + 1) * outputs));
    }
    weight.dispose();
  });
});
