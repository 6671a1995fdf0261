/**
 * How accuracy and format become one reward (V-Triune, arXiv 2505.18129 §3.2):
 *
 *     normalized   R = (α_acc · R_acc + α_fmt · R_fmt) / (α_acc + α_fmt)     what the original server computes, the default
 *     sum          R =  α_acc · R_acc + α_fmt · R_fmt                        what the paper writes
 *
 * with the sample's own ratios; a sample without them has α_acc = 1 and α_fmt = 0.1.
 */
import { VTriuneError, type ErrorDetails } from "@v-triune/errors";
import { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO } from "@v-triune/schema/reward-defaults";
import type { ContractBreach } from "./contract-breach";

/** The two parts of a verdict that make up the reward, each in [0, 1]. */
export interface RewardParts {
  readonly accuracy: number;
  readonly format: number;
}

/** How the parts are weighted. Absent and null ratios take their defaults. */
export interface RewardWeights {
  readonly accuracyRatio?: number | null | undefined;
  readonly formatRatio?: number | null | undefined;
  /** Divide by the sum of the ratios. Default true. */
  readonly normalized?: boolean;
}

/** Ratios of a sample that make no reward. */
export class RewardRatioError extends VTriuneError {
  override readonly name = "RewardRatioError";
  declare readonly where: string;
  declare readonly expected: string;
  declare readonly found: string;

  constructor(details: ContractBreach & Pick<ErrorDetails, "fix" | "cause">) {
    super({ what: "The ratios of a sample make no reward.", ...details });
  }
}

/**
 * Composes the reward of one response.
 *
 * @returns in [0, 1] when normalized, in [0, α_acc + α_fmt] otherwise
 * @throws RewardRatioError when a ratio is negative or not finite, or both are 0 and the reward is divided by their sum
 * @example composeReward({ accuracy: 1, format: 0 }, { accuracyRatio: 1, formatRatio: 0.1 }) // 0.909..
 */
export function composeReward({ accuracy, format }: RewardParts, weights: RewardWeights = {}): number {
  const accuracyRatio = weights.accuracyRatio ?? DEFAULT_ACCURACY_RATIO;
  const formatRatio = weights.formatRatio ?? DEFAULT_FORMAT_RATIO;
  checkRatio("accuracy_ratio", accuracyRatio);
  checkRatio("format_ratio", formatRatio);
  if (!(weights.normalized ?? true)) return accuracyRatio * accuracy + formatRatio * format;
  const sum = accuracyRatio + formatRatio;
  if (sum === 0)
    throw new RewardRatioError({
      where: "accuracy_ratio, format_ratio",
      expected: "a number above 0 in one of them",
      found: "0 in both",
      fix: "set one of them above 0, or use the unnormalized sum",
    });
  // Divided first, as the original does: the two orders differ in the last bit.
  return accuracy * (accuracyRatio / sum) + format * (formatRatio / sum);
}

function checkRatio(name: string, ratio: number): void {
  if (!(ratio >= 0 && Number.isFinite(ratio)))
    throw new RewardRatioError({ where: name, expected: "a finite number of at least 0", found: `${ratio}` });
}
