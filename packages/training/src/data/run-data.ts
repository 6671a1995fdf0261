/** The prompts of a run, as its steps ask for them. */
import type { PreparedPrompt, Rollout } from "@v-triune/rollouts";
import type { DifficultyState, SamplingReport } from "./difficulty-sampler";
import type { IouStates } from "./iou-thresholds";
import type { TrainingSource } from "./training-data";

/** Where a run is in its data: enough to draw on from there. A checkpoint holds it. */
export interface DataPlace {
  /** Draws so far. */
  readonly position: number;
  /** What is known of each sample, if samples are drawn by their difficulty. */
  readonly difficulty?: DifficultyState;
  /** What adaptive IoU thresholds know, if the run has any. */
  readonly iou?: IouStates;
}

export interface TrainingData extends Pick<TrainingSource, "length" | "sources" | "close"> {
  /** A resumed run sets it, and so does a step that has to be made again. */
  place: DataPlace;
  next(count: number): Promise<readonly PreparedPrompt[]>;
  /**
   * Takes in a step's judged answers. The draws of the next step depend on them if samples are drawn by their
   * difficulty, its IoU thresholds if they are adaptive.
   *
   * @param rollouts of all prompts that were given out since the last call; `promptIndex` counts them
   */
  observe(rollouts: readonly Pick<Rollout, "promptIndex" | "result" | "prompt">[]): SamplingReport | undefined;
}
