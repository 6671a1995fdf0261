/** state.json of a checkpoint: where the run is, and what the checkpoint's other files are. */
import type { IouStates } from "../data/iou-thresholds";
import type { DataPlace } from "../data/run-data";

/** What a run needs besides weights and moments to go on exactly where it stopped. */
export interface TrainingState {
  /** Training steps done. */
  readonly step: number;
  /** Position in the order of the samples. All random draws are functions of the seed, the step and this. */
  readonly position: number;
}

export interface StateFile extends TrainingState {
  readonly format: 1;
  /** What adaptive IoU thresholds know; only in a run that has any. */
  readonly iou?: IouStates;
  readonly optimizerSteps: number;
  readonly files: Readonly<Record<string, FileFingerprint>>;
}

export interface FileFingerprint {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** @param files all of the checkpoint but this one */
export function stateText(
  step: number,
  place: Pick<DataPlace, "position" | "iou">,
  optimizerSteps: number,
  files: StateFile["files"],
): string {
  const contents: StateFile = {
    format: 1,
    step,
    position: place.position,
    ...(place.iou === undefined ? {} : { iou: place.iou }),
    optimizerSteps,
    files,
  };
  return `${JSON.stringify(contents, null, 2)}\n`;
}
