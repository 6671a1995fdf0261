/** Answers as the learner takes them. */
import type { TrainingRow } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { Rollout } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { type BatchLogProbs, hasKlInReward } from "./batch-log-probs";
import { rewardComponents } from "./reward-components";
import type { JudgedRollout } from "./rollout-advantages";

/** The tokens and pictures of an answer and its prompt. */
export function policyRow({
  prompt,
  promptIndex,
  completionIds,
  responseMask,
  observations,
}: Rollout): TokenizedRollout {
  return {
    promptIds: prompt.promptIds,
    completionIds,
    group: promptIndex,
    ...(prompt.images ? { images: prompt.images } : {}),
    ...(responseMask ? { responseMask } : {}),
    ...(observations && observations.length > 0 ? { observations } : {}),
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
  config: Pick<TrainingConfig, "algorithm" | "reward" | "rollout">,
): JudgedRollout {
  const { promptIndex, prompt, result, completionIds, responseMask } = rollout;
  const { advantage } = config.algorithm;
  return {
    group: promptIndex,
    source: prompt.sample.data_source,
    reward: result.status === "scored" ? result.reward : null,
    tokens: completionIds.length,
    masked: teachesNothing(rollout, config),
    ...(responseMask ? { responseMask } : {}),
    ...(tokenPenalty ? { tokenPenalty } : {}),
    ...(advantage === "gdpo" ? { components: rewardComponents(rollout, config) } : {}),
  };
}

/** Whether an answer is left out of the loss, though its reward counts in its group. */
export function teachesNothing(
  { truncated, conversation }: Pick<Rollout, "truncated" | "conversation">,
  { algorithm, rollout }: Pick<TrainingConfig, "algorithm" | "rollout">,
): boolean {
  if (algorithm.maskTruncated && truncated) return true;
  return conversation?.end === "over-turn" && rollout.turns?.overTurn === "mask";
}

/** One row of the learner per answer. */
export function trainingRows(
  answers: readonly Rollout[],
  rows: readonly TokenizedRollout[],
  advantages: readonly (number | Float64Array | null)[],
  { old, oldInLoss, foreign, reference, candidates }: BatchLogProbs,
  config: Pick<TrainingConfig, "algorithm" | "rollout">,
): TrainingRow<TokenizedRollout>[] {
  return rows.map((row, index) => ({
    row,
    advantage: advantages[index] ?? null,
    ...(teachesNothing(answers[index]!, config)
      ? { mask: new Float32Array(row.completionIds.length) }
      : row.responseMask
        ? { mask: row.responseMask }
        : {}),
    ...(candidates?.[index] ? { candidates: candidates[index] } : {}),
    ...(old && oldInLoss ? { oldLogProbs: old[index]! } : {}),
    ...(foreign ? { rolloutLogProbs: foreign[index]! } : {}),
    ...(reference && !hasKlInReward(config.algorithm) ? { refLogProbs: reference[index]! } : {}),
  }));
}
