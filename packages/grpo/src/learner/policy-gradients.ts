/** Gradients of a loss that the host computes from log-probabilities. */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { differentiableLoss, type EvaluateLoss } from "../losses/differentiable-loss";
import type { Gradients, LogProbsOptions, Policy, PolicyParameter, PolicyRow } from "../policy";

/**
 * Frees what a forward pass that threw has saved for its backward pass. tfjs 4.22 frees it only at the end of a
 * backward pass: without this, an update that ran out of memory would hold its activations for good, and a retry fail
 * as well.
 */
function abandonTape(): void {
  const { state } = tf.engine();
  if (state.gradientDepth > 0 || !state.activeTape) return;
  for (const node of state.activeTape) for (const tensor of node.saved ?? []) if (!tensor.isDisposed) tensor.dispose();
  state.activeTape = [];
}

/**
 * Forward, loss and backward of some rows together. A pass that throws leaves nothing behind.
 *
 * @param evaluate the loss and its derivatives from log-probabilities, entropies and candidates, flat
 * @returns d loss / d parameter by name, owned by the caller; parameters that the rows do not reach are absent
 */
export function policyGradients<Row extends PolicyRow>(
  policy: Pick<Policy<Row>, "logProbs">,
  parameters: readonly PolicyParameter[],
  rows: readonly Row[],
  options: LogProbsOptions,
  evaluate: EvaluateLoss,
): Gradients {
  const gradients: Gradients = new Map();
  try {
    const { value, grads } = tf.engine().gradients(
      () => {
        return differentiableLoss(policy.logProbs(rows, options), evaluate);
      },
      parameters.map((parameter) => parameter.variable),
      undefined,
      true,
    );
    value.dispose();
    (grads as (Tensor | undefined)[]).forEach(
      (gradient, i) => gradient && gradients.set(parameters[i]!.name, gradient),
    );
  } catch (error) {
    abandonTape();
    throw error;
  }
  return gradients;
}
