/**
 * Dynamic sampling (DAPO, arXiv 2503.14476 §3.2; verl: filter_groups): a group whose rewards are all equal teaches
 * nothing, so further prompts are drawn until the step has as many groups with signal as it asks for, or the rounds are
 * used up.
 *
 * Deviations from verl: only as many prompts are drawn as are missing (verl generates a whole batch per round), the
 * rewards compared are those that are trained on, and at the limit groups without signal fill the step (verl fails).
 */
import type { CollectedRollouts, Rollout } from "@v-triune/rollouts";
import type { RolloutConfig } from "../config/training-config";

/** The rollouts of a step, of all rounds; `promptIndex` counts on from round to round. */
export interface SampledGroups extends CollectedRollouts {
  /** Prompts whose groups are left out of the update. */
  readonly dropped: ReadonlySet<number>;
  /** Rounds of generation; undefined without dynamic sampling. */
  readonly rounds: number | undefined;
}

/** Gathers the groups of a step, round by round. Without dynamic sampling that is one round with nothing dropped. */
export class StepGroups {
  readonly #wanted: number;
  readonly #dynamicSampling: RolloutConfig["dynamicSampling"];
  readonly #rollouts: Rollout[] = [];
  readonly #seconds = { generate: 0, reward: 0 };
  readonly #withSignal = new Set<number>();
  readonly #without: number[] = [];
  #rounds = 0;
  #prompts = 0;

  constructor({ promptsPerStep, dynamicSampling }: Pick<RolloutConfig, "promptsPerStep" | "dynamicSampling">) {
    this.#wanted = promptsPerStep;
    this.#dynamicSampling = dynamicSampling;
  }

  /** Prompts of the next round; 0 when the step is complete. */
  get missing(): number {
    const { enabled, maxRounds } = this.#dynamicSampling;
    return this.#rounds < (enabled ? maxRounds : 1) ? this.#wanted - this.#withSignal.size : 0;
  }

  /**
   * Takes in a round.
   *
   * @param prompts number of prompts that it answered
   */
  add(prompts: number, { rollouts, seconds }: CollectedRollouts): void {
    const first = this.#prompts;
    this.#seconds.generate += seconds.generate;
    this.#seconds.reward += seconds.reward;
    this.#rollouts.push(...rollouts.map((rollout) => ({ ...rollout, promptIndex: rollout.promptIndex + first })));
    for (const [group, rewards] of rewardsByGroup(rollouts)) {
      if (rewards.some((reward) => reward !== rewards[0])) this.#withSignal.add(group + first);
      else this.#without.push(group + first);
    }
    this.#prompts += prompts;
    this.#rounds += 1;
  }

  /**
   * What was gathered. Groups without signal fill the step where those with signal are too few; the others are dropped.
   */
  sampled(): SampledGroups {
    const fill = this.#wanted - this.#withSignal.size;
    return {
      rollouts: this.#rollouts,
      seconds: this.#seconds,
      dropped: new Set(this.#without.slice(fill)),
      rounds: this.#dynamicSampling.enabled ? this.#rounds : undefined,
    };
  }
}

/** Rewards of the scored rollouts of each group, also of a group without any. */
function rewardsByGroup(rollouts: readonly Rollout[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const { promptIndex, result } of rollouts) {
    const rewards = groups.get(promptIndex) ?? [];
    if (result.status === "scored") rewards.push(result.reward);
    groups.set(promptIndex, rewards);
  }
  return groups;
}
