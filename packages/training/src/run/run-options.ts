import type { Benchmark } from "@v-triune/benchmarks";
import type { BackendChoice } from "@v-triune/backend";
import type { MetricSink } from "@v-triune/monitor";
import type { AsyncVerifier, RewardSource } from "@v-triune/rewards";
import type { RolloutEngine } from "@v-triune/rollouts";
import type { Tool } from "@v-triune/rollouts/tools";
import type { Verifier } from "@v-triune/verifiers";
import type { EvaluationScores, StepSummary, TrainingListener } from "../training-event";
import type { RunBenchmark } from "./run-evaluation";

/**
 * What a run takes besides its configuration. Engine and rewards that are passed stay open: whoever made them closes
 * them.
 */
export interface RunTrainingOptions {
  readonly listen?: TrainingListener;
  /** Looked at between steps: once true, the run saves and ends. */
  readonly interruption?: { readonly requested: boolean; readonly signal?: AbortSignal };
  /** Continue the run that the folder holds. */
  readonly resume?: boolean;
  /** Replace the run that the folder holds, if it saved no checkpoint. Default false: the folder must be free. */
  readonly overwrite?: boolean;
  /**
   * Verifiers that samples may name besides the built-in ones. They judge in this process; reward servers have their
   * own.
   */
  readonly verifiers?: readonly Verifier[];
  /** The same for verifiers whose verdicts take time. */
  readonly asyncVerifiers?: readonly AsyncVerifier[];
  /** Tools that answers may call besides those of `rollout.turns`. They run in this process. */
  readonly tools?: readonly Tool[];
  /** Answers the prompts. Default: what `rollout.engine` names. */
  readonly engine?: RolloutEngine;
  /** Judges the answers. Default: the servers of `reward.servers`, or this process with the verifiers. */
  readonly rewards?: RewardSource;
  /** Where metrics go besides the sinks of `monitor`. They are closed when the run ends. */
  readonly sinks?: readonly MetricSink[];
  /** Benchmarks that the run's evaluations ask besides `data.eval`, by themselves or with the folder of their copy. */
  readonly benchmarks?: readonly (Benchmark | RunBenchmark)[];
}

export interface TrainingResult {
  readonly folder: string;
  readonly backend: BackendChoice;
  /** Number of steps done; fewer than configured when interrupted. */
  readonly step: number;
  readonly interrupted: boolean;
  /** The evaluation before the first step, also if an earlier part of the run made it. */
  readonly before: EvaluationScores | undefined;
  /** The last evaluation after that, and the step that it was made at: not the last one if the run was interrupted. */
  readonly after: EvaluationScores | undefined;
  readonly afterStep: number | undefined;
  readonly lastStep: StepSummary | undefined;
  readonly checkpoint: string | undefined;
}
