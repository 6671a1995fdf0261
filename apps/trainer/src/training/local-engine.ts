import type { Qwen25VlPolicy } from "@v-triune/policy";
import type { RolloutEngine } from "./rollout-engine";

/** Rollouts by the policy that is being trained, in this process: its weights are never stale. */
export function createLocalEngine(policy: Qwen25VlPolicy): RolloutEngine {
  return {
    name: "local policy",
    generate: (prompts, { topK, signal, ...request }) =>
      policy.generate(prompts, {
        ...request,
        topK: topK ?? 0,
        // The paper strips placeholders that the model generated; the trainer does, so they may be drawn.
        bannedTokenIds: [],
        ...(signal ? { signal } : {}),
      }),
  };
}
