/** A model's scores on the evaluation sets of a configuration: the same in the middle of a run and long after it. */
import { ConfigError } from "@v-triune/errors";
import type { RewardSource } from "@v-triune/rewards";
import type { Rollout, RolloutEngine } from "@v-triune/rollouts";
import { configuredPromptMaker } from "../data/configured-prompt-maker";
import type { TrainingConfig } from "../config/training-config";
import { EVALUATION_BATCH, evaluationOptions } from "./evaluation-options";
import { type Evaluated, measureAnswers } from "./measure-answers";
import type { ModelParts } from "../model/load-model";
import { modelBoxes } from "../model/model-boxes";
import type { OpenTurns } from "../sampling/open-turns";
import { type TrainingDataOptions, openEvaluationData } from "../data/training-data";

export interface EvaluateOnSetsOptions {
  readonly model: ModelParts;
  readonly engine: RolloutEngine;
  /** How answers take several turns; undefined: they do not. */
  readonly turns?: OpenTurns | undefined;
  readonly rewards: RewardSource;
  /** Names that a sample's verifier may have. */
  readonly verifiers: readonly string[];
  /** The step that the weights are of. */
  readonly step: number;
  readonly onBadRow: (message: string) => void;
  /** Told when a large set is copied. */
  readonly onRowStore?: TrainingDataOptions["onRowStore"];
  /** Each answer, in order. */
  readonly onRollout?: ((rollout: Rollout) => void) | undefined;
  readonly onProgress?: (done: number, total: number) => void;
  readonly interruption?: { readonly requested: boolean } | undefined;
  /** Calls off what is being generated and judged. */
  readonly signal?: AbortSignal;
}

/**
 * @returns undefined when it was interrupted
 * @throws DatasetError when the sets can't be read
 */
export async function evaluateOnSets(
  config: TrainingConfig,
  options: EvaluateOnSetsOptions,
): Promise<Evaluated | undefined> {
  const { model, engine, turns, rewards, verifiers, step, interruption, signal } = options;
  const { onBadRow, onRowStore, onRollout, onProgress } = options;
  const { maxNewTokens, samplesPerSource } = config.evaluation;
  const asked = evaluationOptions(config, step, modelBoxes(config, model));
  const data = await openEvaluationData({
    sets: config.data.eval,
    seed: config.run.seed,
    makePrompt: await configuredPromptMaker(
      { ...config, rollout: { ...config.rollout, maxNewTokens } },
      model.processor,
      model.policy.config.text.maxPositionEmbeddings,
      turns?.offer,
    ),
    verifiers,
    strict: config.strict,
    onBadRow,
    onRowStore,
    samplesPerSource,
  });
  try {
    const evaluated = await measureAnswers({
      engine,
      rewards,
      processor: model.processor,
      ...asked,
      request: { ...asked.request, ...(signal ? { signal } : {}) },
      batches: data.batches(EVALUATION_BATCH),
      turns,
      total: data.length,
      ...(onRollout ? { onRollout } : {}),
      ...(onProgress ? { onProgress } : {}),
      interruption,
    });
    // A mean over nothing would read as an accuracy of 0.
    if (evaluated && data.length > 0 && Object.keys(evaluated.scores.bySource).length === 0) {
      throw new ConfigError({
        what: "The evaluation has no score.",
        where: "data.eval",
        expected: "at least one sample that can be asked and judged",
        found: `all ${data.length} were left out`,
        fix: "fix what the messages above name, or leave data.eval out",
      });
    }
    return evaluated;
  } finally {
    data.close();
  }
}
