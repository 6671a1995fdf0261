/** What runs in the thread of {@link startBackgroundDashboard}: the dashboard, until it is told to close. */
import { parentPort, workerData } from "node:worker_threads";
import { VTriuneError } from "@v-triune/errors";
import { startDashboard, type DashboardOptions } from "../server/start-dashboard";
import type { ThreadMessage } from "./thread-message";

const send = (message: ThreadMessage): void => parentPort?.postMessage(message, []);

try {
  const dashboard = await startDashboard(workerData as DashboardOptions);
  parentPort?.once("message", () => void dashboard.close().then(() => parentPort?.close()));
  send({ type: "started", url: dashboard.url, port: dashboard.port, runs: dashboard.runs });
} catch (error) {
  if (!VTriuneError.isInstance(error)) throw error;
  send({ type: "failed", error: error.details });
  parentPort?.close();
}
