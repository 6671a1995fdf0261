/**
 * When rollouts are made. With W(k) the weights after step k:
 *
 *   asyncLevel 0   step k trains W(k-1) on answers of W(k-1)
 *   asyncLevel 1   step k trains W(k-1) on answers of W(k-2), made while step k-1 trained; step 1 on answers of W(0)
 *
 * The schedule is fixed: nothing depends on which of the two is done first. Where generation would compute with the very variables
 * that the update changes (the policy in this process), it comes before the update, with the same results and no time gained.
 *
 * Source: one-step off-policy training as in verl's recipe/one_step_off_policy. Deviation: weights are handed over only when the
 * next answers are all in, never in the middle of one.
 */
import { GivenUpWaiting } from "./wait-watch";
import type { StepRollouts } from "./step-rollouts";

export interface RolloutScheduleOptions {
  readonly asyncLevel: 0 | 1;
  /** The run's last step, after which nothing is made ahead. */
  readonly steps: number;
  /** Whether answers can be made while the weights change. */
  readonly overlaps: boolean;
  readonly data: { position: number };
  /** Makes the rollouts of a step with the engine's weights, which are those of step `weights`. */
  readonly sample: (step: number, weights: number, signal: AbortSignal) => Promise<StepRollouts>;
  /** Of the step after the checkpoint that the run goes on from. */
  readonly ready?: StepRollouts | undefined;
}

export class RolloutSchedule {
  #ready: StepRollouts | undefined;

  constructor(readonly options: RolloutScheduleOptions) {
    this.#ready = options.ready;
  }

  /** Rollouts of the step to come that are made already; whoever saves the run has to save them. */
  get ready(): StepRollouts | undefined {
    return this.#ready;
  }

  /** Where a run that is saved now goes on in the order of the samples. */
  get position(): number {
    return this.#ready?.position ?? this.options.data.position;
  }

  /**
   * Trains on the rollouts of a step, and makes those of the next one ahead if the level says so. When `train` fails, what was ready before
   * still is.
   *
   * @throws what `train` or the making of rollouts throws
   */
  async step<Result>(step: number, train: (rollouts: StepRollouts) => Promise<Result>): Promise<Result> {
    const { asyncLevel, steps, overlaps, data, sample } = this.options;
    const rollouts = this.#ready ?? (await sample(step, step - 1, new AbortController().signal));
    if (rollouts.step !== step || rollouts.weights < step - 1 - asyncLevel)
      throw new RangeError(
        `rollouts of step ${rollouts.step}, by weights of step ${rollouts.weights}, in step ${step}`,
      );
    if (asyncLevel !== 1 || step === steps) {
      const result = await train(rollouts);
      this.#ready = undefined;
      return result;
    }
    const { position } = data;
    const stop = new AbortController();
    const next = sample(step + 1, step - 1, stop.signal).catch((error: unknown) => {
      if (!(error instanceof GivenUpWaiting)) throw error;
      // The run ends after this step; the next one then begins with its own weights.
      data.position = position;
      return undefined;
    });
    // Looked at below.
    next.catch(() => undefined);
    try {
      if (!overlaps) await next;
      const result = await train(rollouts);
      this.#ready = await next;
      return result;
    } catch (error) {
      stop.abort(error);
      await next.catch(() => undefined);
      throw error;
    }
  }
}
