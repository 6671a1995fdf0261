/** Answers as the learner takes them. */
import type { TrainingRow } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { Rollout } from "@v-triune/rollouts";
import type { AlgorithmConfig, TrainingConfig } from "../config/training-config";
import { type BatchLogProbs, hasKlInReward } from "./batch-log-probs";
import { rewardComponents } from "./reward-components";
import type { JudgedRollout } from "./rollout-advantages";

/** The tokens and pictures of an answer and its prompt. */
export function policyRow({ prompt, promptIndex, completionIds }: Rollout): TokenizedRollout {
  return {
    promptIds: prompt.promptIds,
    completionIds,
    group: promptIndex,
    ...(prompt.images ? { images: prompt.images } : {}),
  };
}

/**
 * An answer as the advantage estimators see it.
 *
 * @param tokenPenalty β · KL of each token, taken off the reward
 */
export function judgedRollout(
  rollout: Rollout,
  tokenPenalty: Float64Array | undefined,
  config: Pick<TrainingConfig, "algorithm" | "reward">,
): JudgedRollout {
  const { promptIndex, prompt, result, completionIds, truncated } = rollout;
  const { advantage, maskTruncated } = config.algorithm;
  return {
    group: promptIndex,
    source: prompt.sample.data_source,
    reward: result.status === "scored" ? result.reward : null,
    tokens: completionIds.length,
    masked: maskTruncated && truncated,
    ...(tokenPenalty ? { tokenPenalty } : {}),
    ...(advantage === "gdpo" ? { components: rewardComponents(rollout, config) } : {}),
  };
}

/** One row of the learner per answer. */
export function trainingRows(
  answers: readonly Rollout[],
  rows: readonly TokenizedRollout[],
  advantages: readonly (number | Float64Array | null)[],
  { old, oldInLoss, foreign, reference }: BatchLogProbs,
  algorithm: AlgorithmConfig,
): TrainingRow<TokenizedRollout>[] {
  return rows.map((row, index) => ({
    row,
    advantage: advantages[index] ?? null,
    ...(algorithm.maskTruncated && answers[index]!.truncated
      ? { mask: new Float32Array(row.completionIds.length) }
      : {}),
    ...(old && oldInLoss ? { oldLogProbs: old[index]! } : {}),
    ...(foreign ? { rolloutLogProbs: foreign[index]! } : {}),
    ...(reference && !hasKlInReward(algorithm) ? { refLogProbs: reference[index]! } : {}),
  }));
}
