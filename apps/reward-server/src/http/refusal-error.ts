/** A request that is refused, as the client reads it: the HTTP status, a code for programs, a sentence for people. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  constructor(
    readonly status: 400 | 401 | 404 | 405 | 408 | 413 | 415 | 422 | 500 | 503 | 504,
    readonly code: string,
    message: string,
    /** More for programs: the field, the known names, the limit. */
    readonly details: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** The body of the reply. */
  get body(): object {
    return { error: { code: this.code, message: this.message, ...this.details } };
  }
}

/** A value that breaks a contract, and where. */
export function invalidField(field: string, message: string): RefusalError {
  return new RefusalError(400, "invalid-request", message, { field });
}

/** The code of {@link unreadableSample}. */
export const UNREADABLE_SAMPLE = "unreadable-sample";

/** A text or a gold answer that cannot be read: a fault of this sample, which says nothing of the others. */
export function unreadableSample(field: string, message: string): RefusalError {
  return new RefusalError(400, UNREADABLE_SAMPLE, message, { field });
}

/** The client has closed the connection and reads no reply. */
export const CLIENT_GONE = new Error("the client closed the connection");
/** The client's own deadline has passed. */
export const DEADLINE_PASSED = new RefusalError(
  504,
  "deadline",
  "the request's own deadline (x-deadline-ms) passed before the judging was done",
);
