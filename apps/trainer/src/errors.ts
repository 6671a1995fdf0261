import { VTriuneError } from "@v-triune/errors";

/** A command line that cannot be understood. */
export class UsageError extends VTriuneError {
  override readonly name = "UsageError";
}
