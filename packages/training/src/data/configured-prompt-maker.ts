import type { Processor } from "@v-triune/policy";
import { type PromptMaker, createPromptMaker, loadPromptPool } from "@v-triune/rollouts";
import type { PromptPoolConfig, RolloutConfig } from "../config/training-config";
import { promptLimit } from "./prompt-limit";

export interface PromptSettings {
  readonly promptPool: PromptPoolConfig;
  readonly rollout: Pick<RolloutConfig, "maxPromptTokens" | "maxNewTokens">;
}

/**
 * Prompts as the configuration has them. One that leaves no room for `maxNewTokens` in the model's context is too long,
 * as one over `maxPromptTokens` is.
 *
 * @param context as for `promptLimit`
 * @throws ConfigError when the configured prompt pool cannot be read, or the new tokens take all of the context
 */
export async function configuredPromptMaker(
  { promptPool, rollout }: PromptSettings,
  processor: Processor,
  context?: number,
): Promise<PromptMaker> {
  const pool = promptPool.enabled ? await loadPromptPool(promptPool.file) : null;
  return createPromptMaker({ processor, pool, maxPromptTokens: promptLimit(rollout, context) });
}
