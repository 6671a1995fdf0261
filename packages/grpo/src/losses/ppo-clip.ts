/**
 * PPO's clipped objective with separate bounds (DAPO's clip-higher) and the dual clip.
 *
 *   r = exp(log π_θ - log π_old)
 *   l = max(-A r, -A clip(r, 1 - ε_low, 1 + ε_high))        arXiv 1707.06347; ε_low ≠ ε_high: DAPO, arXiv 2503.14476
 *   A < 0: l = min(l, -c A)                                  dual clip, arXiv 1912.09729
 *
 * Same numbers as verl 0.9.1 (`compute_policy_loss_vanilla`); log ratios are bounded to ±20. TRL 1.16 bounds nothing
 * (`logRatioBound: Infinity`) and calls the outer bound `delta`: for delta > 1 + ε_high that is the same as c = delta.
 */
import {
  boundedLogRatio,
  CLIPPED_HIGH,
  CLIPPED_LOW,
  CLIPPED_OUTER,
  emptyTokenLoss,
  LOG_RATIO_BOUND,
  type PolicyLoss,
  type TokenBatch,
  type TokenLoss,
} from "./token-loss";

/** Settings of {@link ppoClip}. */
export interface PpoClipOptions {
  /** ε_low. Default 0.2. */
  readonly clipLow?: number;
  /** ε_high. Default 0.28 (DAPO's clip-higher). */
  readonly clipHigh?: number;
  /** c of the dual clip, above 1. null for none. Default 3. */
  readonly dualClip?: number | null;
  /** Bound of |log ratio|. Default 20. */
  readonly logRatioBound?: number;
}

/**
 * The clipped policy loss.
 * @example ppoClip({ clipLow: 0.2, clipHigh: 0.28, dualClip: 3 }).evaluate(batch).values
 * @throws RangeError for bounds that make no sense
 */
export function ppoClip(options: PpoClipOptions = {}): PolicyLoss {
  const { clipLow = 0.2, clipHigh = 0.28, dualClip = 3, logRatioBound = LOG_RATIO_BOUND } = options;
  if (!(clipLow >= 0 && clipHigh >= 0))
    throw new RangeError(`clip bounds must be ≥ 0, found ${clipLow} and ${clipHigh}`);
  if (dualClip !== null && !(dualClip > 1)) throw new RangeError(`dualClip must be above 1, found ${dualClip}`);
  return {
    name: "ppo-clip",
    evaluate: (batch) => clippedSurrogate(batch, { clipLow, clipHigh, dualClip }, tokenRatio(batch, logRatioBound)),
  };
}

/** A token's ratio and its derivative with respect to the token's log-probability. */
export type RatioOf = (index: number) => { readonly ratio: number; readonly slope: number };

function tokenRatio(batch: TokenBatch, bound: number): RatioOf {
  return (i) => {
    const log = boundedLogRatio(batch.logProbs[i]! - batch.oldLogProbs[i]!, bound);
    const ratio = Math.exp(log.value);
    return { ratio, slope: ratio * log.slope };
  };
}

/** The clipped surrogate for any definition of the ratio; GSPO shares it. */
export function clippedSurrogate(
  batch: TokenBatch,
  bounds: { readonly clipLow: number; readonly clipHigh: number; readonly dualClip: number | null },
  ratioOf: RatioOf,
): TokenLoss {
  const result = emptyTokenLoss(batch);
  const lowest = 1 - bounds.clipLow;
  const highest = 1 + bounds.clipHigh;
  for (let i = 0; i < result.values.length; i++) {
    if (batch.mask[i] === 0) continue;
    const advantage = batch.advantages[i]!;
    const { ratio, slope } = ratioOf(i);
    const kept = Math.min(Math.max(ratio, lowest), highest);
    const unclippedLoss = -advantage * ratio;
    const clippedLoss = -advantage * kept;
    let value = unclippedLoss;
    let gradient = -advantage * slope;
    let flags = 0;
    if (clippedLoss > unclippedLoss) {
      value = clippedLoss;
      gradient = 0;
      flags = ratio < lowest ? CLIPPED_LOW : CLIPPED_HIGH;
    }
    if (advantage < 0 && bounds.dualClip !== null) {
      const outer = -advantage * bounds.dualClip;
      if (value > outer) {
        value = outer;
        gradient = 0;
        flags |= CLIPPED_OUTER;
      } else if (value === outer) gradient /= 2;
    }
    result.values[i] = value;
    result.gradient[i] = gradient;
    result.clipped[i] = flags;
  }
  return result;
}
