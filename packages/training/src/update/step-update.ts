import type { UpdateStats } from "@v-triune/grpo";

/** What the update of one step did. */
export interface StepUpdate {
  /** One per rollout; if the estimator gives one per token, their mean. null: took no part. */
  readonly advantages: readonly (number | null)[];
  /** One entry per optimizer update. */
  readonly updates: readonly UpdateStats[];
  /**
   * One per rollout: β · KL that was taken off its reward. null: took no part, or the configuration does not ask for
   * it.
   */
  readonly klPenalties: readonly (number | null)[];
  /** How the rollouts' engine and the trainer differ; empty for the trainer's own policy. */
  readonly mismatch: Readonly<Record<string, number>>;
  /** How far the policy is from its teacher; empty without one. */
  readonly distillation?: Readonly<Record<string, number>>;
  readonly seconds: number;
}
