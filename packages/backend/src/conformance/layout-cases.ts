/** Operations that move numbers: reshape, transpose, pieces, lookups. */
import * as tf from "@tensorflow/tfjs-core";
import type { ConformanceCase } from "./conformance-case";
import { at, build, reshape, seeded, sumOver } from "./nd-array";

function transpose(shape: readonly number[], permutation: readonly number[]): ConformanceCase {
  return {
    name: `transpose [${shape}] by [${permutation}]`,
    ops: ["transpose"],
    inputs: [seeded(shape, 71)],
    compute: (x) => tf.transpose(x as tf.Tensor, [...permutation]),
    reference: (x) =>
      build(
        permutation.map((axis) => shape[axis] ?? 0),
        (index) =>
          at(
            x,
            shape.map((_, axis) => index[permutation.indexOf(axis)] ?? 0),
          ),
      ),
    gradient: true,
  };
}

const table = seeded([13, 8], 72);
const squareShape = (size: number): [number, number] => [size, size];
const LOOKUP = [3, 3, 0, 12, 5, 3];

/** The cases. */
export const LAYOUT_CASES: readonly ConformanceCase[] = [
  transpose([5, 7], [1, 0]),
  transpose([2, 3, 4], [0, 2, 1]),
  transpose([2, 3, 4, 5], [0, 2, 1, 3]),
  transpose([2, 3, 2, 3, 2], [2, 0, 3, 1, 4]),
  {
    name: "reshape, expandDims, squeeze",
    ops: ["reshape", "expandDims", "squeeze"],
    inputs: [seeded([2, 6], 73)],
    compute: (x) => tf.expandDims(tf.squeeze(tf.reshape(x as tf.Tensor, [3, 1, 4]), [1]), 0),
    reference: (x) => reshape(x, [1, 3, 4]),
    gradient: true,
  },
  {
    name: "concat along the second axis",
    ops: ["concat"],
    inputs: [seeded([3, 4], 74), seeded([3, 2], 75)],
    compute: (a, b) => tf.concat([a as tf.Tensor, b as tf.Tensor], 1),
    reference: (a, b) =>
      build([3, 6], ([row = 0, column = 0]) => (column < 4 ? at(a, [row, column]) : at(b, [row, column - 4]))),
    gradient: true,
  },
  {
    name: "split into unequal pieces, each scaled",
    ops: ["split", "concat"],
    inputs: [seeded([3, 12], 76)],
    compute: (x) =>
      tf.concat(
        tf.split(x as tf.Tensor, [2, 4, 6], 1).map((piece, i) => tf.mul(piece, i + 1)),
        1,
      ),
    reference: (x) => build([3, 12], (index) => at(x, index) * ((index[1] ?? 0) < 2 ? 1 : (index[1] ?? 0) < 6 ? 2 : 3)),
    gradient: true,
  },
  {
    name: "stack and unstack",
    ops: ["stack", "unstack"],
    inputs: [seeded([3, 4], 77)],
    compute: (x) =>
      tf.stack(
        tf.unstack(x as tf.Tensor, 0).map((row, i) => tf.mul(row, i + 1)),
        1,
      ),
    reference: (x) => build([4, 3], ([i = 0, j = 0]) => at(x, [j, i]) * (j + 1)),
    gradient: true,
  },
  {
    name: "slice",
    ops: ["slice"],
    inputs: [seeded([5, 12], 78)],
    compute: (x) => tf.slice(x as tf.Tensor, [1, 2], [3, -1]),
    reference: (x) => build([3, 10], ([i = 0, j = 0]) => at(x, [i + 1, j + 2])),
    gradient: true,
  },
  {
    name: "pad",
    ops: ["pad"],
    inputs: [seeded([3, 4], 79)],
    compute: (x) =>
      tf.pad(
        x as tf.Tensor,
        [
          [1, 2],
          [0, 1],
        ],
        7,
      ),
    reference: (x) => build([6, 5], ([i = 0, j = 0]) => (i >= 1 && i < 4 && j < 4 ? at(x, [i - 1, j]) : 7)),
    gradient: true,
  },
  {
    name: "scatterND into a vector",
    ops: ["scatterND"],
    inputs: [seeded([4], 83)],
    compute: (x) => tf.scatterND(tf.tensor2d([[7], [0], [3], [9]], [4, 1], "int32"), x as tf.Tensor, [11]),
    reference: (x) => build([11], ([i = 0]) => ([7, 0, 3, 9].includes(i) ? at(x, [[7, 0, 3, 9].indexOf(i)]) : 0)),
    gradient: false,
  },
  {
    name: "tile",
    ops: ["tile"],
    inputs: [seeded([3, 4], 80)],
    compute: (x) => tf.tile(x as tf.Tensor, [2, 3]),
    reference: (x) => build([6, 12], ([i = 0, j = 0]) => at(x, [i % 3, j % 4])),
    gradient: true,
  },
  {
    name: "broadcastTo",
    ops: ["broadcastTo"],
    inputs: [seeded([1, 4], 81)],
    compute: (x) => tf.broadcastTo(x as tf.Tensor, [5, 4]),
    reference: (x) => build([5, 4], (index) => at(x, index)),
    gradient: true,
  },
  {
    name: "reverse",
    ops: ["reverse"],
    inputs: [seeded([3, 4], 82)],
    compute: (x) => tf.reverse(x as tf.Tensor, 1),
    reference: (x) => build([3, 4], ([i = 0, j = 0]) => at(x, [i, 3 - j])),
    gradient: true,
  },
  {
    name: "gather rows, some repeatedly",
    ops: ["gather", "tensor1d"],
    inputs: [table],
    compute: (x) => tf.gather(x as tf.Tensor, tf.tensor1d(LOOKUP, "int32")),
    reference: (x) => build([6, 8], ([i = 0, j = 0]) => at(x, [LOOKUP[i] ?? 0, j])),
    gradient: true,
  },
  {
    name: "gather by a matrix of indices",
    ops: ["gather", "tensor2d"],
    inputs: [table],
    compute: (x) => tf.gather(x as tf.Tensor, tf.tensor2d(LOOKUP, [2, 3], "int32")),
    reference: (x) => build([2, 3, 8], ([h = 0, i = 0, j = 0]) => at(x, [LOOKUP[3 * h + i] ?? 0, j])),
    gradient: true,
  },
  {
    name: "gather along the second axis",
    ops: ["gather"],
    inputs: [seeded([4, 13], 83)],
    compute: (x) => tf.gather(x as tf.Tensor, tf.tensor1d(LOOKUP, "int32"), 1),
    reference: (x) => build([4, 6], ([i = 0, j = 0]) => at(x, [i, LOOKUP[j] ?? 0])),
    gradient: true,
  },
  {
    name: "unsortedSegmentSum",
    ops: ["unsortedSegmentSum"],
    inputs: [seeded([6, 3], 84)],
    compute: (x) => tf.unsortedSegmentSum(x as tf.Tensor, tf.tensor1d([0, 2, 2, 1, 0, 4], "int32"), 5),
    reference: (x) =>
      build([5, 3], ([segment = 0, j = 0]) =>
        sumOver(6, (i) => ([0, 2, 2, 1, 0, 4][i] === segment ? at(x, [i, j]) : 0)),
      ),
    gradient: true,
    missingOn: ["wasm"],
  },
  {
    name: "oneHot, with indices out of range",
    ops: ["oneHot"],
    inputs: [],
    compute: () => tf.cast(tf.oneHot(tf.tensor1d([0, 2, 4, -1, 9], "int32"), 5), "float32"),
    reference: () => build([5, 5], ([i = 0, j = 0]) => Number([0, 2, 4, -1, 9][i] === j)),
    gradient: false,
  },
  {
    name: "range, linspace, fill, zeros, ones, eye",
    ops: ["range", "fill", "zeros", "ones", "eye", "scalar", "onesLike", "zerosLike"],
    inputs: [],
    compute: () => {
      const square = tf.add(tf.eye(4), tf.fill(squareShape(4), 3));
      const row = tf.add(tf.range(0, 8, 2), tf.add(tf.ones([4]), tf.zeros([4])));
      return tf.add(tf.mul(square, row), tf.add(tf.scalar(0.5), tf.add(tf.onesLike(row), tf.zerosLike(row))));
    },
    reference: () => build([4, 4], ([i = 0, j = 0]) => (Number(i === j) + 3) * (2 * j + 1) + 1.5),
    gradient: false,
  },
  {
    name: "patch embedding as a product",
    ops: ["reshape", "transpose", "matMul"],
    inputs: [seeded([2, 4, 4, 3], 85), seeded([12, 5], 86)],
    compute: (image, weights) => {
      const patches = tf.transpose(tf.reshape(image as tf.Tensor, [2, 2, 2, 2, 2, 3]), [0, 1, 3, 2, 4, 5]);
      return tf.matMul(tf.reshape(patches, [8, 12]), weights as tf.Tensor);
    },
    reference: (image, weights) =>
      build([8, 5], ([patch = 0, out = 0]) => {
        const [n, row, column] = [patch >> 2, (patch >> 1) & 1, patch & 1];
        return sumOver(12, (k) => {
          const [y, x, channel] = [Math.floor(k / 6), Math.floor(k / 3) % 2, k % 3];
          return at(image, [n, 2 * row + y, 2 * column + x, channel]) * at(weights, [k, out]);
        });
      }),
    gradient: true,
  },
];
