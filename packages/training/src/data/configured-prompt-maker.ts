import type { Processor } from "@v-triune/policy";
import { type PromptMaker, type ToolOffer, createPromptMaker, loadPromptPool } from "@v-triune/rollouts";
import type { PromptPoolConfig, RolloutConfig } from "../config/training-config";
import { promptLimit } from "./prompt-limit";

export interface PromptSettings {
  readonly promptPool: PromptPoolConfig;
  readonly rollout: Pick<RolloutConfig, "maxPromptTokens" | "maxNewTokens"> & Partial<Pick<RolloutConfig, "turns">>;
}

/**
 * Prompts as the configuration has them. One that leaves no room for `maxNewTokens` in the model's context is too long,
 * as one over `maxPromptTokens` is.
 *
 * @param context as for `promptLimit`
 * @param tools what prompts say of tools. Default: nothing
 * @throws ConfigError when the configured prompt pool cannot be read, or the new tokens take all of the context
 */
export async function configuredPromptMaker(
  { promptPool, rollout }: PromptSettings,
  processor: Processor,
  context?: number,
  tools?: ToolOffer,
): Promise<PromptMaker> {
  const pool = promptPool.enabled ? await loadPromptPool(promptPool.file) : null;
  return createPromptMaker({ processor, pool, tools, maxPromptTokens: promptLimit(rollout, context) });
}
