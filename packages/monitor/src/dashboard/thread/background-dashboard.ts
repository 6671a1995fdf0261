/**
 * The dashboard beside a computation that leaves the event loop no time, as training does. It runs in its own thread,
 * which answers while the trainer computes; the only cost is one look at the run's files per second.
 */
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { DashboardError } from "../dashboard-error";
import { packageFolder } from "../server/package-folder";
import type { Dashboard, DashboardOptions } from "../server/start-dashboard";
import type { ThreadMessage } from "./thread-message";

export interface BackgroundDashboardOptions extends DashboardOptions {
  /** Called when the thread ends by itself; the computation beside it goes on. */
  readonly onProblem?: (message: string) => void;
}

async function startThread(options: DashboardOptions): Promise<Worker> {
  const file = await entryFile({
    source: new URL("./dashboard-thread.ts", import.meta.url),
    built: () => pathToFileURL(join(packageFolder(), "dist", "dashboard", "thread", "dashboard-thread.js")),
  });
  return new Worker(file, { workerData: options, execArgv: [] });
}

/**
 * Starts the dashboard in a thread; like {@link startDashboard} for a process that is busy.
 *
 * @throws DashboardError if it cannot listen on the port
 * @example const dashboard = await startBackgroundDashboard({ folder: "runs/mine" }); train(); await dashboard.close();
 */
export async function startBackgroundDashboard({
  onProblem = () => undefined,
  ...options
}: BackgroundDashboardOptions): Promise<Dashboard> {
  const thread = await startThread(options);
  thread.unref();
  let isClosing = false;
  const first = new Promise<ThreadMessage>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => reject(new DashboardError({ what: "The dashboard's thread ended before it listened." })));
  });
  // A later end is reported, not thrown: no caller waits for it.
  thread.on(
    "error",
    (error: Error) => !isClosing && onProblem(`The dashboard has ended (${error.message}); the run goes on.`),
  );
  const message = await first;
  if (message.type === "failed") throw new DashboardError(message.error);
  const { url, port, runs } = message;
  return {
    url,
    port,
    runs,
    async close() {
      if (isClosing) return;
      isClosing = true;
      const exited = once(thread, "exit");
      thread.ref();
      thread.postMessage("close", []);
      await exited;
    },
  };
}
