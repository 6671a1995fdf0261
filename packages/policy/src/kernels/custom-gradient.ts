/** tf.customGrad with types, for operations whose number of inputs is known only when they run. */
import * as tf from "@tensorflow/tfjs-core";

/** What a forward pass returns: its value, and how a gradient flows to each of the inputs. */
export interface WithGradient<Out extends tf.Tensor> {
  readonly value: Out;
  /** Gradients in the order of the inputs. `saved` are the tensors given to `save`. */
  readonly gradient: (dy: Out, saved: tf.Tensor[]) => tf.Tensor[];
}

/**
 * Runs `forward` off the tape and records its own gradient. Tensors that `gradient` needs go through `save`; what it
 * only closes over would be disposed by then, unless it is kept by its owner (weights, constants of the batch).
 *
 * @param inputs what gradients are wanted for; with none, `forward` just runs
 */
export function withGradient<Out extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: (tensors: tf.Tensor[]) => void) => WithGradient<Out>,
): Out {
  if (inputs.length === 0) return tf.tidy(() => forward(() => {}).value);
  const operation = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args[args.length - 1] as tf.GradSaveFunc;
    const { value, gradient } = forward(save);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => once(gradient, dy as Out, saved) };
  });
  return operation(...inputs) as Out;
}

/**
 * The gradients, and then the memory is freed: tfjs would keep what they computed on the way, the tensors saved for
 * them and the gradients of every intermediate value until the whole backward pass is done, which is twice the
 * activations at the end. Each gradient is used once, as every op between gives its inputs gradients that are tensors
 * of their own.
 */
function once<Out extends tf.Tensor>(
  gradient: WithGradient<Out>["gradient"],
  dy: Out,
  saved: tf.Tensor[],
): tf.Tensor[] {
  const gradients = tf.tidy(() => gradient(dy, saved));
  tf.dispose([dy, ...saved].filter((tensor) => !gradients.includes(tensor)));
  return gradients;
}

/**
 * Whether a gradient may be wanted for a weight: trainable ones are variables, frozen ones plain tensors, which the
 * kernels then leave out of their backward pass.
 */
export function isTrainable(weight: tf.Tensor): boolean {
  return weight instanceof tf.Variable;
}
