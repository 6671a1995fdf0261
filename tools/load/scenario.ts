import type { LoadReport } from "./http-load";
import { startServerProcess, type ServerProcess } from "./server-process";

/** What a scenario is told. */
export interface ScenarioOptions {
  readonly seconds: number;
  readonly requests: number;
}

/** Prints a report; wrong replies make the command fail. */
export function print(name: string, report: LoadReport, perRequest = 1): void {
  const rate = Math.round((report.answered * perRequest) / report.seconds).toLocaleString("en-US");
  console.log(`${name}: ${rate}/s, ${report.answered.toLocaleString("en-US")} requests, ${report.wrong} wrong`);
  for (const [kind, latency] of report.latency)
    console.log(
      `    ${kind}: p50 ${latency.quantile(0.5).toFixed(1)} ms, p99 ${latency.quantile(0.99).toFixed(1)} ms, max ` +
        `${latency.quantile(1).toFixed(0)} ms (${latency.count})`,
    );
  for (const example of report.examples) console.log(`    wrong: ${example}`);
  if (report.wrong > 0) process.exitCode = 1;
}

/** Says what does not hold; the command then fails. */
export function expectThat(holds: boolean, what: string): void {
  console.log(`    ${holds ? "holds" : "DOES NOT HOLD"}: ${what}`);
  if (!holds) process.exitCode = 1;
}

/** Runs something against a server of its own, which must end with 0 when told to stop. */
export async function withServer(run: (server: ServerProcess) => Promise<void>, ...args: string[]): Promise<void> {
  const server = await startServerProcess(...args);
  let code: number | null = null;
  try {
    console.log(`    ready in ${Math.round(server.startMs)} ms, ${Math.round(server.memoryMb())} MB`);
    await run(server);
    console.log(`    memory afterwards ${Math.round(server.memoryMb())} MB`);
  } finally {
    code = await server.stop();
  }
  if (code !== 0) throw new Error(`the server ended with ${code}`);
}

/** For runs that a time ends. */
export const WITHOUT_END = Number.MAX_SAFE_INTEGER;
