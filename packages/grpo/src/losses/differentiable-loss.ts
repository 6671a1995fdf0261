/**
 * A host-side loss as one operation on the tfjs tape: the log-probabilities are read (a view on wasm, a small copy
 * elsewhere), the loss and its derivatives computed in float64, and the backward pass passes the derivatives on.
 *
 * Reading is synchronous, which WebGPU backends allow only through a slow path; a custom gradient cannot wait.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { TokenLogProbs } from "../policy";

/** What the host computes from the numbers it is given, flat [B · T]. */
export interface HostLoss {
  readonly loss: number;
  /** d loss / d logProbs. */
  readonly logProbGradient: Float64Array;
  /** d loss / d entropies; absent: 0. */
  readonly entropyGradient?: Float64Array;
  /** d loss / d candidates, flat [B · T · K]; absent: 0. */
  readonly candidateGradient?: Float64Array;
}

/** Reads the numbers of the tensors. */
export type EvaluateLoss = (logProbs: Float32Array, entropies?: Float32Array, candidates?: Float32Array) => HostLoss;

/**
 * The scalar loss, differentiable in all of the tensors.
 * @example differentiableLoss({ logProbs }, (values) => evaluateObjective({ ...batch, logProbs: values }, {}, counts))
 * @param values log-probabilities, and entropies and candidates if the loss uses them
 */
export function differentiableLoss({ logProbs, entropy, candidates }: TokenLogProbs, evaluate: EvaluateLoss): Scalar {
  const optional = [entropy, candidates];
  const inputs = [logProbs, ...optional.filter((tensor) => tensor !== undefined)];
  const operation = tf.customGrad((...args: (Tensor | tf.GradSaveFunc)[]) => {
    const given = args.filter((arg): arg is Tensor => arg instanceof tf.Tensor);
    const numbers = given.map((tensor) => tensor.dataSync() as Float32Array);
    const [ownLogProbs, ...others] = numbers;
    const [entropies, ofCandidates] = optional.map((tensor) => (tensor ? others.shift() : undefined));
    const result = evaluate(ownLogProbs!, entropies, ofCandidates);
    const gradients = [
      result.logProbGradient,
      ...(entropy ? [result.entropyGradient] : []),
      ...(candidates ? [result.candidateGradient] : []),
    ];
    return {
      value: tf.scalar(result.loss),
      gradFunc: (dy: Tensor) =>
        inputs.map(({ shape }, i) => {
          const gradient = gradients[i];
          return gradient ? tf.mul(dy, tf.tensor2d(Float32Array.from(gradient), shape)) : tf.zeros(shape);
        }),
    };
  });
  return operation(...inputs) as Scalar;
}
