import type { OutOfMemoryError } from "@v-triune/backend";
import { VTriuneError } from "@v-triune/errors";
import type { TrainingConfig } from "../config/training-config";

/** Memory ran out under training; what was trained before is saved. */
export class TrainingMemoryError extends VTriuneError {
  override readonly name = "TrainingMemoryError";
}

/**
 * The error that a run ends with when memory runs out.
 *
 * @param step that ran out of memory
 * @param saved the step of the last checkpoint
 */
export function trainingMemoryError(
  cause: OutOfMemoryError,
  { run, update, rollout }: TrainingConfig,
  step: number,
  saved: number | undefined,
): TrainingMemoryError {
  const { microBatchTokens } = update;
  const lower = Math.max(256, Math.floor(microBatchTokens / 2));
  const next =
    saved === undefined
      ? "Nothing is saved yet."
      : `The run is saved after step ${saved}; give the same configuration with --resume and the lower number.`;
  return new TrainingMemoryError({
    what: `Memory ran out in step ${step}: ${cause.message.split("\n")[0]}`,
    where: run.folder,
    expected: "room for a micro-batch of the model's activations",
    found:
      `update.microBatchTokens ${microBatchTokens}, rollout.promptsPerStep ${rollout.promptsPerStep} x ` +
      `${rollout.n} answers`,
    fix:
      `lower update.microBatchTokens (--set update.microBatchTokens=${lower}) or compute layers twice ` +
      `(--set update.gradientCheckpointing=true): the result stays the same. ${next}`,
    cause,
  });
}
