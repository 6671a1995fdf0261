/**
 * Tries a backend in a process of its own: a library compiled for another processor kills the process that loads it,
 * and a second libtensorflow cannot be loaded beside a first one.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { lastLines, runCommand, type CommandResult } from "../run-command";
import { ANSWER_MARK, type ProbeFault, type ProbeFinding, type ProbeRequest } from "./probe-protocol";

const require = createRequire(import.meta.url);

/** Runs a probe; never rejects: a crash, a hang (killed after the deadline) and nonsense are faults. */
export async function probeBackend(request: ProbeRequest, deadlineMs = 120_000): Promise<ProbeFinding | ProbeFault> {
  const child = await entryFile({
    source: new URL("./probe-child.ts", import.meta.url),
    built: () =>
      pathToFileURL(join(dirname(require.resolve("@v-triune/backend/package.json")), "dist/probe/probe-child.js")),
  });
  const result = await runCommand(process.execPath, [fileURLToPath(child), JSON.stringify(request)], {
    timeoutMs: deadlineMs,
  });
  const line = result.stdout.split("\n").find((text) => text.startsWith(ANSWER_MARK));
  if (line !== undefined) return JSON.parse(line.slice(ANSWER_MARK.length)) as ProbeFinding | ProbeFault;
  return { ok: false, reason: describeCrash(result, deadlineMs), howToGet: "npx v-triune native verify" };
}

function describeCrash(result: CommandResult, deadlineMs: number): string {
  if (result.signal === "SIGILL") return "it uses instructions that this processor lacks (SIGILL)";
  if (result.signal === "SIGKILL") return `it did not answer within ${deadlineMs / 1000} s, or ran out of memory`;
  return result.signal === null ? lastLines(result, 3) : `it crashed (${result.signal})`;
}
