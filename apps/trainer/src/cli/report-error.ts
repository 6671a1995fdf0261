import { VTriuneError, WriteError, asWriteError, wrapText } from "@v-triune/errors";

/**
 * What to print for an error, and the exit code: 2 for what a person can fix, 1 for a fault of the program.
 *
 * @param debug whether the stack trace and the chain of causes are shown
 */
export function reportError(error: unknown, debug: boolean): { readonly text: string; readonly exitCode: 1 | 2 } {
  const failedWrite = asFailedWrite(error);
  if (failedWrite !== undefined) return reportError(failedWrite, debug);
  if (VTriuneError.isInstance(error)) return { text: debug ? trace(error) : error.message, exitCode: 2 };
  if (debug) return { text: trace(error), exitCode: 1 };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    text:
      `${wrapText(`Unexpected failure. ${message}`, 80, 0)}\n` +
      "This is a fault of the program, not of its input. Add --debug to see where it happened.",
    exitCode: 1,
  };
}

/** A full disk or a read-only folder, wherever it was met: calls that write, and codes that only writing can have. */
function asFailedWrite(error: unknown): WriteError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = "", syscall = "", path = "" } = error as NodeJS.ErrnoException;
  if (
    !["ENOSPC", "EDQUOT", "EROFS", "EFBIG"].includes(code) &&
    !["mkdir", "write", "rename", "rmdir", "unlink"].includes(syscall)
  )
    return undefined;
  const known = asWriteError(error, path);
  return known instanceof WriteError && !VTriuneError.isInstance(error) ? known : undefined;
}

function trace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${trace(error.cause)}`;
}
