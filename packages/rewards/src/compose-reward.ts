/**
 * How accuracy and format become one reward (V-Triune, arXiv 2505.18129 §3.2):
 *
 *     normalised   R = (α_acc · R_acc + α_fmt · R_fmt) / (α_acc + α_fmt)     what the original server computes, the default
 *     sum          R =  α_acc · R_acc + α_fmt · R_fmt                        what the paper writes
 *
 * with the sample's own ratios; a sample without them has α_acc = 1 and α_fmt = 0.1.
 */
import { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO } from "@v-triune/schema/reward-defaults";

/** The two parts of a verdict that make up the reward, each in [0, 1]. */
export interface RewardParts {
  readonly accuracy: number;
  readonly format: number;
}

/** How the parts are weighed. Absent and null ratios take their defaults. */
export interface RewardWeights {
  readonly accuracyRatio?: number | null | undefined;
  readonly formatRatio?: number | null | undefined;
  /** Divide by the sum of the ratios. Default true. */
  readonly normalised?: boolean;
}

/** A sample's ratios that cannot make a reward. */
export class RewardRatioError extends Error {
  override readonly name = "RewardRatioError";
}

/**
 * Composes the reward of one response.
 *
 * @returns in [0, 1] when normalised, in [0, α_acc + α_fmt] otherwise
 * @throws RewardRatioError when a ratio is negative or not finite, or both are 0 and the sum is to be divided by
 * @example composeReward({ accuracy: 1, format: 0 }, { accuracyRatio: 1, formatRatio: 0.1 }) // 0.909..
 */
export function composeReward({ accuracy, format }: RewardParts, weights: RewardWeights = {}): number {
  const accuracyRatio = weights.accuracyRatio ?? DEFAULT_ACCURACY_RATIO;
  const formatRatio = weights.formatRatio ?? DEFAULT_FORMAT_RATIO;
  checkRatio("accuracy_ratio", accuracyRatio);
  checkRatio("format_ratio", formatRatio);
  if (!(weights.normalised ?? true)) return accuracyRatio * accuracy + formatRatio * format;
  const sum = accuracyRatio + formatRatio;
  if (sum === 0)
    throw new RewardRatioError(
      "accuracy_ratio and format_ratio are both 0, so no reward can be formed; set one of them above 0, or use the unnormalised sum",
    );
  // Divided first, as the original does: the two orders differ in the last bit.
  return accuracy * (accuracyRatio / sum) + format * (formatRatio / sum);
}

function checkRatio(name: string, ratio: number): void {
  if (!(ratio >= 0 && Number.isFinite(ratio)))
    throw new RewardRatioError(`${name} is ${ratio}; a finite number of at least 0 expected`);
}
