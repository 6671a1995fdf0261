import type { BackendName } from "@v-triune/backend";
import type { Learner } from "@v-triune/grpo";
import type { VlmPolicy, TokenizedRollout } from "@v-triune/policy";
import type { TrainingConfig } from "../config/training-config";
import type { startThread } from "../threads/start-thread";

export interface ComputeOptions {
  readonly policy: VlmPolicy;
  /** Trains the policy; absent where nothing is trained. */
  readonly learner?: Learner<TokenizedRollout>;
  readonly config: TrainingConfig;
  readonly backend: BackendName;
  /** Whether rollouts come from another engine that gives their log-probabilities. Default false. */
  readonly foreignLogProbs?: boolean;
  /** Threads that compute, this one included. */
  readonly workers: number;
  /** Told what a person should know, and nothing has to be done about. */
  readonly onProblem: (message: string) => void;
  /** Starts a thread. Default `startThread`. */
  readonly start?: typeof startThread;
}
