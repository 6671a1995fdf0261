/**
 * One GRPO step: prompts → n rollouts each → verdicts → advantages in the group → one or more updates → metrics. A rollout
 * without a score takes no part in its group's mean and deviation and in no loss.
 */
import { type Learner, type TrainingRow, type UpdateStats, groupAdvantages } from "@v-triune/grpo";
import type { RolloutRow } from "@v-triune/policy";
import type { TrainingConfig } from "../config/training-config";
import { createRandom } from "../seeded-random";
import type { CollectedRollouts, Rollout } from "./collect-rollouts";
import { isOffPolicy } from "./learner-config";

export interface StepUpdate {
  readonly advantages: Float64Array;
  /** One entry an optimiser update. */
  readonly updates: readonly UpdateStats[];
  readonly seconds: number;
}

/** log π_ref of each row's completion. */
export type ReferenceLogProbs = (rows: readonly RolloutRow[]) => Float32Array[];

/** Streams of the run's seed that shuffle mini-batches, one an epoch of a step. */
const miniBatchStream = 5_000_000;

/** @throws TrainingDivergedError when a number stops being finite; the weights are those before the failing update */
export function updateFromRollouts(
  step: number,
  { rollouts }: Pick<CollectedRollouts, "rollouts">,
  config: TrainingConfig,
  learner: Learner<RolloutRow>,
  reference: ReferenceLogProbs | undefined,
): StepUpdate {
  const started = performance.now();
  const rewards = rollouts.map(({ result }) => (result.status === "scored" ? result.reward : null));
  const advantages = groupAdvantages(rewards, rollouts.map(({ promptIndex }) => promptIndex), {
    normaliseByStd: config.algorithm.advantage === "grpo",
  });
  const rows = rollouts.map((rollout) => policyRow(rollout));
  // On-policy, π_old is the policy at the update itself; the learner then takes the ratio as 1, with its gradient.
  const old = isOffPolicy(config) ? learner.logProbs(rows) : undefined;
  const ref = reference?.(rows);
  const training = rows.map((row, index): TrainingRow<RolloutRow> => ({
    row,
    advantage: rewards[index] === null ? null : (advantages[index] as number),
    ...(old ? { oldLogProbs: old[index] as Float32Array } : {}),
    ...(ref ? { refLogProbs: ref[index] as Float32Array } : {}),
  }));
  const updates = miniBatches(step, rollouts, config).map((indexes) => learner.update(indexes.map((index) => training[index] as TrainingRow<RolloutRow>)));
  return { advantages, updates, seconds: (performance.now() - started) / 1000 };
}

function policyRow({ prompt, promptIndex, completionIds }: Rollout): RolloutRow {
  return { promptIds: prompt.promptIds, completionIds, group: promptIndex, ...(prompt.images ? { images: prompt.images } : {}) };
}

/** Rollout positions of each update: whole groups, in the order drawn in the first epoch of an on-policy step, shuffled otherwise. */
function miniBatches(step: number, rollouts: readonly Rollout[], config: TrainingConfig): number[][] {
  const { miniBatch, epochs } = config.update;
  const prompts = [...new Set(rollouts.map(({ promptIndex }) => promptIndex))];
  const batches: number[][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = isOffPolicy(config) ? createRandom(config.run.seed, miniBatchStream + step * epochs + epoch).shuffle(prompts) : prompts;
    for (let from = 0; from < order.length; from += miniBatch) {
      const chosen = new Set(order.slice(from, from + miniBatch));
      batches.push([...rollouts.keys()].filter((index) => chosen.has((rollouts[index] as Rollout).promptIndex)));
    }
  }
  return batches;
}
