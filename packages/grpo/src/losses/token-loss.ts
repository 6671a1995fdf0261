/**
 * What every policy loss is: a value and a derivative for each token, computed on plain arrays in float64.
 *
 * The losses of this folder are not tfjs graphs. A batch has B · T log-probabilities (thousands) where the model has
 * millions of activations, so the loss costs nothing on the host, and there it can be exact: the derivatives follow
 * torch at ties and bounds (tfjs 4.22's own gradients of maximum, minimum and where are wrong under broadcasting), the
 * sums are float64, and diagnostics come from the same pass. `differentiable-loss.ts` puts the result back on the tape.
 *
 * All losses here are sums of per-token terms whose derivative reaches only the token's own log-probability. Where a
 * paper has a ratio of the whole sequence, its gradient is spread over the tokens so that the total is the same (the
 * file says how).
 */

/** The inputs of a policy loss, flat [B · T], row after row. */
export interface TokenBatch {
  readonly rows: number;
  readonly width: number;
  /** 1 for a trained token, else 0. */
  readonly mask: ArrayLike<number>;
  /** log π_θ of each token, the one that is differentiated. */
  readonly logProbs: ArrayLike<number>;
  /** log π of the policy that the ratio is taken against. */
  readonly oldLogProbs: ArrayLike<number>;
  readonly advantages: ArrayLike<number>;
  /** Correction for rollouts from another engine (importance-correction.ts); constants for the gradient. */
  readonly importanceWeights?: ArrayLike<number>;
}

/** Bits of {@link TokenLoss.clipped}. */
export const CLIPPED_LOW = 1;
/** The upper bound of the ratio acted. */
export const CLIPPED_HIGH = 2;
/** The outer bound acted: dual clip, truncation. */
export const CLIPPED_OUTER = 4;

/** A loss by token, before any averaging; 0 outside the mask. Flat [B · T]. */
export interface TokenLoss {
  readonly values: Float64Array;
  /** d value / d log π_θ of the same token. */
  readonly gradient: Float64Array;
  /** Which bounds acted on each token: CLIPPED_LOW | CLIPPED_HIGH | CLIPPED_OUTER. */
  readonly clipped: Uint8Array;
}

/** How token losses become one number; see `aggregation.ts`. */
export type AggregationMode =
  | "token-mean"
  | "token-sum"
  | "seq-mean-token-sum"
  | "seq-mean-token-mean"
  | "seq-mean-token-sum-norm";

/** A policy loss: a name for logs, the computation, and what its definition fixes. */
export interface PolicyLoss {
  readonly name: string;
  /** The only aggregation the loss is defined with; absent: the caller chooses. */
  readonly aggregation?: AggregationMode;
  /** True when `evaluate` has used `importanceWeights` itself; else the objective multiplies them in. */
  readonly appliesImportanceWeights?: boolean;
  /** True when the loss moves the policy even where the advantage is 0 (DRO's pull). */
  readonly pullsWithoutAdvantage?: boolean;
  /** True when the loss is a plain mean over rows, empty ones included (GMPO). */
  readonly countsEmptySequences?: boolean;
  evaluate(batch: TokenBatch): TokenLoss;
}

/** An all-zero result for a batch. */
export function emptyTokenLoss(batch: TokenBatch): TokenLoss {
  const size = batch.rows * batch.width;
  return { values: new Float64Array(size), gradient: new Float64Array(size), clipped: new Uint8Array(size) };
}

/** A log ratio bounded to ±bound and whether its derivative passes (torch's clamp passes it at the bound itself). */
export function boundedLogRatio(logRatio: number, bound: number): { readonly value: number; readonly slope: 0 | 1 } {
  if (logRatio > bound) return { value: bound, slope: 0 };
  if (logRatio < -bound) return { value: -bound, slope: 0 };
  return { value: logRatio, slope: 1 };
}

/** The bound that keeps exp() finite in float32; verl's. TRL has none (`Infinity`). */
export const LOG_RATIO_BOUND = 20;
