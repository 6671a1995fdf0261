/**
 * What a person did wrong, said so that they can put it right: what happened, where, what was expected, what was found, what to do.
 * The command prints these without a stack trace and exits with 2; anything else is a fault of the program.
 */

export interface UserErrorDetails {
  /** One sentence: what can't be done. */
  readonly what: string;
  /** The file with line, the flag, the folder, the configuration key. */
  readonly where?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What to do about it. */
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

/** Base of the trainer's own errors; `message` is the whole text as it is printed. */
export class UserError extends Error {
  override readonly name: string = "UserError";
  readonly what: string;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly fix: string | undefined;

  constructor(details: UserErrorDetails) {
    super(formatUserError(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.what = details.what;
    this.where = details.where;
    this.expected = details.expected;
    this.found = details.found;
    this.fix = details.fix;
  }
}

/** A command line that can't be understood. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}

/** A configuration that can't be read or used. */
export class ConfigError extends UserError {
  override readonly name = "ConfigError";
}

/** A run folder that can't be made, is in use, or holds another run. */
export class RunFolderError extends UserError {
  override readonly name = "RunFolderError";
}

/** A rollout or reward server that refuses a request, can't do what the run needs, or answers with weights that are not the run's. */
export class EngineError extends UserError {
  override readonly name = "EngineError";
}

/** Memory ran out under training; what was trained before is saved. */
export class TrainingMemoryError extends UserError {
  override readonly name = "TrainingMemoryError";
}

/** A local copy of a benchmark that is not in its published layout, or is damaged. */
export class BenchmarkError extends UserError {
  override readonly name = "BenchmarkError";
}

/** A file that can't be written: no space, no permission. */
export class WriteError extends UserError {
  override readonly name = "WriteError";
}

const LABEL_WIDTH = 10;
const WIDTH = 80;

/**
 * Wraps text at spaces; a word longer than the width stands alone, and lines that the text breaks itself stay broken.
 *
 * @param indent columns taken on every line but the first
 */
export function wrapText(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width - indent) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}

/** The message of a UserError: `what`, then a labelled line for each further detail, 80 columns wide. */
export function formatUserError(details: UserErrorDetails): string {
  const labelled = (label: string, text: string | undefined): string[] =>
    text === undefined ? [] : [`  ${`${label}:`.padEnd(LABEL_WIDTH)}${wrapText(text, WIDTH, LABEL_WIDTH + 2)}`];
  return [
    wrapText(details.what, WIDTH, 0),
    ...labelled("where", details.where),
    ...labelled("expected", details.expected),
    ...labelled("found", details.found),
    ...labelled("do", details.fix),
  ].join("\n");
}

/** Errors of the other packages that a person can act on and that carry their parts in the message only. */
const KNOWN_NAMES = new Set([
  "LearnerConfigError",
  "TrainingDivergedError",
  "VerifierRegistryError",
  "UnknownVerifierError",
  "IouScheduleError",
  "RewardServerError",
]);

/**
 * Whether an error is one that a person can act on. Ours are told by class; those of the other packages (DatasetError, BackendError,
 * WeightsError, ..) by what they carry, so that no package has to share a base class with the app.
 */
export function isUserError(error: unknown): error is Error {
  if (error instanceof UserError) return true;
  if (!(error instanceof Error)) return false;
  return KNOWN_NAMES.has(error.name) || "fix" in error || "parts" in error || ("expected" in error && "found" in error);
}
