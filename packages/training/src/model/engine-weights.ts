import type { VlmPolicy } from "@v-triune/policy";
import type { EngineWeights } from "@v-triune/rollouts";

/** The policy's present weights, as an engine is given them. */
export function engineWeights(policy: Pick<VlmPolicy, "save">, step: number): EngineWeights {
  return {
    step,
    save: (folder, content = "model") => policy.save(folder, content === "model" ? { adapter: "merged" } : {}),
  };
}
