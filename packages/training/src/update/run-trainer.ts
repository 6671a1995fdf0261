/** The model of a run with what trains it and what answers its prompts, in this process or on a server. */
import type { LearnerState } from "@v-triune/grpo";
import type { VlmPolicy } from "@v-triune/policy";
import type { RolloutEngine } from "@v-triune/rollouts";
import type { ReferenceLogProbs } from "../model/reference-policy";
import type { Compute } from "./compute";

export interface RunTrainer {
  readonly compute: Compute;
  /** Answers the prompts of the run. */
  readonly engine: RolloutEngine;
  /** Whether answers can be made while an update is. */
  readonly overlaps: boolean;
  /** Gives the engine the weights after a step, if it has its own. */
  showWeights(step: number): Promise<void>;
  /** By the weights that the run began with; undefined without a KL term. */
  readonly reference: ReferenceLogProbs | undefined;
  /** Whether the learner corrects for the probabilities by which answers were drawn. */
  readonly foreignLogProbs: boolean;
  /** What a checkpoint's folder holds of the weights. */
  readonly policy: Pick<VlmPolicy, "save">;
  readonly learner: {
    /** Updates done. */
    readonly step: number;
    exportState(): LearnerState;
    importState(state: LearnerState): void;
  };
  /** Numbers that are trained. */
  readonly trainable: number;
  /** What computes, for people. */
  readonly description: string;
}
