/**
 * Dynamic IoU (V-Triune, arXiv 2505.18129 §4.2): the threshold that a box must reach rises with training.
 *
 *     ε = 0.85 while step/total ≤ 0.10,  0.95 while ≤ 0.25,  then 0.99
 *
 * The schedule is data. Evaluation states its own ε and never reads this (in the original it does, so that the same
 * model scores lower later in training).
 */
import { VTriuneError } from "@v-triune/errors";

/** A threshold in (0, 1], or "average": the mean over 0.5, 0.55, .., 0.95, 0.99. */
export type IouEpsilon = number | "average";

/** One stage: `epsilon` holds while step / totalSteps ≤ `until`. */
export interface IouStage<Threshold extends IouEpsilon = number> {
  readonly until: number;
  readonly epsilon: Threshold;
}

/** The paper's three stages. */
export const DEFAULT_IOU_SCHEDULE: readonly IouStage[] = [
  { until: 0.1, epsilon: 0.85 },
  { until: 0.25, epsilon: 0.95 },
  { until: 1, epsilon: 0.99 },
];

/** A schedule that cannot be used, or a step outside the run. */
export class IouScheduleError extends VTriuneError {
  override readonly name = "IouScheduleError";
}

/**
 * Checks a schedule: at least one stage, `until` strictly rising, every ε in (0, 1] or "average".
 *
 * @throws IouScheduleError with the stage, what was expected and what was found
 */
export function checkIouSchedule(schedule: readonly IouStage<IouEpsilon>[]): void {
  if (schedule.length === 0) throw unusable("at least one stage { until, epsilon }", "an empty list");
  let previous = -Infinity;
  for (const [index, { until, epsilon }] of schedule.entries()) {
    if (!(until > previous))
      throw unusable(`more than ${previous}`, `${until}`, `stage ${index}, until`, "order the stages by until");
    if (epsilon !== "average" && !(epsilon > 0 && epsilon <= 1))
      throw unusable("0 < epsilon <= 1", `${epsilon}`, `stage ${index}, epsilon`);
    previous = until;
  }
}

function unusable(expected: string, found: string, where?: string, fix?: string): IouScheduleError {
  return new IouScheduleError({ what: "The IoU schedule cannot be used.", where, expected, found, fix });
}

/**
 * The threshold at a training step. The last stage also holds for steps past its `until`.
 *
 * @param schedule stages in rising order of `until`
 * @param step the current step, 0 or more
 * @param totalSteps the run's length, more than 0
 * @throws IouScheduleError when the schedule or the steps make no sense
 * @example iouThreshold(DEFAULT_IOU_SCHEDULE, 20, 100) // 0.95
 */
export function iouThreshold<Threshold extends IouEpsilon>(
  schedule: readonly IouStage<Threshold>[],
  step: number,
  totalSteps: number,
): Threshold {
  checkIouSchedule(schedule);
  if (!(step >= 0) || !(totalSteps > 0) || !Number.isFinite(step) || !Number.isFinite(totalSteps)) {
    throw new IouScheduleError({
      what: "The IoU schedule has no threshold for this step.",
      expected: "step >= 0 and totalSteps > 0",
      found: `step ${step} of ${totalSteps}`,
    });
  }
  const progress = step / totalSteps;
  const stage =
    schedule.find(({ until }) => progress <= until) ?? (schedule[schedule.length - 1] as IouStage<Threshold>);
  return stage.epsilon;
}
