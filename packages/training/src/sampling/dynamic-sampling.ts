/**
 * Dynamic sampling (DAPO, arXiv 2503.14476 §3.2; verl: filter_groups): a group whose rewards are all equal teaches nothing, so
 * further prompts are drawn until the step has as many groups with signal as it asks for, or the rounds are used up.
 *
 * Deviations from verl: only as many prompts are drawn as are missing (verl generates a whole batch each round), the rewards
 * compared are those that are trained on, and at the limit groups without signal fill the step (verl fails).
 */
import type { CollectedRollouts, PreparedPrompt, Rollout } from "@v-triune/rollouts";
import type { RolloutConfig } from "../config/training-config";

/** The rollouts of a step, of all rounds; `promptIndex` counts on from round to round. */
export interface SampledGroups extends CollectedRollouts {
  /** Prompts whose groups are left out of the update. */
  readonly dropped: ReadonlySet<number>;
  /** Rounds of generation; undefined without dynamic sampling. */
  readonly rounds: number | undefined;
}

export interface SampleGroupsOptions {
  readonly count: number;
  readonly dynamicSampling: RolloutConfig["dynamicSampling"];
  readonly nextPrompts: (count: number) => Promise<readonly PreparedPrompt[]>;
  /** Answers and judges the prompts of a round. */
  readonly collect: (prompts: readonly PreparedPrompt[]) => Promise<CollectedRollouts>;
}

/** Draws the groups of a step. Without dynamic sampling that is one round with nothing dropped. */
export async function sampleGroups({
  count,
  dynamicSampling,
  nextPrompts,
  collect,
}: SampleGroupsOptions): Promise<SampledGroups> {
  const rollouts: Rollout[] = [];
  const seconds = { generate: 0, reward: 0 };
  const withSignal = new Set<number>();
  const without: number[] = [];
  const limit = dynamicSampling.enabled ? dynamicSampling.maxRounds : 1;
  let rounds = 0;
  let drawn = 0;
  while (rounds < limit && withSignal.size < count) {
    const prompts = await nextPrompts(count - withSignal.size);
    const collected = await collect(prompts);
    seconds.generate += collected.seconds.generate;
    seconds.reward += collected.seconds.reward;
    rollouts.push(...collected.rollouts.map((rollout) => ({ ...rollout, promptIndex: rollout.promptIndex + drawn })));
    for (const [group, rewards] of rewardsByGroup(collected.rollouts)) {
      if (rewards.some((reward) => reward !== rewards[0])) withSignal.add(group + drawn);
      else without.push(group + drawn);
    }
    drawn += prompts.length;
    rounds += 1;
  }
  const fill = count - withSignal.size;
  return {
    rollouts,
    seconds,
    dropped: new Set(without.slice(fill)),
    rounds: dynamicSampling.enabled ? rounds : undefined,
  };
}

/** Rewards of the scored rollouts of each group; a group without any is there too. */
function rewardsByGroup(rollouts: readonly Rollout[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const { promptIndex, result } of rollouts) {
    const rewards = groups.get(promptIndex) ?? [];
    if (result.status === "scored") rewards.push(result.reward);
    groups.set(promptIndex, rewards);
  }
  return groups;
}
