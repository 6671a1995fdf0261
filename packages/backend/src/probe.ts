/**
 * Tries a backend in a process of its own: a library compiled for another processor kills the process that loads it,
 * and a second libtensorflow cannot be loaded beside a first one.
 */
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { BackendName } from "./candidates";
import type { BackendMeasurement, MeasureOptions } from "./measure-backend";
import { lastLines, runCommand } from "./native/run-command";

const require = createRequire(import.meta.url);

/** What the child is to do. */
export interface ProbeRequest {
  readonly backend: BackendName;
  /** Load this addon instead of the installed one (an install that is being verified). */
  readonly addon?: { readonly addon: string; readonly folder: string };
  /** Measure speed as well (a second or a few). */
  readonly measure?: MeasureOptions;
  readonly threads?: number;
}

/** What the child found when the backend works. */
export interface ProbeFinding {
  readonly ok: true;
  readonly description: string;
  readonly version: string;
  readonly usesGpu: boolean;
  /** TensorFlow's start-up messages; empty for other backends. */
  readonly startupLog: string;
  readonly measurement?: BackendMeasurement;
}

/** Why it does not. */
export interface ProbeFault {
  readonly ok: false;
  readonly reason: string;
  readonly howToGet: string;
}

/** The line by which the parent recognises the child's answer among other output. */
export const ANSWER_MARK = "v-triune-probe:";

/** Runs a probe; never rejects: a crash, a hang (killed after the deadline) and nonsense are faults. */
export async function probeBackend(request: ProbeRequest, deadlineMs = 120_000): Promise<ProbeFinding | ProbeFault> {
  const result = await runCommand(process.execPath, [...childArguments(), JSON.stringify(request)], {
    timeoutMs: deadlineMs,
  });
  const line = result.stdout.split("\n").find((text) => text.startsWith(ANSWER_MARK));
  if (line !== undefined) return JSON.parse(line.slice(ANSWER_MARK.length)) as ProbeFinding | ProbeFault;
  const crash =
    result.signal === "SIGILL"
      ? "it uses instructions that this processor lacks (SIGILL)"
      : result.signal === "SIGKILL"
        ? `it did not answer within ${deadlineMs / 1000} s, or was killed for want of memory`
        : result.signal !== null
          ? `it crashed (${result.signal})`
          : lastLines(result, 3);
  return { ok: false, reason: crash, howToGet: "npx v-triune native verify" };
}

/** Node's arguments for the child's script: TypeScript through tsx in a clone, plain JavaScript when installed. */
function childArguments(): string[] {
  if (!import.meta.url.endsWith(".ts")) return [fileURLToPath(new URL("./probe-child.js", import.meta.url))];
  const tsx = pathToFileURL(require.resolve("tsx")).href;
  return [
    "--conditions=@v-triune/source",
    "--import",
    tsx,
    fileURLToPath(new URL("./probe-child.ts", import.meta.url)),
  ];
}
