/** The order of a run's steps, evaluations and checkpoints. */
import type { TrainingConfig } from "../config/training-config";
import type { EvaluationScores, StepEvaluation, StepSummary } from "../training-event";
import type { TrainingResult } from "./run-options";

/** What the loop does at a step. */
export interface StepLoop {
  /** @returns undefined when waiting for servers was given up: nothing of the step was trained */
  train(step: number): Promise<StepSummary | undefined>;
  /** @returns undefined if there is nothing to evaluate on, or the evaluation was interrupted */
  evaluate(step: number): Promise<EvaluationScores | undefined>;
  /** @returns the folder of the checkpoint */
  save(step: number): Promise<string>;
  isSaved(step: number): Promise<boolean>;
  /** Whether a person wants the run to end. */
  isInterrupted(): boolean;
  /** Whether an alarm wants the run to end. */
  isAlarmed(): boolean;
}

/** Where a run starts. */
export interface StepLoopStart {
  readonly fromStep: number;
  /** Whether the evaluation at `fromStep` has been made. */
  readonly evaluated: boolean;
  /** What earlier parts of the run found, up to `fromStep`. */
  readonly evaluations: readonly StepEvaluation[];
}

export async function runSteps(
  { run, evaluation, checkpoint }: Pick<TrainingConfig, "run" | "evaluation" | "checkpoint">,
  { fromStep, evaluated, evaluations }: StepLoopStart,
  loop: StepLoop,
): Promise<Omit<TrainingResult, "folder" | "backend">> {
  const isDue = (every: number | null, step: number): boolean =>
    step === run.steps || (every !== null && step % every === 0);
  const before = fromStep === 0 ? await loop.evaluate(0) : evaluations.find(({ step: made }) => made === 0)?.scores;
  let last = evaluations.findLast(({ step: made }) => made > 0);
  const evaluate = async (at: number): Promise<void> => {
    const scores = await loop.evaluate(at);
    if (scores !== undefined) last = { step: at, scores };
  };
  // The run ended between a checkpoint and the evaluation that comes after it.
  const evaluatesFirst = fromStep > 0 && !evaluated && isDue(evaluation.every, fromStep);
  if (evaluatesFirst) await evaluate(fromStep);
  let lastStep: StepSummary | undefined;
  let saved: string | undefined;
  let step = fromStep;
  let interrupted = loop.isInterrupted();
  while (step < run.steps && !interrupted) {
    const summary = await loop.train(step + 1);
    if (summary === undefined) {
      interrupted = true;
      if (!(await loop.isSaved(step))) saved = await loop.save(step);
      break;
    }
    lastStep = summary;
    step += 1;
    interrupted = (loop.isInterrupted() || loop.isAlarmed()) && step < run.steps;
    if (interrupted || isDue(checkpoint.every, step)) saved = await loop.save(step);
    if (!interrupted && isDue(evaluation.every, step)) await evaluate(step);
  }
  if (interrupted && step === 0 && saved === undefined) saved = await loop.save(step);
  return { step, interrupted, before, after: last?.scores, afterStep: last?.step, lastStep, checkpoint: saved };
}
