/** Operations on each element and on broadcast pairs. */
import * as tf from "@tensorflow/tfjs-core";
import type { ConformanceCase } from "./conformance-case";
import { at, build, map, seeded, zip, type NdArray } from "./nd-array";

const anywhere = seeded([4, 9], 3, -2, 2);
const positive = seeded([4, 9], 4, 0.3, 2.5);

const squareShape = (size: number): [number, number] => [size, size];

const UNARY = {
  abs: tf.abs,
  cos: tf.cos,
  erf: tf.erf,
  exp: tf.exp,
  log: tf.log,
  log1p: tf.log1p,
  neg: tf.neg,
  reciprocal: tf.reciprocal,
  relu: tf.relu,
  rsqrt: tf.rsqrt,
  sigmoid: tf.sigmoid,
  sin: tf.sin,
  softplus: tf.softplus,
  sqrt: tf.sqrt,
  square: tf.square,
  tanh: tf.tanh,
} as const satisfies Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>>;

const BINARY = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  maximum: tf.maximum,
  minimum: tf.minimum,
  squaredDifference: tf.squaredDifference,
} as const satisfies Readonly<Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor>>;

function unary(name: keyof typeof UNARY, reference: (x: number) => number, input: NdArray = anywhere): ConformanceCase {
  const compute: (x: tf.Tensor) => tf.Tensor = UNARY[name];
  return {
    name,
    ops: [name],
    inputs: [input],
    compute: (x) => compute(x as tf.Tensor),
    reference: (x) => map(x, reference),
    gradient: true,
  };
}

function binary(name: keyof typeof BINARY, reference: (a: number, b: number) => number): ConformanceCase[] {
  const compute: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor = BINARY[name];
  const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
    [
      [4, 9],
      [4, 9],
    ],
    [
      [4, 1, 5],
      [3, 5],
    ],
    [[6, 5], [5]],
    [[3, 4], []],
  ];
  return shapes.map(([a, b], i) => ({
    name: `${name} [${a}] with [${b}]`,
    ops: [name],
    inputs: [seeded(a, 10 + i, -2, 2), seeded(b, 20 + i, 0.4, 2)],
    compute: (x, y) => compute(x as tf.Tensor, y as tf.Tensor),
    reference: (x, y) => zip(x, y, reference),
    gradient: true,
  }));
}

/** erf by its power series, exact to float64 for the |x| ≤ 2 used here (Abramowitz and Stegun 7.1.5). */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n += 1) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The cases. */
export const ELEMENTWISE_CASES: readonly ConformanceCase[] = [
  {
    name: "addN of three",
    ops: ["addN"],
    inputs: [seeded([4, 9], 31, -2, 2), seeded([4, 9], 32, -2, 2), seeded([4, 9], 33, -2, 2)],
    compute: (...terms) => tf.addN(terms as tf.Tensor[]),
    reference: (a, b, c) =>
      zip(
        zip(a, b, (x, y) => x + y),
        c,
        (x, y) => x + y,
      ),
    // Only used inside hand-written gradients; tfjs has none for it.
    gradient: false,
  },
  unary("abs", Math.abs),
  unary("cos", Math.cos),
  unary("erf", erf),
  unary("exp", Math.exp),
  unary("log", Math.log, positive),
  unary("log1p", Math.log1p, positive),
  unary("neg", (x) => -x),
  unary("reciprocal", (x) => 1 / x, positive),
  unary("relu", (x) => Math.max(x, 0)),
  unary("rsqrt", (x) => 1 / Math.sqrt(x), positive),
  unary("sigmoid", sigmoid),
  unary("sin", Math.sin),
  unary("softplus", (x) => Math.log1p(Math.exp(x))),
  unary("sqrt", Math.sqrt, positive),
  unary("square", (x) => x * x),
  unary("tanh", Math.tanh),
  ...binary("add", (a, b) => a + b),
  ...binary("sub", (a, b) => a - b),
  ...binary("mul", (a, b) => a * b),
  ...binary("div", (a, b) => a / b),
  ...binary("maximum", Math.max),
  ...binary("minimum", Math.min),
  ...binary("squaredDifference", (a, b) => (a - b) ** 2),
  {
    name: "exp and log at the ends of float32",
    ops: ["exp", "log"],
    inputs: [build([6], ([i = 0]) => [-87, -20, -1e-6, 1e-6, 20, 87][i] ?? 0)],
    compute: (x) => tf.log(tf.exp(x as tf.Tensor)),
    reference: (x) => x,
    gradient: false,
  },
  {
    name: "clipByValue",
    ops: ["clipByValue"],
    inputs: [anywhere],
    compute: (x) => tf.clipByValue(x as tf.Tensor, -0.5, 0.7),
    reference: (x) => map(x, (value) => Math.min(0.7, Math.max(-0.5, value))),
    gradient: true,
  },
  {
    name: "pow 3",
    ops: ["mul", "square"],
    inputs: [anywhere],
    compute: (x) => tf.mul(tf.square(x as tf.Tensor), x as tf.Tensor),
    reference: (x) => map(x, (value) => value ** 3),
    gradient: true,
  },
  {
    name: "where with a computed condition and broadcast branches",
    ops: ["where", "greater"],
    inputs: [seeded([4, 5], 31), seeded([5], 32)],
    compute: (a, b) => tf.where(tf.greater(a as tf.Tensor, 0.1), tf.mul(a as tf.Tensor, 2), b as tf.Tensor),
    reference: (a, b) => zip(a, b, (x, y) => (x > 0.1 ? 2 * x : y)),
    gradient: true,
  },
  {
    name: "causal mask by where",
    ops: ["where", "lessEqual", "range", "expandDims", "fill"],
    inputs: [seeded([6, 6], 33)],
    compute: (x) =>
      tf.where(
        tf.lessEqual(tf.expandDims(tf.range(0, 6, 1, "int32"), 0), tf.expandDims(tf.range(0, 6, 1, "int32"), 1)),
        x as tf.Tensor,
        tf.fill(squareShape(6), -1e4),
      ),
    reference: (x) => build([6, 6], ([row = 0, column = 0]) => (column <= row ? at(x, [row, column]) : -1e4)),
    gradient: true,
  },
  {
    name: "comparisons and logic",
    ops: [
      "equal",
      "notEqual",
      "less",
      "lessEqual",
      "greater",
      "greaterEqual",
      "logicalAnd",
      "logicalOr",
      "logicalNot",
      "cast",
    ],
    inputs: [build([3, 4], ([i = 0, j = 0]) => (i * j) % 3), build([4], ([j = 0]) => j % 3)],
    compute: (a, b) => {
      const both = tf.logicalAnd(
        tf.lessEqual(a as tf.Tensor, b as tf.Tensor),
        tf.logicalNot(tf.equal(a as tf.Tensor, b as tf.Tensor)),
      );
      const either = tf.logicalOr(tf.notEqual(a as tf.Tensor, b as tf.Tensor), tf.greaterEqual(a as tf.Tensor, 2));
      const strict = tf.logicalOr(tf.less(a as tf.Tensor, b as tf.Tensor), tf.greater(a as tf.Tensor, b as tf.Tensor));
      const flags = [both, either, strict].map((flag) => tf.cast(flag, "float32"));
      return tf.add(tf.add(flags[0] as tf.Tensor, tf.mul(flags[1] as tf.Tensor, 2)), tf.mul(flags[2] as tf.Tensor, 4));
    },
    reference: (a, b) => zip(a, b, (x, y) => Number(x < y) + 2 * Number(x !== y || x >= 2) + 4 * Number(x !== y)),
    gradient: false,
  },
  {
    name: "sign and floor",
    ops: ["sign", "floor"],
    inputs: [anywhere],
    compute: (x) => tf.add(tf.sign(x as tf.Tensor), tf.floor(x as tf.Tensor)),
    reference: (x) => map(x, (value) => Math.sign(value) + Math.floor(value)),
    gradient: true,
  },
  {
    name: "cast float to int32 and back",
    ops: ["cast"],
    inputs: [anywhere],
    compute: (x) => tf.cast(tf.cast(tf.mul(x as tf.Tensor, 3), "int32"), "float32"),
    reference: (x) => map(x, (value) => Math.trunc(Math.fround(value * 3))),
    gradient: false,
  },
  {
    name: "silu",
    ops: ["mul", "sigmoid"],
    inputs: [anywhere],
    compute: (x) => tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor)),
    reference: (x) => map(x, (value) => value * sigmoid(value)),
    gradient: true,
  },
  {
    name: "a tensor used twice sums its gradients",
    ops: ["mul", "exp", "sub", "clone"],
    inputs: [anywhere],
    compute: (x) => tf.sub(tf.mul(x as tf.Tensor, tf.exp(x as tf.Tensor)), tf.clone(x as tf.Tensor)),
    reference: (x) => map(x, (value) => value * Math.exp(value) - value),
    gradient: true,
  },
];
