/** The process of a command: its exit code, and what is printed when it fails. */
import { VTriuneError } from "@v-triune/errors";

/**
 * Runs a command as the process's main function. An error that a person can fix is printed without a stack and ends
 * with exit code 2; any other is a fault of the program, printed with its stack, and ends with 1.
 *
 * ```ts
 * await runMain(() => runCommandLine(process.argv.slice(2)));
 * ```
 * @param command returns the exit code
 */
export async function runMain(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const { text, exitCode } = describeFailure(error);
    process.stderr.write(text);
    process.exitCode = exitCode;
  }
}

function describeFailure(error: unknown): { readonly text: string; readonly exitCode: 1 | 2 } {
  if (VTriuneError.isInstance(error)) return { text: `${error.message}\n`, exitCode: 2 };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `${stack}\nThis is a fault of the program, not of its input.\n`, exitCode: 1 };
}
