/**
 * Gradient checkpointing (arXiv 1604.06174): a part of the model keeps only its input for the backward pass and is
 * computed a second time there. Memory of activations for a third more work.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withGradient } from "./custom-gradient";

/**
 * What is computed a second time instead of being kept: all of each block (true), nothing (false), or "mlp": of each block
 * of the language model the part after attention. That keeps most of what a block holds (two thirds in Qwen2.5-VL-3B under
 * an adapter) out of memory, for about a fifth more time.
 */
export type GradientCheckpointing = boolean | "mlp";

/** Part of a model; `again`: in the backward pass, where only its gradient is wanted and its result may be anything. */
type CheckpointedPart = (x: tf.Tensor2D, constants: readonly tf.Tensor[], again: boolean) => tf.Tensor2D;

/**
 * f(x), remembered by x alone. The same function runs again in the backward pass, so it must give the same result.
 *
 * @param constants tensors that f needs besides, without gradients; f gets them as they are by then
 * @param variables everything trained that f uses
 */
export function checkpoint(
  x: tf.Tensor2D,
  constants: readonly tf.Tensor[],
  variables: readonly tf.Variable[],
  f: CheckpointedPart,
): tf.Tensor2D {
  return withGradient<tf.Tensor2D>([x, ...variables], (save) => {
    save([x, ...constants]);
    return {
      value: f(x, constants, false),
      gradient: (dy, [x, ...constants]) =>
        gradientsWithin(() => f(x as tf.Tensor2D, constants, true), [x!, ...variables], dy),
    };
  });
}

/** Gradients inside a backward pass. tfjs has one tape, which a second pass would leave empty behind it. */
function gradientsWithin(f: () => tf.Tensor2D, inputs: readonly tf.Tensor[], dy: tf.Tensor2D): tf.Tensor[] {
  const { state } = tf.engine();
  const tape = state.activeTape;
  try {
    const { value, grads } = tf.engine().gradients(f, [...inputs], dy, true);
    value.dispose();
    return grads.map((gradient, i) => (gradient as tf.Tensor | null) ?? tf.zerosLike(inputs[i]!));
  } finally {
    state.activeTape = tape;
  }
}
