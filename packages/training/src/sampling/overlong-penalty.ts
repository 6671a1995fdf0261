/**
 * DAPO's soft overlong punishment (arXiv 2503.14476 eq. 13; numbers as verl 0.9.1's overlong_buffer): an answer may run
 * into the last `buffer` tokens before the limit, at a price that grows with each.
 *
 *   penalty(|y|) = 0                                   |y| ≤ L - buffer
 *                  -penalty · (|y| - (L - buffer)) / buffer    beyond; -penalty at the limit L
 *
 * It changes what is trained on, not what is measured: accuracy and evaluation know nothing of it.
 */
import type { Rollout } from "@v-triune/rollouts";
import type { RewardConfig } from "../config/training-config";

/** The term that is added to the reward of an answer of `tokens` tokens; never above 0. */
export function overlongPenalty(
  tokens: number,
  maxNewTokens: number,
  { buffer, penalty }: NonNullable<RewardConfig["overlong"]>,
): number {
  const excess = tokens - (maxNewTokens - buffer);
  return excess <= 0 ? 0 : (-penalty * Math.min(excess, buffer)) / buffer;
}

/**
 * The rollouts with the penalty in their rewards and, by itself, in `lengthPenalty`. Unchanged when the configuration
 * asks for none.
 */
export function penalizeOverlong(
  rollouts: readonly Rollout[],
  maxNewTokens: number,
  overlong: RewardConfig["overlong"],
): readonly Rollout[] {
  if (overlong === null) return rollouts;
  return rollouts.map((rollout) => {
    if (rollout.result.status !== "scored") return rollout;
    const lengthPenalty = overlongPenalty(rollout.generatedTokens, maxNewTokens, overlong);
    return { ...rollout, lengthPenalty, result: { ...rollout.result, reward: rollout.result.reward + lengthPenalty } };
  });
}
