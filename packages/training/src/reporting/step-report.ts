/** What a step reports: numbers of the update under verl's names where it has one, and the short form for views. */
import type { UpdateStats } from "@v-triune/grpo";
import type { IouEpsilon } from "@v-triune/verifiers";
import type { TrainingConfig } from "../config/training-config";
import type { SampledGroups } from "../sampling/step-groups";
import type { StepRollouts } from "../sampling/step-rollouts";
import type { StepSummary } from "../training-event";
import type { StepUpdate } from "../update/step-update";

interface StepNumbers {
  readonly step: number;
  readonly steps: number;
  readonly collected: SampledGroups;
  readonly update: StepUpdate;
  /** The IoU threshold where it is the same for all samples. */
  readonly epsilon: IouEpsilon | undefined;
  readonly seconds: number;
  /** Spent waiting for prompts. */
  readonly dataSeconds: number;
  /** What the rollout engine counted. */
  readonly engine: Readonly<Record<string, number>>;
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;

/** What the engine counted, with the steps that the trainer itself is ahead of the weights that answered. */
export function engineMetrics(
  { rollout }: Pick<TrainingConfig, "rollout">,
  { step, weights, engine }: StepRollouts,
): Readonly<Record<string, number>> {
  if (rollout.asyncLevel !== 1) return engine;
  return { ...engine, "rollout/weights_age": (engine["rollout/weights_age"] ?? 0) + step - 1 - weights };
}

/** Numbers of the step as a whole, for the "all" record of metrics.jsonl. */
export function healthMetrics({
  collected,
  update,
  epsilon,
  seconds,
  dataSeconds,
  engine,
}: StepNumbers): Record<string, number> {
  const { updates } = update;
  const last = updates.at(-1);
  const over = (pick: (stats: UpdateStats) => number) => mean(updates.map(pick));
  const generated = generatedTokens(collected);
  const trained = updates.reduce((sum, { forwardedTokens }) => sum + forwardedTokens, 0);
  const norms: Record<string, number> = {};
  for (const [group, norm] of Object.entries(last?.gradNorm.byGroup ?? {})) norms[`actor/grad_norm/${group}`] = norm;
  for (const [layer, norm] of Object.entries(last?.gradNorm.byLayer ?? {}))
    norms[`actor/grad_norm/layer/${layer}`] = norm;
  const penalties = update.klPenalties.filter((penalty) => penalty !== null);
  const rates: Record<string, number> = {};
  for (const [group, rate] of Object.entries(last?.learningRates ?? {})) rates[`actor/lr/${group}`] = rate;
  const correction: Record<string, number> = {};
  for (const name of Object.keys(updates[0]?.correction ?? {}))
    correction[`rollout_corr/${name}`] = over((stats) => stats.correction[name] ?? 0);
  return {
    "actor/loss": over(({ loss }) => loss),
    "actor/pg_loss": over(({ policyLoss }) => policyLoss),
    "actor/entropy": over(({ entropy }) => entropy),
    "actor/kl_loss": over(({ kl }) => kl),
    "actor/ppo_kl": over(({ ppoKl }) => ppoKl),
    "actor/pg_clipfrac": over(({ clipFraction }) => clipFraction),
    "actor/pg_clipfrac_lower": over(({ clipOuterFraction }) => clipOuterFraction),
    "actor/ratio_mean": over(({ ratioMean }) => ratioMean),
    ...(last?.isNormUntold ? {} : { "actor/grad_norm": over(({ gradNorm }) => gradNorm.total) }),
    ...norms,
    ...rates,
    ...correction,
    ...update.mismatch,
    ...update.distillation,
    ...engine,
    ...(penalties.length === 0 ? {} : { "actor/reward_kl_penalty": mean(penalties) }),
    ...(collected.rounds === undefined
      ? {}
      : { "rollout/rounds": collected.rounds, "rollout/replaced_groups": collected.dropped.size }),
    ...(epsilon === undefined || epsilon === "average" ? {} : { "reward/iou_epsilon": epsilon }),
    "timing_s/data": dataSeconds,
    "timing_s/gen": collected.seconds.generate,
    "timing_s/reward": collected.seconds.reward,
    "timing_s/update_actor": update.seconds,
    "timing_s/step": seconds,
    "perf/generated_tokens_per_s": generated / Math.max(1e-9, collected.seconds.generate),
    "perf/trained_tokens_per_s": trained / Math.max(1e-9, update.seconds),
    "perf/computed_tokens": updates.reduce((sum, { computedTokens }) => sum + computedTokens, 0),
    "perf/padding_share": over(({ paddingShare }) => paddingShare),
    "perf/micro_batches": updates.reduce((sum, { microBatches }) => sum + microBatches, 0),
    "perf/forwarded_rows": updates.reduce((sum, { forwardedRows }) => sum + forwardedRows, 0),
  };
}

export function stepSummary(numbers: StepNumbers): StepSummary {
  const { step, steps, collected, update, seconds } = numbers;
  const { rollouts } = collected;
  const scored = rollouts.flatMap(({ result, prompt }) =>
    result.status === "scored" ? [{ result, source: prompt.sample.data_source }] : [],
  );
  const bySource = new Map<string, number[]>();
  for (const { result, source } of scored) bySource.set(source, [...(bySource.get(source) ?? []), result.accuracy]);
  const groups = new Map<number, boolean>();
  for (const [index, { promptIndex }] of rollouts.entries()) {
    groups.set(promptIndex, (groups.get(promptIndex) ?? false) || Boolean(update.advantages[index]));
  }
  return {
    step,
    steps,
    reward: mean(scored.map(({ result }) => result.reward)),
    accuracyBySource: Object.fromEntries([...bySource].map(([source, values]) => [source, mean(values)])),
    responseTokens: mean(rollouts.map(({ generatedTokens }) => generatedTokens)),
    loss: mean(update.updates.map(({ loss }) => loss)),
    gradientNorm: mean(update.updates.map(({ gradNorm }) => gradNorm.total)),
    learningRate: update.updates.at(-1)?.learningRates["language"] ?? 0,
    zeroSignalGroups: groups.size === 0 ? 0 : [...groups.values()].filter((signal) => !signal).length / groups.size,
    skipped: rollouts.filter(({ result }) => result.status === "skipped").length,
    errors: rollouts.filter(({ result }) => result.status === "error").length,
    seconds: {
      generate: collected.seconds.generate,
      reward: collected.seconds.reward,
      update: update.seconds,
      total: seconds,
    },
    tokens: {
      generated: generatedTokens(collected),
      trained: update.updates.reduce((sum, { forwardedTokens }) => sum + forwardedTokens, 0),
    },
  };
}

function generatedTokens({ rollouts }: Pick<SampledGroups, "rollouts">): number {
  return rollouts.reduce((sum, rollout) => sum + rollout.generatedTokens, 0);
}
