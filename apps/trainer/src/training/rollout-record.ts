import type { RolloutRecord, RolloutVerdict } from "@v-triune/monitor";
import type { RewardResult } from "@v-triune/rewards";
import { type Sample, TASKS, sources } from "@v-triune/schema";
import type { Rollout } from "./collect-rollouts";

/** A rollout as the monitor takes it. */
export function rolloutRecord(rollout: Rollout): RolloutRecord {
  const { prompt, result } = rollout;
  return {
    dataSource: prompt.sample.data_source,
    task: taskOf(prompt.sample),
    group: rollout.promptIndex,
    verdict: verdictOf(result),
    reward: result.status === "scored" ? result.reward : null,
    ...(rollout.lengthPenalty === undefined ? {} : { components: { overlong: rollout.lengthPenalty } }),
    response: rollout.response,
    responseTokens: rollout.generatedTokens,
    promptTokens: prompt.promptIds.length,
    truncated: rollout.truncated,
    strippedTokens: rollout.strippedTokens,
    sampleId: prompt.id,
  };
}

/** The task of a sample: of its source if that is one of the 18, else what its ability says, else by its verifier. */
export function taskOf(sample: Sample): string {
  const known = sources.find(({ key, dataSource }) => key === sample.data_source || dataSource === sample.data_source)?.task;
  if (known) return known;
  const ability = sample.ability?.replace(/^cv_/, "");
  if (ability && (TASKS as readonly string[]).includes(ability)) return ability;
  return sample.reward_model.verifier === "detection" ? "detection" : (ability ?? "reasoning");
}

function verdictOf(result: RewardResult): RolloutVerdict {
  if (result.status !== "scored") return { status: result.status, reason: result.reason };
  return { status: "scored", accuracy: result.accuracy, format: result.format, metrics: result.metrics };
}
