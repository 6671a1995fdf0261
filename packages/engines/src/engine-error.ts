import { VTriuneError } from "@v-triune/errors";

/**
 * A rollout or reward server that refuses a request, cannot do what the run needs, or answers with weights that are not
 * the run's.
 */
export class EngineError extends VTriuneError {
  override readonly name = "EngineError";
}
