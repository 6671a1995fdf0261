/**
 * When rollouts are made. With W(k) the weights after step k:
 *
 *   asyncLevel 0   step k trains W(k-1) on answers of W(k-1)
 *   asyncLevel 1   step k trains W(k-1) on answers of W(k-2), made while step k-1 trained; step 1 on answers of W(0)
 *
 * The schedule is fixed: nothing depends on which of the two is done first. Where generation would compute with the
 * very variables that the update changes (the policy in this process), it comes before the update, with the same
 * results and no time gained.
 *
 * Source: one-step off-policy training as in verl's recipe/one_step_off_policy. Deviation: weights are handed over only
 * when the next answers are all in, never in the middle of one.
 */
import { GivenUpWaiting } from "./wait-watch";
import type { DataPlace } from "../data/run-data";
import type { StepRollouts } from "./step-rollouts";

export interface RolloutScheduleOptions {
  readonly asyncLevel: 0 | 1;
  /** The run's last step, after which nothing is made ahead. */
  readonly steps: number;
  /** Whether answers can be made while the weights change. */
  readonly overlaps: boolean;
  readonly data: { place: DataPlace };
  /** Makes the rollouts of a step with the engine's weights, which are those of step `weights`. */
  readonly sample: (step: number, weights: number, signal: AbortSignal) => Promise<StepRollouts>;
  /** Of the step after the checkpoint that the run goes on from. */
  readonly ready?: StepRollouts | undefined;
}

/**
 * ```ts
 * try {
 *   const rollouts = await schedule.begin(step); // at level 1 the next step's are made from now on
 *   await update(rollouts);
 *   await schedule.end(); // the next step's answers are all in
 * } catch (error) {
 *   await schedule.cancel(error); // what was ready before still is
 *   throw error;
 * }
 * ```
 */
export class RolloutSchedule {
  #ready: StepRollouts | undefined;
  /** Being made for the next step. */
  #ahead: { readonly rollouts: Promise<StepRollouts | undefined>; readonly stop: AbortController } | undefined;

  constructor(readonly options: RolloutScheduleOptions) {
    this.#ready = options.ready;
  }

  /** Rollouts of the next step that are made already; they are part of a checkpoint. */
  get ready(): StepRollouts | undefined {
    return this.#ready;
  }

  /** Where a run that is saved now goes on in its data. */
  get place(): DataPlace {
    return this.#ready === undefined ? this.options.data.place : placeOf(this.#ready);
  }

  /**
   * The rollouts to train on in a step. If the level says so, those of the next step are being made when it returns.
   *
   * @throws what making the rollouts throws
   */
  async begin(step: number): Promise<StepRollouts> {
    const { asyncLevel, steps, overlaps, data, sample } = this.options;
    const rollouts = this.#ready ?? (await sample(step, step - 1, new AbortController().signal));
    if (rollouts.step !== step || rollouts.weights < step - 1 - asyncLevel)
      throw new RangeError(
        `rollouts of step ${rollouts.step}, by weights of step ${rollouts.weights}, in step ${step}`,
      );
    if (asyncLevel !== 1 || step === steps) return rollouts;
    const { place } = data;
    const stop = new AbortController();
    const next = sample(step + 1, step - 1, stop.signal).catch((error: unknown) => {
      if (!(error instanceof GivenUpWaiting)) throw error;
      // The run ends after this step; the next one then begins with its own weights.
      data.place = place;
      return undefined;
    });
    // Looked at when the step ends.
    next.catch(() => undefined);
    this.#ahead = { rollouts: next, stop };
    if (!overlaps) await next;
    return rollouts;
  }

  /**
   * The step's rollouts are trained on. Waits for those of the next step, if they are made ahead.
   *
   * @throws what making them throws
   */
  async end(): Promise<void> {
    this.#ready = await this.#ahead?.rollouts;
    this.#ahead = undefined;
  }

  /** The step failed: the rollouts of the next one are called off. */
  async cancel(reason: unknown): Promise<void> {
    this.#ahead?.stop.abort(reason);
    await this.#ahead?.rollouts.catch(() => undefined);
    this.#ahead = undefined;
  }
}

/** Where the prompts of a step's rollouts begin. */
function placeOf({ position, difficulty, iou }: StepRollouts): DataPlace {
  return {
    position,
    ...(difficulty === undefined ? {} : { difficulty }),
    ...(iou === undefined ? {} : { iou }),
  };
}
