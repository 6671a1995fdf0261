import type { Processor } from "@v-triune/policy";
import { type PromptMaker, createPromptMaker, loadPromptPool } from "@v-triune/rollouts";
import type { PromptPoolConfig, RolloutConfig } from "../config/training-config";

export interface PromptSettings {
  readonly promptPool: PromptPoolConfig;
  readonly rollout: Pick<RolloutConfig, "maxPromptTokens">;
}

/** @throws ConfigError when the configured prompt pool cannot be read */
export async function configuredPromptMaker(
  { promptPool, rollout }: PromptSettings,
  processor: Processor,
): Promise<PromptMaker> {
  const pool = promptPool.enabled ? await loadPromptPool(promptPool.file) : null;
  return createPromptMaker({ processor, pool, maxPromptTokens: rollout.maxPromptTokens });
}
