import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

const PACKAGE = resolve(import.meta.dirname, "../../apps/reward-server");

/** A reward server in a process of its own, on a free port of this machine. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  readonly startMs: number;
  /** Resident memory, MB. */
  memoryMb(): number;
  /** The processes it started. */
  children(): number[];
  stop(): Promise<number | null>;
}

/**
 * Starts the built server, as npm users have it.
 *
 * @throws Error if the server has not been built
 */
export async function startServerProcess(...args: string[]): Promise<ServerProcess> {
  const main = resolve(PACKAGE, "dist/main.js");
  if (!existsSync(main)) throw new Error(`${main} is missing; npm run build makes it`);
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, [main, "--port", "0", "--log-level", "error", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((end) => child.once("exit", end));
  const url = await Promise.race([
    new Promise<string>((found) =>
      child.stdout?.once("data", (chunk: Buffer) => found(chunk.toString().split(/\s/)[0] ?? "")),
    ),
    ended.then((code) => Promise.reject(new Error(`the server ended with ${code} before it was ready`))),
  ]);
  const pid = child.pid as number;
  return {
    url,
    pid,
    startMs: performance.now() - started,
    memoryMb: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024,
    children: () =>
      readdirSync(`/proc/${pid}/task`).flatMap((task) =>
        readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
      ),
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
