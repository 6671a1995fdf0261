/**
 * The typed errors of this package. Each says what failed, where, what was expected, what was found and what to do, and
 * its message reads well at 80 columns.
 */

/** The parts every error of this package is made of. */
export interface ErrorParts {
  /** What failed, as one sentence without the final full stop. */
  readonly what: string;
  /** The file, folder, command or backend concerned. */
  readonly where?: string;
  readonly expected?: string;
  readonly found?: string;
  /** What the reader can do about it, as an imperative sentence. */
  readonly todo?: string;
}

const LABELS = [
  ["where", "where"],
  ["expected", "expected"],
  ["found", "found"],
  ["todo", "do"],
] as const;

/** Lays the parts out as lines of at most 80 columns, continuation lines indented under their label. */
export function formatErrorParts(parts: ErrorParts): string {
  const lines = [`${parts.what}.`];
  for (const [key, label] of LABELS) {
    const text = parts[key];
    if (text !== undefined && text !== "") lines.push(...wrapText(text, `  ${label}:`.padEnd(13), 80));
  }
  return lines.join("\n");
}

/**
 * Wraps a text to a width, the first line after `label`, the others indented by its length.
 * Words longer than the width (paths) stay whole; line breaks of the text are kept.
 */
export function wrapText(text: string, label: string, width: number): string[] {
  const indent = " ".repeat(label.length);
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/\s+/)) {
      if (line !== "" && label.length + line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line, i) => `${i === 0 ? label : indent}${line}`.trimEnd());
}

/** A backend that was asked for by name cannot be used, or none can. */
export class BackendError extends Error {
  override readonly name: string = "BackendError";
  readonly parts: ErrorParts;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    super(formatErrorParts(parts), options);
    this.parts = parts;
  }
}

/** Which step of the native install failed; stable, for programs. */
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
export class NativeInstallError extends Error {
  override readonly name = "NativeInstallError";
  readonly parts: ErrorParts;
  readonly code: NativeInstallCode;

  constructor(code: NativeInstallCode, parts: ErrorParts, options?: ErrorOptions) {
    super(formatErrorParts(parts), options);
    this.code = code;
    this.parts = parts;
  }
}

/** The backend has no memory left for a tensor; the message names it. */
export class OutOfMemoryError extends BackendError {
  override readonly name = "OutOfMemoryError";
  /** The shape of the tensor that did not fit, when the backend told. */
  readonly shape: readonly number[] | undefined;
  /** The kernel that asked for it, e.g. "MatMul", when known. */
  readonly kernel: string | undefined;
  readonly backend: string;

  constructor(
    details: { backend: string; parts: ErrorParts; shape?: readonly number[] | undefined; kernel?: string | undefined },
    options?: ErrorOptions,
  ) {
    super(details.parts, options);
    this.backend = details.backend;
    this.shape = details.shape;
    this.kernel = details.kernel;
  }
}
