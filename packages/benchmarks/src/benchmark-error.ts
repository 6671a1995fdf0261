import { VTriuneError } from "@v-triune/errors";

/** A local copy of a benchmark that is not in its published layout, or is damaged. */
export class BenchmarkError extends VTriuneError {
  override readonly name = "BenchmarkError";
}
