/**
 * What computes a run: generation, log-probabilities and updates, by one thread or shared among several (`parallel/`).
 * The numbers are the same to the bit, however many threads compute.
 */
import type { TopTokens, TrainingRow, UpdateStats } from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { RolloutEngine } from "@v-triune/rollouts";

export interface Compute {
  /** Rollouts by the policy as it is. */
  readonly engine: RolloutEngine;
  /** As `Learner.logProbs`. */
  logProbs(rows: readonly TokenizedRollout[]): Promise<Float32Array[]>;
  /** As `Learner.topTokens`; absent where the model cannot say. */
  topTokens?(rows: readonly TokenizedRollout[], count: number): Promise<TopTokens[]>;
  /** As `Learner.update`. */
  update(rows: readonly TrainingRow<TokenizedRollout>[]): Promise<UpdateStats>;
  close(): Promise<void>;
}
