/**
 * A host-side loss as one operation on the tfjs tape: the log-probabilities are read (a view on wasm, a small copy
 * elsewhere), the loss and its derivatives computed in float64, and the backward pass passes the derivatives on.
 *
 * Reading is synchronous, which WebGPU backends allow only through a slow path; a custom gradient cannot wait.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor, Tensor2D } from "@tensorflow/tfjs-core";

/** What the host computes from the numbers it is given, flat [B · T]. */
export interface HostLoss {
  readonly loss: number;
  /** d loss / d logProbs. */
  readonly logProbGradient: Float64Array;
  /** d loss / d entropies; absent: 0. */
  readonly entropyGradient?: Float64Array;
}

/**
 * The scalar loss, differentiable in both tensors.
 * @example differentiableLoss(logProbs, undefined, (values) => evaluateObjective({ ...batch, logProbs: values }, {}, counts))
 * @param logProbs [B, T]
 * @param entropies [B, T], if the loss uses them
 */
export function differentiableLoss(
  logProbs: Tensor2D,
  entropies: Tensor2D | undefined,
  evaluate: (logProbs: Float32Array, entropies?: Float32Array) => HostLoss,
): Scalar {
  const shape = logProbs.shape;
  const inputs = entropies ? [logProbs, entropies] : [logProbs];
  const operation = tf.customGrad((...args: (Tensor | tf.GradSaveFunc)[]) => {
    const [lp, entropy] = args.filter((arg): arg is Tensor => arg instanceof tf.Tensor);
    const result = evaluate(lp!.dataSync() as Float32Array, entropy?.dataSync() as Float32Array | undefined);
    return {
      value: tf.scalar(result.loss),
      gradFunc: (dy: Tensor) => {
        const byLogProb = tf.mul(dy, tf.tensor2d(Float32Array.from(result.logProbGradient), shape));
        if (!entropy) return [byLogProb];
        const byEntropy = result.entropyGradient
          ? tf.mul(dy, tf.tensor2d(Float32Array.from(result.entropyGradient), shape))
          : tf.zeros(shape);
        return [byLogProb, byEntropy];
      },
    };
  });
  return operation(...inputs) as Scalar;
}
