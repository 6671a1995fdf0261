import type { DifficultyState, SamplingReport } from "../data/difficulty-sampler";
import type { IouStates } from "../data/iou-thresholds";
import type { SampledGroups } from "./step-groups";

/** The rollouts of one step: prompts drawn, answered and judged. */
export interface StepRollouts {
  readonly step: number;
  /** The step whose weights answered. */
  readonly weights: number;
  /**
   * Where in the order of the samples its prompts begin, and how many were asked for round by round: enough to draw
   * them again.
   */
  readonly position: number;
  readonly asked: readonly number[];
  /** What was known of each sample when its prompts were drawn, and what the draws were; absent in a uniform order. */
  readonly difficulty?: DifficultyState | undefined;
  readonly sampling?: SamplingReport | undefined;
  /** What adaptive IoU thresholds were known of before the step; absent if the run has none. */
  readonly iou?: IouStates | undefined;
  readonly collected: SampledGroups;
  /** Time spent waiting for prompts. */
  readonly dataSeconds: number;
  /** What the engine counted. */
  readonly engine: Readonly<Record<string, number>>;
}
