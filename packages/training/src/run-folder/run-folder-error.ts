import { VTriuneError } from "@v-triune/errors";

/** A run folder that cannot be made, is in use, or holds another run. */
export class RunFolderError extends VTriuneError {
  override readonly name = "RunFolderError";
}
