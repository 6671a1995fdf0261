/**
 * What a run tells whoever watches it. The run itself prints nothing: views (terminal, JSON lines, tests) subscribe.
 */

import type { RowStoreNotice } from "@v-triune/data-filters";
import type { Alarm } from "@v-triune/monitor";

/** Scores of one evaluation: mean accuracy reward by source, and the plain mean over the sources. */
export interface EvaluationScores {
  readonly mean: number;
  readonly bySource: Readonly<Record<string, number>>;
  /** Samples scored, by source. */
  readonly counts: Readonly<Record<string, number>>;
  /** The owners' metric by benchmark, where a run evaluates on benchmarks besides its evaluation sets. */
  readonly benchmarks?: Readonly<Record<string, number>>;
}

/** An evaluation, and after which step it was made. */
export interface StepEvaluation {
  readonly step: number;
  readonly scores: EvaluationScores;
}

/** One training step in short; everything else is in metrics.jsonl. */
export interface StepSummary {
  readonly step: number;
  readonly steps: number;
  /** Mean of the reward that was optimized, over the scored rollouts. */
  readonly reward: number;
  /** Mean accuracy reward by source, of this step's scored rollouts. */
  readonly accuracyBySource: Readonly<Record<string, number>>;
  readonly responseTokens: number;
  readonly loss: number;
  /** NaN: the training server does not tell it. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Share of groups whose rewards are all equal: no signal. */
  readonly zeroSignalGroups: number;
  /** Rollouts left out because their gold is bad, or because judging failed. */
  readonly skipped: number;
  readonly errors: number;
  readonly seconds: {
    readonly generate: number;
    readonly reward: number;
    readonly update: number;
    readonly total: number;
  };
  readonly tokens: { readonly generated: number; readonly trained: number };
}

export type TrainingEvent =
  | {
      readonly type: "started";
      readonly folder: string;
      readonly backend: string;
      readonly trainable: number;
      readonly samples: number;
      readonly fromStep: number;
    }
  /** A row of the data that was left out, and why. */
  | { readonly type: "bad-row"; readonly message: string }
  | { readonly type: "warning"; readonly message: string }
  /**
   * What servers the run uses and what they can do; that it waits for one; that one is back; that one has lost the
   * model and the run goes on from its last checkpoint: "started" comes again then.
   */
  | { readonly type: "engine"; readonly state: "found" | "waiting" | "back" | "lost"; readonly message: string }
  /** What is done with the data that takes time or room: a large set is copied. */
  | { readonly type: "data"; readonly message: string }
  | { readonly type: "alarm"; readonly alarm: Alarm }
  | { readonly type: "generating"; readonly step: number; readonly done: number; readonly total: number }
  | { readonly type: "step"; readonly summary: StepSummary }
  | { readonly type: "evaluating"; readonly step: number; readonly done: number; readonly total: number }
  | { readonly type: "evaluated"; readonly step: number; readonly scores: EvaluationScores; readonly seconds: number }
  | { readonly type: "saved"; readonly step: number; readonly folder: string }
  | { readonly type: "interrupted"; readonly step: number };

export type TrainingListener = (event: TrainingEvent) => void;

/** Hands what is done with large sets on as events of the run. */
export function rowStoreEvents(listen: TrainingListener): (notice: RowStoreNotice) => void {
  return ({ kind, message }) => listen({ type: kind === "copying" ? "data" : "warning", message });
}
