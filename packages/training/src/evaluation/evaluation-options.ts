/** How a configuration wants its evaluation sets asked and judged. */
import { type BoxNaming, createRandom } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import type { MeasureOptions } from "./measure-answers";

/** Stream of the run's seed for the sampling of evaluations, one a step. */
const evaluationStream = 20_000_000;

/** Prompts of one batch: enough to keep the engine busy, few enough for their pictures to be small. */
export const EVALUATION_BATCH = 128;

/** @param step that the weights are of */
export function evaluationOptions(
  { evaluation, reward, run }: TrainingConfig,
  step: number,
  boxes: BoxNaming,
): Pick<MeasureOptions, "context" | "step" | "seed" | "boxThreshold" | "request"> {
  const { epsilon, n, temperature, maxNewTokens } = evaluation;
  return {
    context: { epsilon, training: false, ratios: reward, boxes },
    step,
    seed: run.seed,
    boxThreshold: epsilon === "average" ? 0.5 : epsilon,
    request: {
      n,
      temperature,
      topP: 1,
      topK: null,
      maxNewTokens,
      seed: createRandom(run.seed, evaluationStream + step).int(0, 0x7fffffff),
    },
  };
}
