/** Settings of a learner, and what is checked before anything is trained. */
import { LearnerConfigError } from "../errors";
import type { ObjectiveConfig } from "../losses/objective";
import type { AdamWOptions, AdamWState } from "../optimizer/adamw";
import type { ScheduleConfig } from "../optimizer/schedule";
import type { Policy, PolicyParameter, PolicyRow } from "../policy";
import type { MicroBatchLimits } from "./micro-batches";
import type { RolloutCorrectionConfig } from "./rollout-correction";

/** How one group of parameters is trained. */
export interface LearnerGroupConfig {
  /** Base learning rate instead of the common one. */
  readonly learningRate?: number;
  /** Schedule instead of the common one. */
  readonly schedule?: ScheduleConfig;
  /** Weight decay instead of the common one. */
  readonly weightDecay?: number;
  /** Leave the group as it is: no gradient, no decay. */
  readonly frozen?: boolean;
}

/** Settings of {@link createLearner}. */
export interface LearnerConfig<Row extends PolicyRow> {
  readonly policy: Policy<Row>;
  /** AdamW and the base learning rate. */
  readonly optimizer: AdamWOptions & { readonly learningRate: number };
  /** Learning-rate schedule over updates. Default: constant without warm-up. */
  readonly schedule?: ScheduleConfig;
  /** By group name, for example `{ vision: { frozen: true }, language: { learningRate: 1e-6 } }`. */
  readonly groups?: Readonly<Record<string, LearnerGroupConfig>>;
  /** Largest global gradient norm; null for no clipping. Default 1. */
  readonly maxGradNorm?: number | null;
  /** What is minimized. Default: PPO clip-higher with dual clip, token-mean, no KL, no entropy bonus. */
  readonly objective?: ObjectiveConfig;
  /** Correction of rollouts from another engine. */
  readonly correction?: RolloutCorrectionConfig;
  readonly microBatch?: MicroBatchLimits;
  /** Sampling temperature of the rollouts. Default 1. */
  readonly temperature?: number;
  /** Send rows without signal through the model all the same, for their diagnostics. Default false. */
  readonly forwardRowsWithoutSignal?: boolean;
  /** Measure the entropy also when it has no coefficient (costs a pass over the logits). Default false. */
  readonly measureEntropy?: boolean;
}

/**
 * The parameters of all groups that are not frozen.
 * @throws LearnerConfigError for an unknown group, or when none is left
 */
export function trainedParameters<Row extends PolicyRow>({
  policy,
  groups = {},
}: Pick<LearnerConfig<Row>, "policy" | "groups">): PolicyParameter[] {
  const present = [...new Set(policy.parameters.map((parameter) => parameter.group))];
  for (const [name, group] of Object.entries(groups)) {
    if (present.includes(name) || group.frozen) continue;
    throw new LearnerConfigError({
      key: `groups.${name}`,
      expected: `one of the policy's groups (${present.join(", ")})`,
      found: `"${name}"`,
      fix: "use one of these names, or mark the group frozen if the policy leaves it out",
    });
  }
  const trained = policy.parameters.filter((parameter) => !groups[parameter.group]?.frozen);
  if (trained.length === 0) {
    throw new LearnerConfigError({
      key: "groups",
      expected: "at least one group that is not frozen",
      found: "none",
      fix: "unfreeze a group",
    });
  }
  return trained;
}

/** @throws LearnerConfigError for a learning rate, gradient norm or temperature that cannot be trained with */
export function checkNumbers<Row extends PolicyRow>(config: LearnerConfig<Row>): void {
  const rates: [string, number | undefined][] = [
    ["optimizer.learningRate", config.optimizer.learningRate],
    ...Object.entries(config.groups ?? {}).map(([name, group]): [string, number | undefined] => [
      `groups.${name}.learningRate`,
      group.learningRate,
    ]),
  ];
  for (const [key, rate] of rates) {
    if (rate !== undefined && !(rate >= 0 && Number.isFinite(rate))) {
      throw new LearnerConfigError({
        key,
        expected: "a finite number ≥ 0",
        found: `${rate}`,
        fix: "use a typical rate: 1e-6 on-policy, 5e-7 off-policy",
      });
    }
  }
  if (config.maxGradNorm !== undefined && config.maxGradNorm !== null && !(config.maxGradNorm > 0)) {
    throw new LearnerConfigError({
      key: "maxGradNorm",
      expected: "a number above 0, or null",
      found: `${config.maxGradNorm}`,
      fix: "use 1, or null for no clipping",
    });
  }
  if (config.temperature !== undefined && !(config.temperature > 0)) {
    throw new LearnerConfigError({
      key: "temperature",
      expected: "a number above 0",
      found: `${config.temperature}`,
      fix: "use the temperature that the rollouts were sampled with",
    });
  }
}

/**
 * @throws LearnerConfigError unless the state holds the moments of exactly the trained parameters (or no step at all)
 */
export function checkMoments(parameters: readonly PolicyParameter[], { step, moments }: AdamWState): void {
  const fix = "resume with the freeze and LoRA settings, and the model, of the run that wrote the checkpoint";
  const trained = new Map(parameters.map((parameter) => [parameter.name, parameter.variable.shape]));
  for (const [name, { shape }] of Object.entries(moments)) {
    const wanted = trained.get(name);
    if (wanted && wanted.join() === shape.join()) continue;
    throw new LearnerConfigError({
      key: `state.optimizer.moments["${name}"]`,
      expected: wanted ? `the shape [${wanted.join(", ")}]` : "moments of parameters that are trained now",
      found: wanted ? `[${shape.join(", ")}]` : "one of a parameter that is frozen or does not exist",
      fix,
    });
  }
  const missing = step > 0 ? parameters.find(({ name }) => !(name in moments)) : undefined;
  if (missing) {
    throw new LearnerConfigError({
      key: `state.optimizer.moments["${missing.name}"]`,
      expected: `moments, after ${step} updates`,
      found: "nothing",
      fix,
    });
  }
}
