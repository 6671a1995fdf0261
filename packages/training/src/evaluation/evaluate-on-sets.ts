/** A model's scores on the evaluation sets of a configuration: the same in the middle of a run and long after it. */
import { ConfigError } from "@v-triune/errors";
import type { RewardSource } from "@v-triune/rewards";
import { type RolloutEngine, createRandom } from "@v-triune/rollouts";
import { configuredPromptMaker } from "../data/configured-prompt-maker";
import type { TrainingConfig } from "../config/training-config";
import { type Evaluated, measureAnswers } from "./measure-answers";
import type { LoadedModel } from "../model/load-model";
import { modelBoxes } from "../model/model-boxes";
import { type TrainingDataOptions, openEvaluationData } from "../data/training-data";

export interface EvaluateOnSetsOptions {
  readonly model: LoadedModel;
  readonly engine: RolloutEngine;
  readonly rewards: RewardSource;
  /** Names that a sample's verifier may have. */
  readonly verifiers: readonly string[];
  /** The step that the weights are of. */
  readonly step: number;
  readonly onBadRow: (message: string) => void;
  /** Told when a large set is copied. */
  readonly onRowStore?: TrainingDataOptions["onRowStore"];
  readonly onProgress?: (done: number, total: number) => void;
  readonly interruption?: { readonly requested: boolean } | undefined;
  /** Calls off what is being generated and judged. */
  readonly signal?: AbortSignal;
}

/** Stream of the run's seed for the sampling of evaluations, one a step. */
const evaluationStream = 20_000_000;
/** Prompts of one batch: enough to keep the engine busy, few enough for their pictures to be small. */
const batchSize = 128;

/**
 * @returns undefined when it was interrupted
 * @throws DatasetError when the sets can't be read
 */
export async function evaluateOnSets(
  config: TrainingConfig,
  options: EvaluateOnSetsOptions,
): Promise<Evaluated | undefined> {
  const { model, engine, rewards, verifiers, step, onBadRow, onRowStore, onProgress, interruption, signal } = options;
  const { epsilon, n, temperature, maxNewTokens, samplesPerSource } = config.evaluation;
  const data = await openEvaluationData({
    sets: config.data.eval,
    seed: config.run.seed,
    makePrompt: await configuredPromptMaker(
      { ...config, rollout: { ...config.rollout, maxNewTokens } },
      model.processor,
      model.policy.config.text.maxPositionEmbeddings,
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
      context: { epsilon, training: false, ratios: config.reward, boxes: modelBoxes(config, model) },
      batches: data.batches(batchSize),
      total: data.length,
      step,
      seed: config.run.seed,
      boxThreshold: epsilon === "average" ? 0.5 : epsilon,
      request: {
        n,
        temperature,
        topP: 1,
        topK: null,
        maxNewTokens,
        seed: createRandom(config.run.seed, evaluationStream + step).int(0, 0x7fffffff),
        ...(signal ? { signal } : {}),
      },
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
