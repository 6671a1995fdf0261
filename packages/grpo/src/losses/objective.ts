/**
 * The training objective: policy loss + KL to a reference - entropy bonus + divergence from a teacher, each aggregated with
 * the same token weights.
 *
 *   loss = Σ w (u l) - c_H Σ w H + β Σ w kl + c_D Σ w D        w: aggregation.ts;  u: importance weights, token selection
 *
 * Returns the loss of these rows' share, its derivatives, and sums for diagnostics; all of it adds up over
 * micro-batches.
 */
import { aggregationWeights, type BatchCounts } from "./aggregation";
import { divergence, type DivergenceConfig } from "./divergence";
import { klTerm, type KlEstimator } from "./kl-penalty";
import { ppoClip } from "./ppo-clip";
import {
  boundedLogRatio,
  CLIPPED_HIGH,
  CLIPPED_LOW,
  CLIPPED_OUTER,
  LOG_RATIO_BOUND,
  type AggregationMode,
  type PolicyLoss,
  type TokenBatch,
} from "./token-loss";

/** What is minimized. */
export interface ObjectiveConfig {
  /** The policy loss. Default `ppoClip()` (0.2, 0.28, dual clip 3). */
  readonly policyLoss?: PolicyLoss;
  /** How token losses are averaged. Default "token-mean". A loss that fixes its own (GMPO, SAPO) overrides it. */
  readonly aggregation?: AggregationMode;
  /** L of seq-mean-token-sum-norm. */
  readonly maxLength?: number;
  /** Whether rows without tokens count as sequences (TRL's grpo, dr_grpo, sapo, luspo do). Default false. */
  readonly countEmptySequences?: boolean;
  /** KL to the reference policy in the loss; absent: none. */
  readonly kl?: {
    readonly coefficient: number;
    /** Default "k3". */
    readonly estimator?: KlEstimator;
    /** verl's bounds on k3. Default true. */
    readonly bounded?: boolean;
  };
  /** Entropy bonus. Default 0. */
  readonly entropyCoefficient?: number;
  /** Divergence from a teacher over K tokens of each position (divergence.ts); absent: none. */
  readonly divergence?: DivergenceConfig & {
    readonly coefficient: number;
    /** K. */
    readonly count: number;
  };
}

/** The rows of one micro-batch, flat [B · T]. */
export interface ObjectiveBatch extends TokenBatch {
  readonly refLogProbs?: ArrayLike<number>;
  readonly entropies?: ArrayLike<number>;
  /** log p of the K candidates of each token by the policy and by the teacher, flat [B · T · K]. NaN: no teacher. */
  readonly candidates?: { readonly logProbs: Float32Array; readonly teacher: Float32Array };
  /** Further constant factors on the policy loss (token-selection.ts). */
  readonly policyWeights?: ArrayLike<number>;
}

/** Sums over tokens that were evaluated; add them up with {@link addObjectiveSums}. */
export interface ObjectiveSums {
  loss: number;
  policyLoss: number;
  /** Σ w kl, without β; 0 without reference log-probabilities. */
  kl: number;
  /** Σ w H, without c_H; 0 without entropies. */
  entropy: number;
  /** Σ w D, without c_D; 0 without candidates. */
  divergence: number;
  tokens: number;
  clippedLow: number;
  clippedHigh: number;
  clippedOuter: number;
  /** Σ (log π_old - log π_θ), each within ±20. */
  oldMinusNew: number;
  ratio: number;
  ratioMin: number;
  ratioMax: number;
}

/** Loss of a micro-batch's share and its derivatives, flat [B · T]. */
export interface ObjectiveResult {
  readonly loss: number;
  readonly logProbGradient: Float64Array;
  /** Only with an entropy bonus. */
  readonly entropyGradient?: Float64Array;
  /** Only with a divergence, flat [B · T · K]. */
  readonly candidateGradient?: Float64Array;
  readonly sums: ObjectiveSums;
}

/** Sums of nothing. */
export function emptyObjectiveSums(): ObjectiveSums {
  return {
    loss: 0,
    policyLoss: 0,
    kl: 0,
    entropy: 0,
    divergence: 0,
    tokens: 0,
    clippedLow: 0,
    clippedHigh: 0,
    clippedOuter: 0,
    oldMinusNew: 0,
    ratio: 0,
    ratioMin: Infinity,
    ratioMax: -Infinity,
  };
}

/** Adds the sums of two parts of an update. */
export function addObjectiveSums(a: ObjectiveSums, b: ObjectiveSums): ObjectiveSums {
  const sum = emptyObjectiveSums();
  for (const key of Object.keys(sum) as (keyof ObjectiveSums)[]) sum[key] = a[key] + b[key];
  sum.ratioMin = Math.min(a.ratioMin, b.ratioMin);
  sum.ratioMax = Math.max(a.ratioMax, b.ratioMax);
  return sum;
}

/**
 * Evaluates the objective on a micro-batch.
 * @param counts sizes of the whole update
 * @throws RangeError when the KL, the entropy bonus or the divergence lacks its input
 */
export function evaluateObjective(
  batch: ObjectiveBatch,
  config: ObjectiveConfig,
  counts: BatchCounts,
): ObjectiveResult {
  const policyLoss = config.policyLoss ?? ppoClip();
  const mode = policyLoss.aggregation ?? config.aggregation ?? "token-mean";
  const weights = aggregationWeights(mode, batch.mask, batch.width, counts, config.maxLength);
  const entropyCoefficient = config.entropyCoefficient ?? 0;
  if (config.kl && config.kl.coefficient !== 0 && !batch.refLogProbs)
    throw new RangeError("a KL term needs refLogProbs");
  if (entropyCoefficient !== 0 && !batch.entropies) throw new RangeError("an entropy bonus needs entropies");
  if (config.divergence && !batch.candidates) throw new RangeError("a divergence needs candidates");
  const token = policyLoss.evaluate(batch);
  const sums = emptyObjectiveSums();
  const logProbGradient = new Float64Array(weights.length);
  const candidateGradient = config.divergence && new Float64Array(weights.length * config.divergence.count);
  for (let i = 0; i < weights.length; i++) {
    if (batch.mask[i] === 0) continue;
    const weight = weights[i]!;
    const importance = policyLoss.appliesImportanceWeights ? 1 : (batch.importanceWeights?.[i] ?? 1);
    const policyWeight = weight * importance * (batch.policyWeights?.[i] ?? 1);
    sums.policyLoss += policyWeight * token.values[i]!;
    logProbGradient[i] = policyWeight * token.gradient[i]!;
    if (batch.refLogProbs) {
      const estimator = config.kl?.estimator ?? "k3";
      const kl = klTerm(estimator, batch.logProbs[i]!, batch.refLogProbs[i]!, config.kl?.bounded ?? true);
      sums.kl += weight * kl.value;
      logProbGradient[i]! += (config.kl?.coefficient ?? 0) * weight * kl.gradient;
    }
    if (batch.entropies) sums.entropy += weight * batch.entropies[i]!;
    if (config.divergence && batch.candidates && !Number.isNaN(batch.candidates.teacher[i * config.divergence.count])) {
      const { count, coefficient } = config.divergence;
      const of = (values: Float32Array): Float32Array => values.subarray(i * count, (i + 1) * count);
      const found = divergence(of(batch.candidates.logProbs), of(batch.candidates.teacher), config.divergence);
      sums.divergence += weight * found.value;
      candidateGradient?.set(
        found.gradient.map((slope) => coefficient * weight * slope),
        i * count,
      );
    }
    countDiagnostics(sums, batch, token.clipped[i]!, i);
  }
  sums.loss = sums.policyLoss + (config.kl?.coefficient ?? 0) * sums.kl - entropyCoefficient * sums.entropy;
  if (config.divergence) sums.loss += config.divergence.coefficient * sums.divergence;
  return {
    loss: sums.loss,
    logProbGradient,
    ...(entropyCoefficient !== 0 ? { entropyGradient: weights.map((w) => -entropyCoefficient * w) } : {}),
    ...(candidateGradient ? { candidateGradient } : {}),
    sums,
  };
}

function countDiagnostics(sums: ObjectiveSums, batch: TokenBatch, clipped: number, i: number): void {
  const logRatio = boundedLogRatio(batch.logProbs[i]! - batch.oldLogProbs[i]!, LOG_RATIO_BOUND).value;
  const ratio = Math.exp(logRatio);
  sums.tokens += 1;
  sums.oldMinusNew -= logRatio;
  sums.ratio += ratio;
  sums.ratioMin = Math.min(sums.ratioMin, ratio);
  sums.ratioMax = Math.max(sums.ratioMax, ratio);
  if (clipped & CLIPPED_LOW) sums.clippedLow += 1;
  if (clipped & CLIPPED_HIGH) sums.clippedHigh += 1;
  if (clipped & CLIPPED_OUTER) sums.clippedOuter += 1;
}
