import { VTriuneError } from "@v-triune/errors";

/**
 * An audit that cannot be made: pairs that cannot be read, an address that does not answer, a verifier that takes no
 * gold.
 */
export class AuditError extends VTriuneError {
  override readonly name = "AuditError";
}
