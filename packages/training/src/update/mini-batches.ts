import { type Rollout, createRandom } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { isOffPolicy } from "./learner-config";

/** Streams of the run's seed that shuffle mini-batches, one per epoch of a step. */
const MINI_BATCH_STREAM = 5_000_000;

/**
 * The answers of each optimizer update: whole groups, in the order drawn if the step has a single update, shuffled
 * otherwise.
 *
 * @returns positions in `answers`, one list per update
 */
export function miniBatches(step: number, answers: readonly Rollout[], config: TrainingConfig): number[][] {
  const { miniBatch, epochs } = config.update;
  const prompts = [...new Set(answers.map(({ promptIndex }) => promptIndex))];
  const batches: number[][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = isOffPolicy(config)
      ? createRandom(config.run.seed, MINI_BATCH_STREAM + step * epochs + epoch).shuffle(prompts)
      : prompts;
    for (let from = 0; from < order.length; from += miniBatch) {
      const chosen = new Set(order.slice(from, from + miniBatch));
      batches.push([...answers.keys()].filter((index) => chosen.has(answers[index]!.promptIndex)));
    }
  }
  return batches;
}
