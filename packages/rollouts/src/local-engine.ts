import type { GenerateOptions, VlmPolicy } from "@v-triune/policy";
import type { RolloutEngine, SamplingRequest } from "./rollout-engine";

/** A request in the policy's words. */
export function samplingOptions({
  n,
  temperature,
  topP,
  topK,
  maxNewTokens,
  seed,
}: SamplingRequest): Omit<GenerateOptions, "signal" | "stopWhen"> {
  // The paper strips placeholders that the model generated; the trainer does, so they may be drawn.
  return { n, temperature, topP, topK: topK ?? 0, maxNewTokens, seed, bannedTokenIds: [] };
}

/** Rollouts by the policy that is being trained, in this process: its weights are never stale. */
export function createLocalEngine(policy: VlmPolicy): RolloutEngine {
  return {
    name: "local policy",
    async *generate(prompts, request) {
      const { signal } = request;
      signal?.throwIfAborted();
      yield* policy.generate(prompts, { ...samplingOptions(request), ...(signal ? { signal } : {}) });
      // The policy ends without a word when it is called off.
      signal?.throwIfAborted();
    },
  };
}
