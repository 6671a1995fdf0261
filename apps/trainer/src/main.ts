/**
 * The `v-triune` command. This file owns the process: standard streams, exit code, failures that nobody caught.
 */
import { runCommandLine } from "./cli/run-command-line";
import { reportError } from "./cli/report-error";

const rawArgs = process.argv.slice(2);

// `v-triune sources | head` closes the pipe early, which is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
}

function fail(error: unknown): void {
  const { text, exitCode } = reportError(error, rawArgs.includes("--debug"));
  process.stderr.write(`${text}\n`, () => process.exit(exitCode));
}
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

const exitCode = await runCommandLine(rawArgs, {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
// Workers and servers that a command left behind must not hold the process; text still in a pipe must get through.
process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
