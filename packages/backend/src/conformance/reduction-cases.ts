/** Reductions, softmax, running sums, order statistics. */
import * as tf from "@tensorflow/tfjs-core";
import type { ConformanceCase } from "./conformance-case";
import { at, build, fold, map, seeded, sumOver, withAxis, type NdArray } from "./nd-array";

const REDUCTIONS = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min } as const;

type ReductionName = keyof typeof REDUCTIONS;

const REDUCERS: Readonly<Record<ReductionName, (values: number[]) => number>> = {
  sum: (values) => values.reduce((a, b) => a + b, 0),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
};

function reductions(name: ReductionName): ConformanceCase[] {
  const compute = REDUCTIONS[name];
  const forms: readonly { axes: number[] | undefined; keepDims: boolean }[] = [
    { axes: undefined, keepDims: false },
    { axes: [1], keepDims: false },
    { axes: [0, 2], keepDims: true },
    { axes: [-1], keepDims: true },
  ];
  return forms.map(({ axes, keepDims }, i) => ({
    name: `${name} over ${axes === undefined ? "everything" : `axes ${axes.join(", ")}`}${keepDims ? ", kept" : ""}`,
    ops: [name],
    inputs: [seeded([3, 4, 5], 40 + i)],
    compute: (x) => compute(x as tf.Tensor, axes, keepDims),
    reference: (x) =>
      fold(
        x,
        (axes ?? [0, 1, 2]).map((axis) => (axis < 0 ? axis + 3 : axis)),
        keepDims,
        REDUCERS[name],
      ),
    gradient: true,
  }));
}

function softmax(x: NdArray): NdArray {
  const last = x.shape.length - 1;
  const width = x.shape[last] ?? 0;
  return build(x.shape, (index) => {
    const here = at(x, index);
    return 1 / sumOver(width, (k) => Math.exp(at(x, withAxis(index, last, k)) - here));
  });
}

function argExtreme(x: NdArray, axis: number, sign: 1 | -1): NdArray {
  return fold(x, [axis], false, (values) =>
    values.reduce((best, value, i) => (sign * (value - (values[best] ?? 0)) > 0 ? i : best), 0),
  );
}

const wide = seeded([5, 33], 51, -3, 3);

/** The cases. */
export const REDUCTION_CASES: readonly ConformanceCase[] = [
  ...(["sum", "mean", "max", "min"] as const).flatMap(reductions),
  {
    name: "sum of 100,000 numbers",
    ops: ["sum"],
    inputs: [seeded([100_000], 61, 0, 1)],
    compute: (x) => tf.sum(x as tf.Tensor),
    reference: (x) => fold(x, [0], false, REDUCERS.sum),
    gradient: false,
  },
  ...[wide, seeded([2, 2, 5, 9], 52, -3, 3)].flatMap((x): ConformanceCase[] => [
    {
      name: `softmax of [${x.shape}]`,
      ops: ["softmax"],
      inputs: [x],
      compute: (a) => tf.softmax(a as tf.Tensor),
      reference: softmax,
      gradient: true,
    },
    {
      name: `logSoftmax of [${x.shape}]`,
      ops: ["logSoftmax"],
      inputs: [x],
      compute: (a) => tf.logSoftmax(a as tf.Tensor),
      reference: (a) => map(softmax(a), Math.log),
      gradient: true,
    },
  ]),
  {
    name: "softmax of masked and very large logits",
    ops: ["softmax"],
    inputs: [
      build(
        [2, 4],
        ([i = 0, j = 0]) =>
          [
            [-1e9, 0, 1, -1e9],
            [1e4, 1e4, -1e4, 0],
          ][i]?.[j] ?? 0,
      ),
    ],
    compute: (a) => tf.softmax(a as tf.Tensor),
    reference: softmax,
    gradient: false,
  },
  {
    name: "logSumExp",
    ops: ["logSumExp"],
    inputs: [wide],
    compute: (x) => tf.logSumExp(x as tf.Tensor, -1, true),
    reference: (x) => fold(x, [1], true, (values) => Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0))),
    gradient: true,
  },
  ...(
    [
      [false, false],
      [true, true],
      [false, true],
    ] as const
  ).map(([exclusive, reverse]): ConformanceCase => ({
    name: `cumsum${exclusive ? ", exclusive" : ""}${reverse ? ", reversed" : ""}`,
    ops: ["cumsum"],
    inputs: [seeded([3, 9], 53)],
    compute: (x) => tf.cumsum(x as tf.Tensor, 1, exclusive, reverse),
    reference: (x) =>
      build([3, 9], ([row = 0, column = 0]) =>
        sumOver(9, (k) => {
          const before = reverse ? k > column : k < column;
          return before || (k === column && !exclusive) ? at(x, [row, k]) : 0;
        }),
      ),
    gradient: true,
  })),
  {
    name: "argMax",
    ops: ["argMax"],
    inputs: [seeded([6, 16], 54)],
    compute: (x) => tf.argMax(x as tf.Tensor, 1),
    reference: (x) => argExtreme(x, 1, 1),
    gradient: false,
  },
  {
    name: "argMin over the first axis",
    ops: ["argMin"],
    inputs: [seeded([6, 16], 55)],
    compute: (x) => tf.argMin(x as tf.Tensor, 0),
    reference: (x) => argExtreme(x, 0, -1),
    gradient: false,
  },
  {
    name: "topk",
    ops: ["topk"],
    inputs: [seeded([4, 17], 56)],
    compute: (x) => tf.topk(x as tf.Tensor, 5).values,
    reference: (x) =>
      build([4, 5], ([row = 0, rank = 0]) => {
        const values = Array.from({ length: 17 }, (_, k) => at(x, [row, k])).sort((a, b) => b - a);
        return values[rank] ?? Number.NaN;
      }),
    gradient: false,
  },
  {
    name: "RMS norm",
    ops: ["mean", "square", "rsqrt", "mul", "add"],
    inputs: [seeded([6, 16], 57), seeded([16], 58)],
    compute: (x, gain) =>
      tf.mul(
        tf.mul(x as tf.Tensor, tf.rsqrt(tf.add(tf.mean(tf.square(x as tf.Tensor), -1, true), 1e-6))),
        gain as tf.Tensor,
      ),
    reference: (x, gain) =>
      build([6, 16], ([row = 0, column = 0]) => {
        const square = sumOver(16, (k) => at(x, [row, k]) ** 2) / 16;
        return (at(x, [row, column]) / Math.sqrt(square + 1e-6)) * at(gain, [column]);
      }),
    gradient: true,
  },
];
