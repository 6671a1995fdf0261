/**
 * The way of a sample through one training step, from top to bottom:
 *
 *   Parquet row → prompt → answers → verdicts → log-probabilities → advantages → rows → gradient → weights
 *
 * Every function that is called here looks down; nothing comes back through a callback.
 */
import type { TrainingRow, UpdateStats } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { RewardSource } from "@v-triune/rewards";
import {
  type AnswerProcessor,
  type CollectOptions,
  type Rollout,
  type RolloutEngine,
  collectRollouts,
  createRandom,
} from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { iouThresholds, isAdaptive } from "../data/iou-thresholds";
import type { TrainingData } from "../data/run-data";
import type { ReferenceLogProbs } from "../model/reference-policy";
import type { Teacher } from "../model/teacher";
import { penalizeOverlong } from "../sampling/overlong-penalty";
import { type SampledGroups, StepGroups } from "../sampling/step-groups";
import { payTools } from "../sampling/tool-rewards";
import type { StepRollouts } from "../sampling/step-rollouts";
import { batchLogProbs, klPenalties } from "../update/batch-log-probs";
import type { Compute } from "../update/compute";
import { advantagesBesideDivergence, distillationMetrics, distilledAdvantages } from "../update/distillation";
import { miniBatches } from "../update/mini-batches";
import { rolloutAdvantages } from "../update/rollout-advantages";
import { engineMismatch } from "../update/rollout-mismatch";
import type { StepUpdate } from "../update/step-update";
import { judgedRollout, policyRow, trainingRows } from "../update/training-rows";

/** Streams of the run's seed for the sampling of rollouts, one per step. */
const ROLLOUT_STREAM = 10_000_000;

export interface SamplingParts extends Required<Pick<CollectOptions["context"], "boxes">> {
  readonly config: TrainingConfig;
  readonly data: Pick<TrainingData, "place" | "next" | "observe">;
  readonly engine: RolloutEngine;
  readonly rewards: RewardSource;
  readonly processor: AnswerProcessor;
  /** How answers take several turns; undefined: they do not. */
  readonly turns?: CollectOptions["turns"];
}

/**
 * The first half: samples are drawn, answered and judged.
 *
 * @param weights the step that the engine's weights are of
 */
export async function sampleRollouts(
  step: number,
  weights: number,
  { config, data, engine, rewards, processor, boxes, turns }: SamplingParts,
  { signal, onProgress }: { readonly signal: AbortSignal } & Pick<CollectOptions, "onProgress">,
): Promise<StepRollouts> {
  const { n, temperature, topP, topK, maxNewTokens } = config.rollout;
  const random = createRandom(config.run.seed, ROLLOUT_STREAM + step);
  const { position, difficulty, iou } = data.place;
  const epsilon = iouThresholds(config.reward.iou, { step, steps: config.run.steps, states: iou });
  const reportOverlap = isAdaptive(config.reward.iou);
  const groups = new StepGroups(config.rollout);
  const asked: number[] = [];
  let dataSeconds = 0;
  // What an evaluation counted is not this step's.
  engine.takeMetrics?.();
  while (groups.missing > 0) {
    // Rows of the Parquet files in the run's order, as prompts: template, pictures, tokens (data/training-data.ts).
    const started = performance.now();
    asked.push(groups.missing);
    const prompts = await data.next(groups.missing);
    dataSeconds += (performance.now() - started) / 1000;
    // The engine answers, and each answer is judged while others are still generated (@v-triune/rollouts).
    const round = await collectRollouts(prompts, {
      engine,
      rewards,
      processor,
      turns,
      context: { epsilon, reportOverlap, training: true, ratios: config.reward, boxes },
      request: { n, temperature, topP, topK, maxNewTokens, seed: random.int(0, 0x7fffffff), signal },
      ...(onProgress ? { onProgress } : {}),
    });
    // An answer that nears the length limit may cost part of its reward; a group without signal may be replaced.
    const judged = penalizeOverlong(round.rollouts, maxNewTokens, config.reward.overlong);
    // How it used its tools may be paid as well.
    const rollouts = payTools(judged, config.reward.tools ?? null);
    groups.add(prompts.length, { ...round, rollouts });
  }
  const collected = groups.sampled();
  // Verdicts decide what the next step draws, if samples are drawn by their difficulty (data/difficulty-sampler.ts), and
  // at which IoU its boxes count, if the threshold is adaptive (data/iou-thresholds.ts).
  const sampling = data.observe(collected.rollouts);
  return {
    step,
    weights,
    position,
    asked,
    ...(difficulty === undefined ? {} : { difficulty }),
    ...(sampling === undefined ? {} : { sampling }),
    ...(iou === undefined ? {} : { iou }),
    collected,
    dataSeconds,
    engine: engine.takeMetrics?.() ?? {},
  };
}

export interface UpdateParts {
  readonly config: TrainingConfig;
  readonly compute: Pick<Compute, "logProbs" | "topTokens" | "update">;
  /** Absent without a KL term. */
  readonly referenceLogProbs: ReferenceLogProbs | undefined;
  /** Absent without a teacher. */
  readonly teacher?: Teacher | undefined;
  /** Whether the learner corrects for the probabilities by which the engine drew the answers. */
  readonly foreignLogProbs: boolean;
}

/**
 * The second half: verdicts become advantages, advantages one or more updates of the weights. An answer without a score
 * takes no part in its group's mean and deviation and in no loss; neither does a group that dynamic sampling replaced.
 *
 * @throws TrainingDivergedError when a number stops being finite; the weights are those before the failing update
 */
export async function updateWeights(
  step: number,
  { rollouts, dropped }: Pick<SampledGroups, "rollouts" | "dropped">,
  { config, compute, referenceLogProbs: reference, teacher, foreignLogProbs }: UpdateParts,
): Promise<StepUpdate> {
  const started = performance.now();
  const { algorithm } = config;
  const kept = [...rollouts.keys()].filter((index) => !dropped.has(rollouts[index]!.promptIndex));
  const answers = kept.map((index): Rollout => rollouts[index]!);
  const tokens = answers.map(policyRow);
  // log p of each token by the policy, by the reference and by the engine, as far as the configuration needs them.
  const logProbs = await batchLogProbs(answers, tokens, config, compute, { reference, teacher, foreignLogProbs });
  const masks = answers.map(({ responseMask }) => responseMask);
  const penalties = klPenalties(logProbs, algorithm);
  // Verdicts → advantages: each answer against the others of its group.
  const judged = answers.map((answer, index) => judgedRollout(answer, penalties?.[index], config));
  const byRewards = rolloutAdvantages(judged, algorithm);
  // A teacher adds what it makes of each token (update/distillation.ts).
  const { distillation } = algorithm;
  const advantages = !distillation
    ? byRewards
    : distillation.divergence
      ? advantagesBesideDivergence(byRewards, logProbs, distillation)
      : distilledAdvantages(byRewards, logProbs, distillation);
  // Advantages → gradients → weights, one update per mini-batch. @v-triune/grpo computes the loss of each row.
  const rows = trainingRows(answers, tokens, advantages, logProbs, config);
  const batches = miniBatches(step, answers, config);
  const updates: UpdateStats[] = [];
  for (const batch of batches)
    updates.push(await compute.update(batch.map((index): TrainingRow<TokenizedRollout> => rows[index]!)));
  /** One value per rollout of the step; null for those that took no part. */
  const perRollout = (values: readonly (number | null)[]): (number | null)[] => {
    const spread: (number | null)[] = rollouts.map(() => null);
    kept.forEach((index, at) => (spread[index] = values[at] ?? null));
    return spread;
  };
  return {
    advantages: perRollout(advantages.map(meanAdvantage)),
    updates,
    mismatch: engineMismatch(logProbs, updates, batches, masks),
    distillation: {
      ...distillationMetrics(logProbs, masks),
      ...(logProbs.candidates && updates.length > 0
        ? { "distillation/divergence": updates.reduce((sum, stats) => sum + stats.divergence, 0) / updates.length }
        : {}),
    },
    klPenalties: perRollout((penalties ?? []).map((penalty) => penalty.reduce((a, b) => a + b, 0))),
    seconds: (performance.now() - started) / 1000,
  };
}

function meanAdvantage(advantage: number | Float64Array | null): number | null {
  if (advantage === null || typeof advantage === "number") return advantage;
  return advantage.reduce((a, b) => a + b, 0) / Math.max(1, advantage.length);
}
