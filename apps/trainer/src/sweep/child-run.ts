/**
 * One run of a sweep as a process of its own, `v-triune train CONFIG --json`: its memory is its own, a crash ends that
 * run alone, and several can go on at once.
 */
import { spawn } from "node:child_process";
import type { TrainingEvent } from "@v-triune/training";

/** How the `v-triune` command is started: program and first arguments. */
export type Launcher = readonly [program: string, ...args: readonly string[]];

/** The command that this process was started with. */
export function ownLauncher(): Launcher {
  const [, script] = process.argv;
  if (script === undefined) throw new Error("this process has no script to start again");
  return [process.execPath, ...process.execArgv, script];
}

export interface ChildOutcome {
  /** 0; 2 for what a person can fix; 130 when it was interrupted and saved. */
  readonly code: number;
  /** What it wrote to standard error. */
  readonly message: string;
}

export interface ChildRun {
  readonly outcome: Promise<ChildOutcome>;
  /** Asks it to finish its step and save. */
  stop(): void;
}

/** @param args what follows `v-triune` */
export function startChildRun(
  launcher: Launcher,
  args: readonly string[],
  onEvent: (event: TrainingEvent) => void,
): ChildRun {
  const [program, ...first] = launcher;
  const child = spawn(program, [...first, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let message = "";
  let rest = "";
  child.stderr.on("data", (chunk: Buffer) => (message = `${message}${chunk.toString()}`.slice(-4000)));
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) onEvent(JSON.parse(line) as TrainingEvent);
  });
  return {
    stop: () => void child.kill("SIGINT"),
    outcome: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) =>
        resolve({
          code: code ?? 1,
          message:
            signal === null
              ? message.trim()
              : `ended by ${signal}${signal === "SIGKILL" ? ", for want of memory perhaps" : ""}`,
        }),
      );
    }),
  };
}
