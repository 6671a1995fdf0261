/** Gradients of reductions, softmax and running sums. */
import * as tf from "@tensorflow/tfjs-core";

/** The axes that a kernel's attributes name (Max calls them reductionIndices), counted from the front. */
function reducedAxes(x: tf.Tensor, attributes: object): number[] {
  const { axis, reductionIndices } = attributes as Readonly<
    Record<string, number | readonly number[] | null | undefined>
  >;
  const named = reductionIndices ?? axis;
  if (named === undefined || named === null) return x.shape.map((_, i) => i);
  return (typeof named === "number" ? [named] : [...named]).map((each) => (each < 0 ? each + x.rank : each));
}

/** The gradient with the reduced axes put back as axes of size 1. */
function withReducedAxes(dy: tf.Tensor, x: tf.Tensor, axes: readonly number[]): tf.Tensor {
  return tf.reshape(
    dy,
    x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );
}

/** dy repeated along the reduced axes; the factor scales it. */
function spread(dy: tf.Tensor, x: tf.Tensor, axes: readonly number[], factor: number): tf.Tensor {
  return tf.mul(withReducedAxes(dy, x, axes), tf.fill(x.shape, factor));
}

/**
 * Maximum and minimum: every element that equals the extreme gets the gradient, as in tfjs (PyTorch picks or shares).
 */
function extreme(kernelName: "Max" | "Min"): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, saved, attributes) => {
      const [x, y] = saved as [tf.Tensor, tf.Tensor];
      const axes = reducedAxes(x, attributes);
      return {
        x: () =>
          tf.mul(
            withReducedAxes(dy as tf.Tensor, x, axes),
            tf.cast(tf.equal(x, withReducedAxes(y, x, axes)), "float32"),
          ),
      };
    },
  };
}

/** One entry per kernel. */
export const REDUCTION_GRADIENTS: readonly tf.GradConfig[] = [
  {
    kernelName: "Sum",
    inputsToSave: ["x"],
    gradFunc: (dy, saved, attributes) => {
      const [x] = saved as [tf.Tensor];
      return { x: () => spread(dy as tf.Tensor, x, reducedAxes(x, attributes), 1) };
    },
  },
  {
    kernelName: "Mean",
    inputsToSave: ["x"],
    gradFunc: (dy, saved, attributes) => {
      const [x] = saved as [tf.Tensor];
      const axes = reducedAxes(x, attributes);
      const count = axes.reduce((all, axis) => all * (x.shape[axis] ?? 1), 1);
      return { x: () => spread(dy as tf.Tensor, x, axes, 1 / count) };
    },
  },
  extreme("Max"),
  extreme("Min"),
  {
    // y = softmax(x): dx = y (dy - Σ dy y)
    kernelName: "Softmax",
    outputsToSave: [true],
    gradFunc: (dy, saved, attributes) => {
      const [y] = saved as [tf.Tensor];
      const { dim } = attributes as unknown as { dim: number };
      return {
        logits: () => {
          const weighted = tf.mul(dy as tf.Tensor, y);
          return tf.sub(weighted, tf.mul(y, tf.sum(weighted, dim, true)));
        },
      };
    },
  },
  {
    // y = x - log Σ exp x: dx = dy - softmax(x) Σ dy
    kernelName: "LogSoftmax",
    outputsToSave: [true],
    gradFunc: (dy, saved, attributes) => {
      const [y] = saved as [tf.Tensor];
      const { axis } = attributes as unknown as { axis: number };
      return { logits: () => tf.sub(dy as tf.Tensor, tf.mul(tf.exp(y), tf.sum(dy as tf.Tensor, axis, true))) };
    },
  },
  {
    // The adjoint of a running sum is the running sum from the other end.
    kernelName: "Cumsum",
    gradFunc: (dy, _, attributes) => {
      const { axis, exclusive, reverse } = attributes as unknown as {
        axis: number;
        exclusive: boolean;
        reverse: boolean;
      };
      return { x: () => tf.cumsum(dy as tf.Tensor, axis, exclusive, !reverse) };
    },
  },
];
