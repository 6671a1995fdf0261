import { ConfigError } from "@v-triune/errors";
import type { RolloutConfig } from "../config/training-config";

/**
 * The most tokens that a prompt may have: `maxPromptTokens`, and what `maxNewTokens` leaves of the model's context.
 *
 * @param context most tokens of a sequence (max_position_embeddings). Default: not known, so that it limits nothing
 * @returns null without a limit
 * @throws ConfigError when the new tokens take all of the context
 */
export function promptLimit(
  {
    maxPromptTokens,
    maxNewTokens,
    turns,
  }: Pick<RolloutConfig, "maxPromptTokens" | "maxNewTokens"> & Partial<Pick<RolloutConfig, "turns">>,
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
  // Observations may have half of the room: where they need more, they end a conversation and not the run.
  const left = room - Math.min(turns?.maxShownTokens ?? 0, Math.floor(room / 2));
  return Math.min(maxPromptTokens ?? left, left);
}
