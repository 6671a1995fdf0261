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
  maxShownTokens,
}: SamplingRequest): Omit<GenerateOptions, "signal" | "stopWhen" | "nextTurn"> {
  // The paper strips placeholders that the model generated; the trainer does, so they may be drawn.
  return {
    n,
    temperature,
    topP,
    topK: topK ?? 0,
    maxNewTokens,
    seed,
    bannedTokenIds: [],
    ...(maxShownTokens === undefined ? {} : { maxShownTokens }),
  };
}

/** Rollouts by the policy that is being trained, in this process: its weights are never stale. */
export function createLocalEngine(policy: VlmPolicy): RolloutEngine {
  return {
    name: "local policy",
    continuesTurns: true,
    async *generate(prompts, request) {
      const { signal, nextTurn } = request;
      signal?.throwIfAborted();
      yield* policy.generate(prompts, {
        ...samplingOptions(request),
        ...(signal ? { signal } : {}),
        ...(nextTurn ? { nextTurn } : {}),
      });
      // The policy ends without a word when it is called off.
      signal?.throwIfAborted();
    },
  };
}
