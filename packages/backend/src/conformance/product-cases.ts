/** Matrix products in every form that training uses. */
import * as tf from "@tensorflow/tfjs-core";
import type { ConformanceCase } from "./conformance-case";
import { at, broadcastShape, build, seeded, sumOver, type NdArray } from "./nd-array";

function referenceProduct(a: NdArray, b: NdArray, transposeA: boolean, transposeB: boolean): NdArray {
  const [aRows = 0, aColumns = 0] = a.shape.slice(-2);
  const [bRows = 0, bColumns = 0] = b.shape.slice(-2);
  const [m, k, n] = [transposeA ? aColumns : aRows, transposeA ? aRows : aColumns, transposeB ? bRows : bColumns];
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return build([...batch, m, n], (index) => {
    const lead = index.slice(0, -2);
    const [row = 0, column = 0] = index.slice(-2);
    return sumOver(
      k,
      (i) =>
        at(a, [...lead, ...(transposeA ? [i, row] : [row, i])]) *
        at(b, [...lead, ...(transposeB ? [column, i] : [i, column])]),
    );
  });
}

function product(
  a: readonly number[],
  b: readonly number[],
  transposeA = false,
  transposeB = false,
  gradient = true,
): ConformanceCase {
  const form = `${transposeA ? " transposeA" : ""}${transposeB ? " transposeB" : ""}`;
  return {
    name: `matMul [${a}] x [${b}]${form}`,
    ops: ["matMul"],
    inputs: [seeded(a, 91), seeded(b, 92)],
    compute: (x, y) => tf.matMul(x as tf.Tensor, y as tf.Tensor, transposeA, transposeB),
    reference: (x, y) => referenceProduct(x, y, transposeA, transposeB),
    gradient,
  };
}

/** The cases. */
export const PRODUCT_CASES: readonly ConformanceCase[] = [
  product([7, 5], [5, 6]),
  product([5, 7], [5, 6], true, false),
  product([7, 5], [6, 5], false, true),
  product([5, 7], [6, 5], true, true),
  product([2, 3, 4, 5], [2, 3, 5, 3]),
  product([2, 4, 5], [2, 3, 5], false, true),
  product([2, 5, 4], [2, 5, 3], true, false),
  product([3, 4, 5], [5, 2]),
  product([3, 4, 5], [2, 5], false, true),
  product([1, 4, 5], [3, 5, 2]),
  product([1, 5], [5, 1]),
  product([61, 67], [67, 71], false, false, false),
  product([67, 61], [71, 67], true, true, false),
  {
    name: "attention of one head",
    ops: ["matMul", "softmax", "mul"],
    inputs: [seeded([5, 4], 93), seeded([6, 4], 94), seeded([6, 4], 95)],
    compute: (q, k, v) =>
      tf.matMul(tf.softmax(tf.mul(tf.matMul(q as tf.Tensor, k as tf.Tensor, false, true), 0.5)), v as tf.Tensor),
    reference: (q, k, v) =>
      build([5, 4], ([row = 0, column = 0]) => {
        const score = (j: number): number => Math.exp(0.5 * sumOver(4, (i) => at(q, [row, i]) * at(k, [j, i])));
        return sumOver(6, (j) => score(j) * at(v, [j, column])) / sumOver(6, score);
      }),
    gradient: true,
  },
];
