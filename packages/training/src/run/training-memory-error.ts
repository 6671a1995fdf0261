import { VTriuneError } from "@v-triune/errors";

/** Memory ran out under training; what was trained before is saved. */
export class TrainingMemoryError extends VTriuneError {
  override readonly name = "TrainingMemoryError";
}
