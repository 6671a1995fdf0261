/** The errors of this package. */
import { VTriuneError, type ErrorDetails } from "@v-triune/errors";

/** A backend that was asked for by name cannot be used, or none can. */
export class BackendError extends VTriuneError {
  override readonly name: string = "BackendError";
}

/** What is wrong, in a part of a line: without the full stop, and with what was found in brackets. */
export function briefReason({ what, found }: VTriuneError): string {
  const sentence = what.replace(/\.$/, "");
  return found === undefined ? sentence : `${sentence} (${found})`;
}

/** The step of the native install that failed; stable, for programs. */
export type NativeInstallCode =
  | "platform"
  | "glibc"
  | "cpu"
  | "tfjs-node"
  | "python"
  | "pip"
  | "compiler"
  | "headers"
  | "disk"
  | "download"
  | "wheel"
  | "library"
  | "driver"
  | "compile"
  | "locked"
  | "verify"
  | "foreign"
  | "permission";

/** `v-triune native install` cannot go on; what was there before is untouched. */
export class NativeInstallError extends VTriuneError {
  override readonly name = "NativeInstallError";
  override readonly code: NativeInstallCode;

  constructor(details: ErrorDetails & { readonly code: NativeInstallCode }) {
    super(details);
    this.code = details.code;
  }
}

/** What {@link OutOfMemoryError} is made of. */
export interface OutOfMemoryDetails extends ErrorDetails {
  readonly backend: string;
  readonly shape?: readonly number[] | undefined;
  readonly kernel?: string | undefined;
}

/** The backend has no memory left for a tensor; the message names it. */
export class OutOfMemoryError extends BackendError {
  override readonly name = "OutOfMemoryError";
  readonly backend: string;
  /** The shape of the tensor that did not fit, where the backend reports it. */
  readonly shape: readonly number[] | undefined;
  /** The kernel that asked for it, for example "MatMul", where it is known. */
  readonly kernel: string | undefined;

  constructor(details: OutOfMemoryDetails) {
    super(details);
    this.backend = details.backend;
    this.shape = details.shape;
    this.kernel = details.kernel;
  }
}
