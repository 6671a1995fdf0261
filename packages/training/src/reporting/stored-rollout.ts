import { type BoxNaming, type Rollout, boxConventionOf, seenSizes } from "@v-triune/rollouts";
import { optimizedReward, taskOf } from "./rollout-record";
import type { StoredRollout } from "./rollout-store";

/**
 * A rollout as the store takes it.
 *
 * @param update what the update made of it: its advantage, null when it was left out of its group, and the KL in its
 *   reward
 * @param model its image processor's patch size in pixels, and the convention of its boxes
 */
export function storedRollout(
  step: number,
  rollout: Rollout,
  update: { readonly advantage: number | null; readonly klPenalty: number | null },
  { patchSize, boxes }: { readonly patchSize: number; readonly boxes: BoxNaming },
): StoredRollout {
  const { prompt, result } = rollout;
  const { sample } = prompt;
  const scored = result.status === "scored" ? result : undefined;
  const optimized = optimizedReward(rollout, update.klPenalty);
  return {
    step,
    group: rollout.promptIndex,
    sample: rollout.sampleIndex,
    dataSource: sample.data_source,
    task: taskOf(sample),
    id: prompt.id,
    prompt: prompt.text,
    response: rollout.response,
    groundTruth: sample.reward_model.ground_truth,
    imagePaths: sample.images.map(({ path }) => path ?? ""),
    imageSizes: seenSizes(prompt, patchSize).map(([, height, width]) => [height ?? 0, width ?? 0]),
    boxes: boxConventionOf(sample, boxes) ?? null,
    promptTokens: prompt.promptIds.length,
    responseTokens: rollout.generatedTokens,
    strippedTokens: rollout.strippedTokens,
    truncated: rollout.truncated,
    status: result.status,
    reason: result.reason ?? null,
    accuracy: scored?.accuracy ?? null,
    format: scored?.format ?? null,
    reward: optimized?.reward ?? null,
    additions: optimized?.additions ?? {},
    advantage: scored === undefined ? null : update.advantage,
    metrics: scored?.metrics ?? {},
    tokenIds: rollout.completionIds,
    ...(rollout.conversation ? { conversation: rollout.conversation } : {}),
  };
}
