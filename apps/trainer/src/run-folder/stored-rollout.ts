import type { Rollout } from "../training/collect-rollouts";
import { seenSizes } from "../training/prepared-prompt";
import { taskOf } from "../training/rollout-record";
import type { StoredRollout } from "./rollout-store";

/**
 * A rollout as the store takes it.
 *
 * @param advantage null when the rollout was left out of its group
 * @param patchSize of the image processor, in pixels
 */
export function storedRollout(step: number, rollout: Rollout, advantage: number | null, patchSize: number): StoredRollout {
  const { prompt, result } = rollout;
  const { sample } = prompt;
  const scored = result.status === "scored" ? result : undefined;
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
    promptTokens: prompt.promptIds.length,
    responseTokens: rollout.generatedTokens,
    strippedTokens: rollout.strippedTokens,
    truncated: rollout.truncated,
    status: result.status,
    reason: result.status === "scored" ? null : result.reason,
    accuracy: scored?.accuracy ?? null,
    format: scored?.format ?? null,
    reward: scored?.reward ?? null,
    advantage: scored === undefined ? null : advantage,
    metrics: scored?.metrics ?? {},
    tokenIds: rollout.completionIds,
  };
}
