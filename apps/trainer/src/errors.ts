import { VTriuneError } from "@v-triune/errors";

/** A command line that cannot be understood. */
export class UsageError extends VTriuneError {
  override readonly name = "UsageError";
}

/** Errors of the other packages that a person can act on and that carry their parts in the message only. */
const KNOWN_NAMES = new Set([
  "LearnerConfigError",
  "TrainingDivergedError",
  "VerifierRegistryError",
  "UnknownVerifierError",
  "IouScheduleError",
  "RewardServerError",
  "NotFiniteError",
  "DashboardError",
  "VerifierLoadError",
]);

/**
 * Whether an error is one that a person can act on: one with the marker of @v-triune/errors, or one of a package that does not
 * extend its base class yet.
 */
export function isUserError(error: unknown): error is Error {
  if (VTriuneError.isInstance(error)) return true;
  if (!(error instanceof Error)) return false;
  return KNOWN_NAMES.has(error.name) || "fix" in error || "parts" in error || ("expected" in error && "found" in error);
}
