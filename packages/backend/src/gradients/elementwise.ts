/** Gradients of the element-by-element kernels, broadcasting included. */
import * as tf from "@tensorflow/tfjs-core";
import { sumToShape } from "./sum-to-shape";

type Unary = (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor;

/** f(x) whose derivative is written with x. */
function ofInput(kernelName: string, derivative: Unary): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x"],
    gradFunc: (dy, saved) => ({ x: () => derivative(dy as tf.Tensor, saved[0] as tf.Tensor) }),
  };
}

/** f(x) whose derivative is written with y = f(x). */
function ofOutput(kernelName: string, derivative: Unary): tf.GradConfig {
  return {
    kernelName,
    outputsToSave: [true],
    gradFunc: (dy, saved) => ({ x: () => derivative(dy as tf.Tensor, saved[0] as tf.Tensor) }),
  };
}

/** f(a, b); the two functions give dy·∂f/∂a and dy·∂f/∂b at the broadcast shape. */
function binary(
  kernelName: string,
  toA: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  toB: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => sumToShape(toA(dy as tf.Tensor, a, b), a.shape),
        b: () => sumToShape(toB(dy as tf.Tensor, a, b), b.shape),
      };
    },
  };
}

function mask(condition: tf.Tensor): tf.Tensor {
  return tf.cast(condition, "float32");
}

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** One entry per kernel. Where maximum or minimum tie, the first argument gets the gradient. */
export const ELEMENTWISE_GRADIENTS: readonly tf.GradConfig[] = [
  binary(
    "Add",
    (dy) => dy,
    (dy) => dy,
  ),
  binary(
    "Sub",
    (dy) => dy,
    (dy) => tf.neg(dy),
  ),
  binary(
    "Multiply",
    (dy, _, b) => tf.mul(dy, b),
    (dy, a) => tf.mul(dy, a),
  ),
  binary(
    "RealDiv",
    (dy, _, b) => tf.div(dy, b),
    (dy, a, b) => tf.neg(tf.mul(dy, tf.div(tf.div(a, b), b))),
  ),
  // tfjs-core 4.22 leaves the broadcast axes of these two unsummed.
  binary(
    "Maximum",
    (dy, a, b) => tf.mul(dy, mask(tf.greaterEqual(a, b))),
    (dy, a, b) => tf.mul(dy, mask(tf.less(a, b))),
  ),
  binary(
    "Minimum",
    (dy, a, b) => tf.mul(dy, mask(tf.lessEqual(a, b))),
    (dy, a, b) => tf.mul(dy, mask(tf.greater(a, b))),
  ),
  binary(
    "SquaredDifference",
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  ),
  ofInput("Abs", (dy, x) => tf.mul(dy, tf.sign(x))),
  ofInput("Cos", (dy, x) => tf.neg(tf.mul(dy, tf.sin(x)))),
  ofInput("Erf", (dy, x) => tf.mul(dy, tf.mul(TWO_OVER_SQRT_PI, tf.exp(tf.neg(tf.square(x)))))),
  ofInput("Log", (dy, x) => tf.div(dy, x)),
  ofInput("Log1p", (dy, x) => tf.div(dy, tf.add(x, 1))),
  ofInput("Neg", (dy) => tf.neg(dy)),
  ofInput("Reciprocal", (dy, x) => tf.neg(tf.div(dy, tf.square(x)))),
  ofInput("Relu", (dy, x) => tf.mul(dy, mask(tf.greater(x, 0)))),
  ofInput("Sin", (dy, x) => tf.mul(dy, tf.cos(x))),
  ofInput("Softplus", (dy, x) => tf.mul(dy, tf.sigmoid(x))),
  ofInput("Square", (dy, x) => tf.mul(dy, tf.mul(2, x))),
  ofOutput("Exp", (dy, y) => tf.mul(dy, y)),
  ofOutput("Rsqrt", (dy, y) => tf.mul(dy, tf.mul(-0.5, tf.mul(y, tf.square(y))))),
  ofOutput("Sigmoid", (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  ofOutput("Sqrt", (dy, y) => tf.div(dy, tf.mul(2, y))),
  ofOutput("Tanh", (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  {
    kernelName: "ClipByValue",
    inputsToSave: ["x"],
    gradFunc: (dy, saved, attributes) => {
      const [x] = saved as [tf.Tensor];
      const { clipValueMin, clipValueMax } = attributes as unknown as { clipValueMin: number; clipValueMax: number };
      const inside = tf.logicalAnd(tf.greaterEqual(x, clipValueMin), tf.lessEqual(x, clipValueMax));
      return { x: () => tf.mul(dy as tf.Tensor, mask(inside)) };
    },
  },
  {
    // tf.where broadcasts its three arguments before the kernel runs, so each branch has the result's shape here.
    kernelName: "Select",
    inputsToSave: ["condition"],
    gradFunc: (dy, saved) => {
      const chosen = mask(saved[0] as tf.Tensor);
      return {
        condition: () => tf.zerosLike(chosen),
        t: () => tf.mul(dy as tf.Tensor, chosen),
        e: () => tf.mul(dy as tf.Tensor, tf.sub(1, chosen)),
      };
    },
  },
  // A condition computed from what is differentiated (`where(greater(x, 0), ..)`) passes nothing back; tfjs-core
  // throws.
  ...["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr"].map(
    (kernelName): tf.GradConfig => ({
      kernelName,
      inputsToSave: ["a", "b"],
      gradFunc: (_, saved) => ({
        a: () => tf.zeros((saved[0] as tf.Tensor).shape),
        b: () => tf.zeros((saved[1] as tf.Tensor).shape),
      }),
    }),
  ),
  { kernelName: "LogicalNot", gradFunc: (dy) => ({ x: () => tf.zeros((dy as tf.Tensor).shape) }) },
  { kernelName: "Cast", gradFunc: (dy) => ({ x: () => (dy as tf.Tensor).clone() }) },
  { kernelName: "Identity", gradFunc: (dy) => ({ x: () => tf.cast(dy as tf.Tensor, "float32") }) },
  ...["Floor", "Round", "Sign", "Step", "ZerosLike", "OnesLike"].map((kernelName): tf.GradConfig => ({
    kernelName,
    gradFunc: (dy) => ({ x: () => tf.zerosLike(dy as tf.Tensor) }),
  })),
];
