/** Log-probabilities of a step's answers before its update, by each policy that the configuration compares. */
import { type TopTokens, klTerm } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { Rollout } from "@v-triune/rollouts";
import type { AlgorithmConfig, TeacherDivergenceConfig, TrainingConfig } from "../config/training-config";
import type { ReferenceLogProbs } from "../model/reference-policy";
import type { TaughtAnswer, Teacher } from "../model/teacher";
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
  /** By the teacher of a distillation; undefined for an answer that it does not teach. */
  readonly teacher?: readonly (Float32Array | undefined)[];
  /** The likeliest tokens, the policy's or the teacher's, and what the teacher makes of them, as above. */
  readonly candidates?: readonly (TopTokens | undefined)[];
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
  compute: Pick<Compute, "logProbs" | "topTokens">,
  {
    reference,
    teacher,
    foreignLogProbs,
  }: {
    readonly reference?: ReferenceLogProbs | undefined;
    readonly teacher?: Teacher | undefined;
    readonly foreignLogProbs: boolean;
  },
): Promise<BatchLogProbs> {
  const given = answers.flatMap(({ rolloutLogProbs }) => rolloutLogProbs ?? []);
  const foreign = foreignLogProbs && given.length === answers.length ? given : undefined;
  const { normalise, rejection } = config.rollout.correction;
  // Both look at the whole batch before the update.
  const comparesBatch = foreign !== undefined && (normalise || rejection !== null);
  const oldInLoss = isOffPolicy(config) || comparesBatch;
  const divergence = teacher && config.algorithm.distillation?.divergence;
  const byToken = teacher !== undefined && !divergence;
  const old = oldInLoss || byToken || hasKlInReward(config.algorithm) ? await compute.logProbs(rows) : undefined;
  return {
    ...(old ? { old } : {}),
    oldInLoss,
    ...(reference ? { reference: await reference(rows) } : {}),
    ...(teacher ? await taught(answers, rows, compute, teacher, divergence) : {}),
    ...(foreign ? { foreign } : {}),
  };
}

async function taught(
  answers: readonly Rollout[],
  rows: readonly TokenizedRollout[],
  compute: Pick<Compute, "topTokens">,
  teacher: Pick<Teacher, "rowsOf" | "logProbs" | "topTokens" | "candidates">,
  divergence: TeacherDivergenceConfig | null | undefined,
): Promise<Pick<BatchLogProbs, "teacher" | "candidates">> {
  const seen = await teacher.rowsOf(answers, rows);
  const indices = [...seen.keys()].filter((index) => seen[index] !== undefined);
  const asked = indices.map((index): TaughtAnswer => ({ answer: answers[index]!, row: seen[index]! }));
  const spread = <Value>(values: readonly (Value | undefined)[]): (Value | undefined)[] => {
    const all: (Value | undefined)[] = rows.map(() => undefined);
    indices.forEach((index, at) => (all[index] = values[at]));
    return all;
  };
  if (!divergence) return { teacher: spread(await teacher.logProbs(asked)) };
  if (divergence.over === "teacher") return { candidates: spread(await teacher.topTokens(asked, divergence.topK)) };
  if (!compute.topTokens || !teacher.candidates)
    throw new TypeError("the likeliest tokens of a model on a server are not known");
  const own = indices.map((index) => rows[index]!);
  const top = await compute.topTokens(own, divergence.topK);
  const logProbs = teacher.candidates(asked, { ids: top.map(({ ids }) => ids), count: divergence.topK });
  return { candidates: spread(top.map(({ ids }, at) => ({ ids, logProbs: logProbs[at]! }))) };
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
