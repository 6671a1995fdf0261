/**
 * Rewards for how an answer used its tools, added to the verifier's. With w the weight of each term, and r the share of the
 * group's answers with a call that came to something:
 *
 *     tool_when_right      w, if the answer is right and used a tool                      (DeepEyes, arXiv 2505.14362)
 *     tool_curiosity       w · max(target - r, 0), if it used a tool: none once the group calls often
 *                                                                              (after Pixel-Reasoner, arXiv 2505.15966)
 *     tool_faithfulness    w · the best overlap of its crops with a gold box: IoU, or the share of the box in the crop
 *                                                                                         (after CodeV, arXiv 2511.19661)
 *     tool_cost            -w for each call after the first                    (Pixel-Reasoner)
 *
 * A sample may have its own weights in `verifier_parm.tool_reward`. Evaluation knows nothing of them. Deviation from
 * Pixel-Reasoner: its curiosity divides by r as well, which makes the first calls of a group worth far more than an answer.
 */
import { type Rollout, lookQuality } from "@v-triune/rollouts";
import type { VerifierParm } from "@v-triune/schema";
import { TOOL_REWARD_DEFAULTS } from "../config/default-config";
import type { ToolRewardConfig } from "../config/training-config";

export type ToolTerms = Readonly<Record<string, number>>;

/** The rollouts of whole groups with the terms in their rewards and, by name, in `toolRewards`. Unchanged without a configuration. */
export function payTools(rollouts: readonly Rollout[], config: ToolRewardConfig | null): readonly Rollout[] {
  const used = new Map<number, { answers: number; used: number }>();
  for (const rollout of rollouts) {
    const group = used.get(rollout.promptIndex) ?? { answers: 0, used: 0 };
    used.set(rollout.promptIndex, { answers: group.answers + 1, used: group.used + Number(usesTool(rollout)) });
  }
  return rollouts.map((rollout) => {
    const own = ownWeights(rollout.prompt.sample.reward_model.verifier_parm);
    if (rollout.result.status !== "scored" || !rollout.conversation || (config === null && own === undefined))
      return rollout;
    const group = used.get(rollout.promptIndex)!;
    const toolRewards = terms(rollout, { ...TOOL_REWARD_DEFAULTS, ...config, ...own }, group.used / group.answers);
    const sum = Object.values(toolRewards).reduce((a, b) => a + b, 0);
    return { ...rollout, toolRewards, result: { ...rollout.result, reward: rollout.result.reward + sum } };
  });
}

/** The weights that a sample states; undefined if it states none. A Parquet file has null for what is left out. */
function ownWeights({ tool_reward: stated }: Pick<VerifierParm, "tool_reward">): Partial<ToolRewardConfig> | undefined {
  const given = Object.entries(stated ?? {}).filter(([, value]) => value !== null);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function terms(rollout: Rollout, config: ToolRewardConfig, rate: number): ToolTerms {
  const { conversation, result, prompt } = rollout;
  const isUsed = usesTool(rollout);
  const calls = conversation!.turns.reduce((sum, turn) => sum + turn.calls.length, 0);
  const isRight = result.status === "scored" && result.accuracy >= 1;
  const quality = config.faithfulness > 0 ? lookQuality(conversation!, prompt.sample) : undefined;
  const overlap = config.faithfulnessBy === "iou" ? quality?.iou : quality?.containment;
  const all = {
    tool_when_right: isUsed && isRight ? config.whenRight : 0,
    tool_curiosity: isUsed ? config.curiosity * Math.max(config.curiosityTarget - rate, 0) : 0,
    tool_faithfulness: config.faithfulness * (overlap ?? 0),
    tool_cost: -config.callCost * Math.max(0, calls - 1) || 0,
  };
  const weights: Readonly<Record<keyof typeof all, number>> = {
    tool_when_right: config.whenRight,
    tool_curiosity: config.curiosity,
    tool_faithfulness: config.faithfulness,
    tool_cost: config.callCost,
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => weights[name as keyof typeof all] > 0));
}

/** Whether a call came to something. */
function usesTool({ conversation }: Rollout): boolean {
  return conversation?.turns.some(({ calls }) => calls.some(({ fault }) => fault === undefined)) ?? false;
}
