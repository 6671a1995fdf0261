/**
 * The update of one step: verdicts → advantages → one or more updates. A rollout without a score takes no part in its group's
 * mean and deviation and in no loss; neither does a group that dynamic sampling replaced.
 */
import { type TrainingRow, type UpdateStats, klTerm } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import { type Rollout, createRandom } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import type { SampledGroups } from "../sampling/dynamic-sampling";
import type { ReferenceLogProbs } from "../model/reference-policy";
import type { Compute } from "./compute";
import { isOffPolicy, klEstimator, usesRolloutLogProbs } from "./learner-config";
import { rolloutAdvantages } from "./rollout-advantages";
import { mismatchMetrics } from "./rollout-mismatch";

export interface StepUpdate {
  /** One a rollout: where the estimator gives one a token, their mean. null: took no part. */
  readonly advantages: readonly (number | null)[];
  /** One entry an optimiser update. */
  readonly updates: readonly UpdateStats[];
  /** One a rollout: β · KL that was taken off its reward. null: took no part, or the configuration does not ask for it. */
  readonly klPenalties: readonly (number | null)[];
  /** How the rollouts' engine and the trainer differ; empty for the trainer's own policy. */
  readonly mismatch: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Streams of the run's seed that shuffle mini-batches, one an epoch of a step. */
const miniBatchStream = 5_000_000;

/** @throws TrainingDivergedError when a number stops being finite; the weights are those before the failing update */
export async function updateFromRollouts(
  step: number,
  { rollouts, dropped }: Pick<SampledGroups, "rollouts" | "dropped">,
  config: TrainingConfig,
  compute: Pick<Compute, "logProbs" | "update">,
  reference: ReferenceLogProbs | undefined,
): Promise<StepUpdate> {
  const started = performance.now();
  const { algorithm } = config;
  const kept = [...rollouts.keys()].filter((index) => !dropped.has((rollouts[index] as Rollout).promptIndex));
  const answers = kept.map((index) => rollouts[index] as Rollout);
  const rows = answers.map(policyRow);
  const klInReward = reference !== undefined && algorithm.kl.in === "reward";
  // On-policy, π_old is the policy at the update itself; the learner then takes the ratio as 1, with its gradient.
  const given = answers.map(({ rolloutLogProbs }) => rolloutLogProbs);
  const foreign =
    usesRolloutLogProbs(config, config.rollout.engine !== "local") && given.every((logProbs) => logProbs !== undefined)
      ? (given as Float32Array[])
      : undefined;
  const { normalise, rejection } = config.rollout.correction;
  // Both look at the whole batch before the update.
  const comparesBatch = foreign !== undefined && (normalise || rejection !== null);
  const old = isOffPolicy(config) || klInReward || comparesBatch ? await compute.logProbs(rows) : undefined;
  const ref = reference?.(rows);
  const penalties =
    klInReward && old && ref
      ? old.map((logProbs, index) => tokenPenalties(logProbs, ref[index] as Float32Array, algorithm))
      : undefined;
  const masked = answers.map(({ truncated }) => algorithm.maskTruncated && truncated);
  const advantages = rolloutAdvantages(
    answers.map(({ promptIndex, prompt, result, completionIds }, index) => ({
      group: promptIndex,
      source: prompt.sample.data_source,
      reward: result.status === "scored" ? result.reward : null,
      tokens: completionIds.length,
      masked: masked[index] as boolean,
      ...(penalties ? { tokenPenalty: penalties[index] as Float64Array } : {}),
    })),
    algorithm,
  );
  const training = rows.map((row, index): TrainingRow<TokenizedRollout> => ({
    row,
    advantage: advantages[index] ?? null,
    ...(masked[index] ? { mask: new Float32Array(row.completionIds.length) } : {}),
    ...(old && (isOffPolicy(config) || comparesBatch) ? { oldLogProbs: old[index] as Float32Array } : {}),
    ...(foreign ? { rolloutLogProbs: foreign[index] as Float32Array } : {}),
    ...(ref && !klInReward ? { refLogProbs: ref[index] as Float32Array } : {}),
  }));
  const batches = miniBatches(step, answers, config);
  const updates: UpdateStats[] = [];
  for (const indexes of batches)
    updates.push(await compute.update(indexes.map((index) => training[index] as TrainingRow<TokenizedRollout>)));
  // Without π_old of its own, an update is the only one and its forward pass gave it, for the rows that have a signal.
  const trainer = (index: number): ArrayLike<number> | undefined =>
    old?.[index] ?? updates[0]?.logProbs.get((batches[0] as number[]).indexOf(index));
  const byRollout: (number | null)[] = rollouts.map(() => null);
  kept.forEach((index, at) => (byRollout[index] = oneNumber(advantages[at] ?? null)));
  const klPenalties: (number | null)[] = rollouts.map(() => null);
  if (penalties)
    kept.forEach((index, at) => (klPenalties[index] = (penalties[at] as Float64Array).reduce((a, b) => a + b, 0)));
  return {
    advantages: byRollout,
    updates,
    mismatch: mismatchMetrics(
      (foreign ?? []).flatMap((rollout, index) => {
        const mine = trainer(index);
        return mine ? [{ old: mine, rollout }] : [];
      }),
    ),
    klPenalties,
    seconds: (performance.now() - started) / 1000,
  };
}

/** β · KL(π_old ‖ π_ref) of each token. */
function tokenPenalties(old: Float32Array, ref: Float32Array, algorithm: TrainingConfig["algorithm"]): Float64Array {
  return Float64Array.from(
    old,
    (logProb, t) => algorithm.kl.coefficient * klTerm(klEstimator(algorithm), logProb, ref[t] as number).value,
  );
}

function oneNumber(advantage: number | Float64Array | null): number | null {
  if (advantage === null || typeof advantage === "number") return advantage;
  return advantage.reduce((a, b) => a + b, 0) / Math.max(1, advantage.length);
}

function policyRow({ prompt, promptIndex, completionIds }: Rollout): TokenizedRollout {
  return {
    promptIds: prompt.promptIds,
    completionIds,
    group: promptIndex,
    ...(prompt.images ? { images: prompt.images } : {}),
  };
}

/** Rollout positions of each update: whole groups, in the order drawn in the first epoch of an on-policy step, shuffled otherwise. */
function miniBatches(step: number, rollouts: readonly Rollout[], config: TrainingConfig): number[][] {
  const { miniBatch, epochs } = config.update;
  const prompts = [...new Set(rollouts.map(({ promptIndex }) => promptIndex))];
  const batches: number[][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = isOffPolicy(config)
      ? createRandom(config.run.seed, miniBatchStream + step * epochs + epoch).shuffle(prompts)
      : prompts;
    for (let from = 0; from < order.length; from += miniBatch) {
      const chosen = new Set(order.slice(from, from + miniBatch));
      batches.push([...rollouts.keys()].filter((index) => chosen.has((rollouts[index] as Rollout).promptIndex)));
    }
  }
  return batches;
}
