/**
 * Advantages of a step's rollouts, as `algorithm.advantage` names them, each estimator in its own file of
 * @v-triune/grpo. KL in the reward (arXiv 1707.06347's RLHF form; verl: use_kl_in_reward) is taken off before: token by
 * token where the estimator discounts along the answer (reinforce++), as the answer's sum where it compares whole
 * answers.
 */
import {
  type RewardComponent,
  type TokenGrid,
  decoupledAdvantages,
  groupAdvantages,
  leaveOneOutAdvantages,
  perSourceAdvantages,
  reinforcePlusPlusAdvantages,
  reinforcePlusPlusBaselineAdvantages,
} from "@v-triune/grpo";
import type { AlgorithmConfig } from "../config/training-config";
import type { WeightedComponent } from "./reward-components";

/** One rollout as the estimators see it. */
export interface JudgedRollout {
  readonly group: number;
  readonly source: string;
  /** null: not scored, or left out of the update. */
  readonly reward: number | null;
  readonly tokens: number;
  /** β · KL of each token, taken off the reward. */
  readonly tokenPenalty?: ArrayLike<number>;
  /** 1 for tokens that the model wrote. Default: all. */
  readonly responseMask?: ArrayLike<number>;
  /** Teaches nothing: no part of what is whitened. */
  readonly masked: boolean;
  /** What the reward consists of; only gdpo reads it. */
  readonly components?: readonly WeightedComponent[];
}

/** @returns one number a rollout or one a token; null where the reward is null */
export function rolloutAdvantages(
  rollouts: readonly JudgedRollout[],
  { advantage, perSource }: Pick<AlgorithmConfig, "advantage" | "perSource">,
): (number | Float64Array | null)[] {
  const tokenLevel = advantage === "reinforce++" || advantage === "reinforce++-baseline";
  return tokenLevel
    ? tokenAdvantages(rollouts, advantage, perSource)
    : answerAdvantages(rollouts, advantage, perSource);
}

function answerAdvantages(
  rollouts: readonly JudgedRollout[],
  advantage: "grpo" | "dr-grpo" | "rloo" | "gdpo",
  perSource: boolean,
): (number | null)[] {
  const rewards = rollouts.map(penalizedReward);
  const groups = rollouts.map(({ group }) => group);
  const advantages =
    advantage === "gdpo"
      ? decoupledAdvantages(components(rollouts), groups, { counted: rollouts.map(({ masked }) => !masked) })
      : advantage === "rloo"
        ? leaveOneOutAdvantages(rewards, groups)
        : groupAdvantages(rewards, groups, { normalizeByStd: advantage === "grpo" });
  const scaled = perSource
    ? perSourceAdvantages(
        advantages,
        rollouts.map(({ source }) => source),
      )
    : advantages;
  return rewards.map((reward, index) => (reward === null ? null : (scaled[index] as number)));
}

/** The components that any rollout has, each over all rollouts: null for those without it. */
function components(rollouts: readonly JudgedRollout[]): RewardComponent[] {
  const names = new Set(rollouts.flatMap(({ components: own = [] }) => own.map(({ name }) => name)));
  return [...names].map((name) => {
    const own = rollouts.map(({ components: all }) => all?.find((component) => component.name === name));
    return {
      rewards: own.map((component) => component?.value ?? null),
      weights: own.map((component) => component?.weight ?? 0),
    };
  });
}

function tokenAdvantages(
  rollouts: readonly JudgedRollout[],
  advantage: "reinforce++" | "reinforce++-baseline",
  perSource: boolean,
): (Float64Array | null)[] {
  const scored = rollouts.filter(({ reward }) => reward !== null);
  const width = Math.max(1, ...scored.map(({ tokens }) => tokens));
  const mask = new Float64Array(scored.length * width);
  scored.forEach(({ tokens, masked, responseMask }, row) => {
    if (responseMask && !masked) mask.set(Array.from(responseMask), row * width);
    else mask.fill(masked ? 0 : 1, row * width, row * width + tokens);
  });
  const grid: TokenGrid = { rows: scored.length, width, mask };
  // Whitening needs two tokens; less than that is no batch.
  const enough = mask.reduce((sum, value) => sum + value, 0) >= 2;
  let flat: Float64Array = new Float64Array(mask.length);
  if (enough && advantage === "reinforce++")
    flat = reinforcePlusPlusAdvantages(grid, tokenRewards(scored, width)).advantages;
  else if (enough)
    flat = reinforcePlusPlusBaselineAdvantages(
      grid,
      scored.map(penalizedReward),
      scored.map(({ group }) => group),
    );
  if (perSource)
    flat = perSourceAdvantages(
      flat,
      scored.flatMap(({ source }) => Array.from({ length: width }, () => source)),
    );
  let row = 0;
  return rollouts.map(({ reward, tokens }) => {
    if (reward === null) return null;
    const from = row++ * width;
    return flat.slice(from, from + tokens);
  });
}

/** The reward on the answer's last token, less each token's penalty, flat [B · T]. */
function tokenRewards(rollouts: readonly JudgedRollout[], width: number): Float64Array {
  const rewards = new Float64Array(rollouts.length * width);
  rollouts.forEach(({ reward, tokens, tokenPenalty }, row) => {
    for (let t = 0; t < tokens; t++) rewards[row * width + t] = -(tokenPenalty?.[t] ?? 0);
    if (tokens > 0) rewards[row * width + tokens - 1]! += reward ?? 0;
  });
  return rewards;
}

function penalizedReward({ reward, tokenPenalty }: JudgedRollout): number | null {
  if (reward === null || !tokenPenalty) return reward;
  let penalty = 0;
  for (let t = 0; t < tokenPenalty.length; t++) penalty += tokenPenalty[t] as number;
  return reward - penalty;
}
