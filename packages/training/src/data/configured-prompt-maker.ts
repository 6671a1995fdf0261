import { ConfigError } from "@v-triune/errors";
import type { Processor } from "@v-triune/policy";
import { type PromptMaker, createPromptMaker, loadPromptPool } from "@v-triune/rollouts";
import type { PromptPoolConfig, RolloutConfig } from "../config/training-config";

export interface PromptSettings {
  readonly promptPool: PromptPoolConfig;
  readonly rollout: Pick<RolloutConfig, "maxPromptTokens" | "maxNewTokens">;
}

/**
 * The most tokens that a prompt may have: `maxPromptTokens`, and what `maxNewTokens` leaves of the model's context.
 *
 * @param context most tokens of a sequence (max_position_embeddings). Default: not known, so that it limits nothing
 * @returns null without a limit
 * @throws ConfigError when the new tokens take all of the context
 */
export function promptLimit(
  { maxPromptTokens, maxNewTokens }: PromptSettings["rollout"],
  context?: number,
): number | null {
  if (context === undefined) return maxPromptTokens;
  const room = context - maxNewTokens;
  if (room < 1)
    throw new ConfigError({
      what: "New tokens take all of the model's context, and a prompt has no room in it.",
      where: "rollout.maxNewTokens, or evaluation.maxNewTokens",
      expected: `fewer than ${context} (max_position_embeddings of config.json)`,
      found: String(maxNewTokens),
      fix: `leave as many to prompts as they need, such as half: ${Math.floor(context / 2)} new tokens`,
    });
  return Math.min(maxPromptTokens ?? room, room);
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
