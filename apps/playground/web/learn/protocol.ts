/** What the page and the worker that trains say to each other. */
import type { CountingOptions, PlacedShape, Shape } from "@v-triune/demo-tasks/questions";
import type { MetricRecord, RolloutBoxes } from "@v-triune/monitor/browser";
import type { EvaluationScores, MemorySample, StepSummary, StoredRollout } from "@v-triune/training/browser";

/** What a run depends on; it is in the page's address. */
export interface RunSettings {
  readonly seed: number;
  readonly steps: number;
  /** Held-out samples of each source. */
  readonly heldOut: number;
  /** A counting source of the person's own beside the demonstration's; null without one. */
  readonly own: OwnSource | null;
}

export type OwnSource = CountingOptions;

export type Command =
  /** `keeper` is told what the run leaves. */
  | { readonly type: "start"; readonly settings: RunSettings; readonly paused: boolean; readonly keeper: MessagePort }
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  /** One step of a paused run. */
  | { readonly type: "step" }
  /** The keeper is to get a checkpoint, after the step that is being made. */
  | { readonly type: "save" }
  /** A question about a drawn picture, for the model of a finished run. */
  | { readonly type: "ask"; readonly drawing: Drawing };

/** A picture as a person put it together, and what is asked about it. */
export interface Drawing {
  readonly shapes: readonly PlacedShape[];
  readonly ask: "count" | "detect";
  readonly shape: Shape;
}

export interface ShownPicture {
  readonly width: number;
  readonly height: number;
  /** An address that an img element takes. */
  readonly source: string;
}

export interface ShownAnswer {
  readonly source: string;
  readonly question: string;
  readonly response: string;
  readonly gold: string;
  /** null for an answer that was not scored. */
  readonly accuracy: number | null;
  readonly reward: number | null;
  readonly picture: ShownPicture;
  readonly boxes: RolloutBoxes | null;
}

export type Moment = "before" | "after";

export type Report =
  | { readonly type: "loading"; readonly what: string; readonly share: number }
  | { readonly type: "evaluating"; readonly moment: Moment; readonly done: number; readonly total: number }
  | {
      readonly type: "evaluated";
      readonly moment: Moment;
      readonly scores: EvaluationScores;
      /** One of each source. */
      readonly answers: readonly ShownAnswer[];
    }
  | {
      readonly type: "step";
      readonly summary: StepSummary;
      /** Of up to four sources. */
      readonly answers: readonly ShownAnswer[];
    }
  | { readonly type: "finished"; readonly seconds: number }
  | { readonly type: "answered"; readonly answer: ShownAnswer }
  /** Why there is no checkpoint. */
  | { readonly type: "unsaved"; readonly message: string }
  | { readonly type: "failed"; readonly message: string };

/** What the page says to the worker that keeps the run. */
export type KeeperCommand =
  /** Where the training worker says what is {@link Kept}. */
  | { readonly type: "run"; readonly port: MessagePort }
  /** Where a dashboard asks. */
  | { readonly type: "dashboard"; readonly port: MessagePort }
  /** What metrics.jsonl of the run has is asked for. */
  | { readonly type: "metrics" };

/** What the worker that keeps the run says to the page. */
export type KeeperReport =
  /** `zip` is an archive of the run folder, `name` that of the folder in it. */
  | { readonly type: "folder"; readonly name: string; readonly step: number; readonly zip: Blob }
  | { readonly type: "metrics"; readonly file: Blob };

/** What the worker that trains says to the one that keeps the run. */
export type Kept =
  /** `description` as run.json has it. */
  | { readonly type: "described"; readonly settings: RunSettings; readonly description: unknown }
  /** Files by name: a checkpoint after `step` steps, and the model before the first. */
  | {
      readonly type: "saved";
      readonly step: number;
      readonly checkpoint: ReadonlyMap<string, Uint8Array>;
      readonly model: ReadonlyMap<string, Uint8Array>;
    }
  | {
      readonly type: "numbers";
      readonly step: number;
      readonly records: readonly MetricRecord[];
      /** Of a training step, with the sample of each group. */
      readonly rollouts: readonly StoredRollout[];
      readonly samples: readonly MemorySample[];
    };
