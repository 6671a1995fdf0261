/** The adjoint of broadcasting: sums a gradient over the axes along which its tensor was repeated. */
import * as tf from "@tensorflow/tfjs-core";

/** The tensor summed down to `shape`; always a new tensor, so that a gradient can be disposed after its use. */
export function sumToShape(tensor: tf.Tensor, shape: readonly number[]): tf.Tensor {
  if (tensor.rank === shape.length && tensor.shape.every((size, axis) => size === shape[axis])) return tf.clone(tensor);
  const lead = tensor.rank - shape.length;
  const axes = tensor.shape.flatMap((size, axis) =>
    axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : [],
  );
  const summed = axes.length === 0 ? tensor : tf.sum(tensor, axes);
  return tf.reshape(summed, [...shape]);
}
