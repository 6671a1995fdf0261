/**
 * What one update reports.
 */
import type { GradientNorms } from "../optimizer/gradient-norms";
import type { Contribution, UpdateSizes } from "./contribution";

/** Numbers of one update, all measured before the weights moved except `step`. */
export interface UpdateStats {
  /** Updates done, this one included. */
  readonly step: number;
  readonly loss: number;
  readonly policyLoss: number;
  /** Mean KL to the reference under the loss's weights; only with refLogProbs. */
  readonly kl: number;
  /** Mean entropy under the loss's weights; only where it was measured. */
  readonly entropy: number;
  /** Mean divergence from the teacher under the loss's weights; 0 without candidates. */
  readonly divergence: number;
  /** N: tokens of the update, those of rows without signal included. */
  readonly tokens: number;
  /** S: sequences of the update. */
  readonly sequences: number;
  readonly rows: number;
  /** Rows and tokens that went through the model. */
  readonly forwardedRows: number;
  readonly forwardedTokens: number;
  readonly microBatches: number;
  /** Tokens the model computed, as the policy counts them (prompts and padding included). */
  readonly computedTokens: number;
  /** Share of them that is padding, or a prompt that several micro-batches compute. */
  readonly paddingShare: number;
  /** Share of N where a bound acted (clipLow + clipHigh). */
  readonly clipFraction: number;
  readonly clipLowFraction: number;
  readonly clipHighFraction: number;
  /** Share of N where the dual clip (or truncation) acted. */
  readonly clipOuterFraction: number;
  /** Mean of log π_old - log π_θ over forwarded tokens (verl's ppo_kl). */
  readonly ppoKl: number;
  /** π_θ / π_old over forwarded tokens; 1 when there are none. */
  readonly ratioMean: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** Before clipping. */
  readonly gradNorm: GradientNorms;
  /** Whether a server computed the update and does not tell the norm, which is NaN then. */
  readonly isNormUntold?: boolean;
  readonly clipCoefficient: number;
  /** By group, as used. */
  readonly learningRates: Readonly<Record<string, number>>;
  /** verl's metrics of importance weights and rejection. */
  readonly correction: Readonly<Record<string, number>>;
  /** log π_θ before the update by row position; absent for rows that needed no forward pass. */
  readonly logProbs: ReadonlyMap<number, Float32Array>;
}

/** Turns sums into means. */
export function updateStats(
  part: Contribution & UpdateSizes,
  norms: GradientNorms,
  clipCoefficient: number,
  learningRates: Readonly<Record<string, number>>,
  step: number,
): UpdateStats {
  const { sums, counts } = part;
  const share = (count: number) => (counts.tokens > 0 ? count / counts.tokens : 0);
  const mean = (sum: number, none: number) => (sums.tokens > 0 ? sum / sums.tokens : none);
  return {
    step,
    loss: sums.loss,
    policyLoss: sums.policyLoss,
    kl: sums.kl,
    entropy: sums.entropy,
    divergence: sums.divergence,
    tokens: counts.tokens,
    sequences: counts.sequences,
    rows: part.rows,
    forwardedRows: part.forwardedRows,
    forwardedTokens: sums.tokens,
    microBatches: part.microBatches,
    computedTokens: part.computedTokens,
    paddingShare: part.computedTokens > 0 ? Math.max(0, 1 - part.neededTokens / part.computedTokens) : 0,
    clipFraction: share(sums.clippedLow + sums.clippedHigh),
    clipLowFraction: share(sums.clippedLow),
    clipHighFraction: share(sums.clippedHigh),
    clipOuterFraction: share(sums.clippedOuter),
    ppoKl: mean(sums.oldMinusNew, 0),
    ratioMean: mean(sums.ratio, 1),
    ratioMin: sums.tokens > 0 ? sums.ratioMin : 1,
    ratioMax: sums.tokens > 0 ? sums.ratioMax : 1,
    gradNorm: norms,
    clipCoefficient,
    learningRates,
    correction: part.correctionMetrics,
    logProbs: part.logProbs,
  };
}
