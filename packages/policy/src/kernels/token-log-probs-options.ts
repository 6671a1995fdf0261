/** Options of `tokenLogProbs`, for both ways of computing it. */
export interface TokenLogProbsOptions {
  /** τ, divides the logits. */
  readonly temperature: number;
  /** Whether the entropies are wanted too. */
  readonly entropy: boolean;
  /** Whether ops of ours beside TensorFlow compute it (`ModelWeights.inOneOp`). Default false. */
  readonly inOneOp?: boolean;
}
