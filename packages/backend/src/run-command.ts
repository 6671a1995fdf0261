/** Runs a program and returns what it wrote; for pip, the compiler and strip. */
import { spawn } from "node:child_process";
import type { Environment } from "./native/native-folder";

/** How a program ended. */
export interface CommandResult {
  /** The exit status; null when it was killed or could not be started. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it could not be started, for example ENOENT. */
  readonly startError?: NodeJS.ErrnoException;
}

/** Settings of `runCommand`. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Environment;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs it to its end; never rejects. Output beyond 4 MiB keeps only its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    let stdout = "";
    let stderr = "";
    const keep = (text: string, chunk: Buffer): string => (text + chunk.toString("utf8")).slice(-(1 << 22));
    const child = spawn(command, [...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...(options.env ?? process.env) },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    child.stdout.on("data", (chunk: Buffer) => (stdout = keep(stdout, chunk)));
    child.stderr.on("data", (chunk: Buffer) => (stderr = keep(stderr, chunk)));
    child.on("error", (startError: NodeJS.ErrnoException) =>
      resolve({ status: null, signal: null, stdout, stderr, startError }),
    );
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** The last lines of a program's complaint, for an error message. */
export function lastLines(result: CommandResult, count = 6): string {
  if (result.startError !== undefined) return result.startError.message;
  const text = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-count).join("\n");
  return text || (result.signal === null ? `exit status ${result.status}` : `killed by ${result.signal}`);
}
