/**
 * The base class of the errors that a person can act on. Anything else that is thrown is a fault of the program.
 *
 * Instances are recognized by a marker and not by `instanceof`, so that two installed copies of a package (two
 * versions, or one bundled into another package) recognize each other's errors.
 */
import type { ErrorDetails } from "./error-details";
import { formatError } from "./format-error";

const MARKER = Symbol.for("v-triune.error");

/**
 * An error that says what is wrong, where, what was expected, what was found and how to fix it. `message` is the whole
 * text as it is printed, 80 columns wide.
 *
 * ```ts
 * class PortError extends VTriuneError {
 *   override readonly name = "PortError";
 * }
 * throw new PortError({ what: "The port is in use.", where: "--port 8000", fix: "choose another port" });
 * ```
 */
export class VTriuneError extends Error {
  override readonly name: string = "VTriuneError";
  readonly what: string;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly fix: string | undefined;
  /** A class with codes of its own narrows the type: `declare readonly code: "disk" | "python"`. */
  readonly code: string | undefined;

  /** @param message replaces the text made of the details, for classes that keep a format of their own */
  constructor(details: ErrorDetails, message: string = formatError(details)) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.what = details.what;
    this.where = details.where;
    this.expected = details.expected;
    this.found = details.found;
    this.fix = details.fix;
    this.code = details.code;
    Object.defineProperty(this, MARKER, { value: true });
  }

  /**
   * What it was made of, without the cause: plain data, which can be sent to another thread and made an error again
   * there.
   */
  get details(): ErrorDetails {
    const { what, where, expected, found, fix, code } = this;
    return { what, where, expected, found, fix, code };
  }

  /**
   * Whether a person can act on it. Also true for errors that another copy of this package made. For one class of them,
   * compare `name`.
   */
  static isInstance(value: unknown): value is VTriuneError {
    return typeof value === "object" && value !== null && MARKER in value;
  }
}
