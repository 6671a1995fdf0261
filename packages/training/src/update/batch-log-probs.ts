/** Log-probabilities of a step's answers before its update, by each policy that the configuration compares. */
import { klTerm } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { Rollout } from "@v-triune/rollouts";
import type { AlgorithmConfig, TrainingConfig } from "../config/training-config";
import type { ReferenceLogProbs } from "../model/reference-policy";
import type { Compute } from "./compute";
import { isOffPolicy, klEstimator } from "./learner-config";

/** One array per answer, one number per token. */
export interface BatchLogProbs {
  /** By the policy before the update; absent if nothing needs them. */
  readonly old?: readonly Float32Array[];
  /**
   * Whether the losses take them as π_old: on-policy, π_old is the policy at the update itself, and the ratio is 1 with
   * its gradient.
   */
  readonly oldInLoss: boolean;
  /** By the policy that the run began with. */
  readonly reference?: readonly Float32Array[];
  /** By the teacher of a distillation. */
  readonly teacher?: readonly Float32Array[];
  /** As the engine drew the answers; absent for the trainer's own policy. */
  readonly foreign?: readonly Float32Array[];
}

/**
 * @param foreignLogProbs whether the learner corrects for the probabilities of the engine
 * @param reference absent without a KL term
 */
export async function batchLogProbs(
  answers: readonly Rollout[],
  rows: readonly TokenizedRollout[],
  config: TrainingConfig,
  compute: Pick<Compute, "logProbs">,
  {
    reference,
    teacher,
    foreignLogProbs,
  }: {
    readonly reference?: ReferenceLogProbs | undefined;
    readonly teacher?: ReferenceLogProbs | undefined;
    readonly foreignLogProbs: boolean;
  },
): Promise<BatchLogProbs> {
  const given = answers.flatMap(({ rolloutLogProbs }) => rolloutLogProbs ?? []);
  const foreign = foreignLogProbs && given.length === answers.length ? given : undefined;
  const { normalise, rejection } = config.rollout.correction;
  // Both look at the whole batch before the update.
  const comparesBatch = foreign !== undefined && (normalise || rejection !== null);
  const oldInLoss = isOffPolicy(config) || comparesBatch;
  const old = oldInLoss || teacher || hasKlInReward(config.algorithm) ? await compute.logProbs(rows) : undefined;
  return {
    ...(old ? { old } : {}),
    oldInLoss,
    ...(reference ? { reference: await reference(rows) } : {}),
    ...(teacher ? { teacher: await teacher(rows) } : {}),
    ...(foreign ? { foreign } : {}),
  };
}

/** β · KL(π_old ‖ π_ref) of each token, [answers][T]; undefined if the KL is no part of the reward. */
export function klPenalties(
  { old, reference }: BatchLogProbs,
  algorithm: AlgorithmConfig,
): readonly Float64Array[] | undefined {
  if (!hasKlInReward(algorithm) || !old || !reference) return undefined;
  const estimator = klEstimator(algorithm);
  return old.map((logProbs, answer) =>
    Float64Array.from(
      logProbs,
      (logProb, t) => algorithm.kl.coefficient * klTerm(estimator, logProb, reference[answer]![t]!).value,
    ),
  );
}

/** Whether KL is taken off the reward rather than added to the loss. */
export function hasKlInReward({ kl }: AlgorithmConfig): boolean {
  return kl.coefficient !== 0 && kl.in === "reward";
}
