import type { RolloutRecord } from "@v-triune/monitor";
import type { RewardResult } from "@v-triune/rewards";
import { type Conversation, type Rollout, lookQuality } from "@v-triune/rollouts";
import { type Sample, TASKS, sources } from "@v-triune/schema";
import type { Verdict } from "@v-triune/verifiers";

/** What a scored answer was trained on: its verdict's reward and what was added to it. */
export interface OptimizedReward {
  /** What the advantages were computed from. */
  readonly reward: number;
  /** Before KL was taken off (verl's score). */
  readonly score: number;
  /** What was added to accuracy and format, by name. */
  readonly additions: Readonly<Record<string, number>>;
}

/**
 * @param klPenalty β · KL that was taken off; null where it is not in the reward
 * @returns null for an answer that was not scored
 */
export function optimizedReward(
  { result, lengthPenalty, toolRewards }: Rollout,
  klPenalty: number | null,
): OptimizedReward | null {
  if (result.status !== "scored") return null;
  const additions = {
    ...(lengthPenalty === undefined ? {} : { overlong: lengthPenalty }),
    ...toolRewards,
    ...(klPenalty === null ? {} : { kl: -klPenalty }),
  };
  return { reward: result.reward - (klPenalty ?? 0), score: result.reward, additions };
}

/** A rollout as the monitor takes it. */
export function rolloutRecord(rollout: Rollout, klPenalty: number | null = null): RolloutRecord {
  const { prompt, result } = rollout;
  const optimized = optimizedReward(rollout, klPenalty);
  return {
    dataSource: prompt.sample.data_source,
    task: taskOf(prompt.sample),
    group: rollout.promptIndex,
    verdict: verdictOf(result),
    reward: optimized?.reward ?? null,
    ...(klPenalty === null || optimized === null ? {} : { score: optimized.score }),
    ...(optimized === null ? {} : { components: optimized.additions }),
    response: rollout.response,
    responseTokens: rollout.generatedTokens,
    promptTokens: prompt.promptIds.length,
    truncated: rollout.truncated,
    strippedTokens: rollout.strippedTokens,
    sampleId: prompt.id,
    ...(rollout.conversation ? { conversation: conversationNumbers(rollout.conversation, prompt.sample) } : {}),
  };
}

/** A conversation in numbers. */
function conversationNumbers(conversation: Conversation, sample: Sample): NonNullable<RolloutRecord["conversation"]> {
  const { turns, end } = conversation;
  const calls = turns.flatMap((turn) => turn.calls);
  const looks = lookQuality(conversation, sample);
  return {
    turns: turns.length,
    calls: calls.length,
    faults: calls.filter(({ fault }) => fault !== undefined).length,
    shownTokens: turns.reduce((sum, { shownTokens }) => sum + shownTokens, 0),
    overTurn: end === "over-turn",
    overBudget: end === "budget",
    ...(looks ? { cropIou: looks.iou, cropContainment: looks.containment } : {}),
  };
}

/** The task of a sample: of its source if that is one of the 18, else what its ability says, else by its verifier. */
export function taskOf(sample: Sample): string {
  const known = sources.find(
    ({ key, dataSource }) => key === sample.data_source || dataSource === sample.data_source,
  )?.task;
  if (known) return known;
  const ability = sample.ability?.replace(/^cv_/, "");
  if (ability && (TASKS as readonly string[]).includes(ability)) return ability;
  return sample.reward_model.verifier === "detection" ? "detection" : (ability ?? "reasoning");
}

function verdictOf(result: RewardResult): Verdict {
  if (result.status !== "scored") return { status: result.status, reason: result.reason };
  const { accuracy, format, metrics, reason } = result;
  return { status: "scored", accuracy, format, metrics, ...(reason !== undefined && { reason }) };
}
