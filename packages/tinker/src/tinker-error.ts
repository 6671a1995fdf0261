import { VTriuneError } from "@v-triune/errors";
import type { ErrorDetails } from "@v-triune/errors";

/**
 * Why a call to a server came to nothing:
 * - `unreachable`: nobody answers at the address;
 * - `timed-out`: no answer in the time that was given;
 * - `refused`: the server rejects the request (4xx), and would again;
 * - `failed`: the server took the request and its work failed;
 * - `lost`: the server no longer knows the session, the model or the request;
 * - `uncertain`: the server may have done the work or not, and doing it twice would change the result;
 * - `unreadable`: a reply that is not what the API has.
 */
export type TinkerErrorCode = "unreachable" | "timed-out" | "refused" | "failed" | "lost" | "uncertain" | "unreadable";

export interface TinkerErrorDetails extends ErrorDetails {
  readonly code: TinkerErrorCode;
  /** HTTP status of the reply, if there was one. */
  readonly status?: number | undefined;
  /** Whose fault it is by the server's own word: "user", "server", "unknown". */
  readonly category?: string | undefined;
}

/** A server of the Tinker API that cannot be reached, refuses, fails, or has forgotten what it is asked about. */
export class TinkerError extends VTriuneError {
  override readonly name = "TinkerError";
  declare readonly code: TinkerErrorCode;
  readonly status: number | undefined;
  readonly category: string | undefined;

  constructor(details: TinkerErrorDetails) {
    super(details);
    this.status = details.status;
    this.category = details.category;
  }
}
