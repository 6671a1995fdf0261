/**
 * GSPO: one importance ratio per response, the geometric mean of its token ratios (arXiv 2507.18071).
 *
 *   s = exp( (1/|y|) Σ_t (log π_θ - log π_old) ),   l_t = max(-A s, -A clip(s, 1 - ε_low, 1 + ε_high))
 *
 * Each token carries the sequence's value, and its own derivative as if s were its ratio (GSPO-token, §4.3): summed
 * over a row of equal advantages and weights this is exactly the derivative through the mean. s is at most exp(10).
 * Same numbers as verl 0.9.1 (`compute_policy_loss_gspo`, which takes any aggregation; the paper's is
 * seq-mean-token-mean) and, with ε 0.2 / 0.28 and seq-mean-token-sum, as TRL 1.16's `luspo` (arXiv 2602.05261).
 */
import { clippedSurrogate } from "./ppo-clip";
import type { PolicyLoss, TokenBatch } from "./token-loss";

/** Settings of {@link gspo}. */
export interface GspoOptions {
  /** ε_low. Default 3e-4 (the paper's). */
  readonly clipLow?: number;
  /** ε_high. Default 4e-4 (the paper's). */
  readonly clipHigh?: number;
}

const LOG_RATIO_LIMIT = 10;

/** The sequence-ratio loss of GSPO. */
export function gspo(options: GspoOptions = {}): PolicyLoss {
  const { clipLow = 3e-4, clipHigh = 4e-4 } = options;
  return {
    name: "gspo",
    evaluate(batch) {
      const ratios = sequenceRatios(batch);
      return clippedSurrogate(
        batch,
        { clipLow, clipHigh, dualClip: null },
        (i) => ratios[Math.floor(i / batch.width)]!,
      );
    },
  };
}

function sequenceRatios(batch: TokenBatch): { readonly ratio: number; readonly slope: number }[] {
  return Array.from({ length: batch.rows }, (_, row) => {
    let sum = 0;
    let length = 0;
    for (let i = row * batch.width; i < (row + 1) * batch.width; i++) {
      if (batch.mask[i] === 0) continue;
      sum += batch.logProbs[i]! - batch.oldLogProbs[i]!;
      length += 1;
    }
    const mean = sum / Math.max(1, length);
    const ratio = Math.exp(Math.min(mean, LOG_RATIO_LIMIT));
    return { ratio, slope: mean > LOG_RATIO_LIMIT ? 0 : ratio };
  });
}
