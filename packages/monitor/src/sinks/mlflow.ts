/**
 * MLflow over its REST API 2.0: one run, metrics in batches of at most 1,000. Values that are not finite go as the
 * strings that protobuf's JSON mapping has for them. Names keep what MLflow allows (letters, digits, _ - . / : and
 * space); anything else becomes "_".
 */
import { metricTag } from "../metric-record";
import type { MetricSink } from "./metric-sink";

export interface MlflowOptions {
  /** Tracking server, e.g. http://127.0.0.1:5000 */
  readonly url: string;
  /** Made if there is none of this name. */
  readonly experiment: string;
  readonly runName: string;
  /** Bearer token, or user and password. Default MLFLOW_TRACKING_TOKEN, _USERNAME and _PASSWORD. */
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  /** Time limit of a request, in ms. Default 10,000. */
  readonly timeout?: number;
  /** The wall clock, in ms. Default Date.now. */
  readonly now?: () => number;
}

/** The server's limit for one request. */
const BATCH = 1000;
const LONGEST_KEY = 250;

const metricKey = (tag: string): string =>
  tag
    .replaceAll("@", "_at_")
    .replaceAll(/[^\w\-./: ]/g, "_")
    .slice(0, LONGEST_KEY);

class MlflowError extends Error {
  override readonly name = "MlflowError";
  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

/** Opens a run on the server at the first write, and ends it when it is closed. */
export function mlflowSink(options: MlflowOptions): MetricSink {
  const now = options.now ?? Date.now;
  const token = options.token ?? process.env["MLFLOW_TRACKING_TOKEN"];
  const username = options.username ?? process.env["MLFLOW_TRACKING_USERNAME"];
  const password = options.password ?? process.env["MLFLOW_TRACKING_PASSWORD"] ?? "";
  const authorization =
    token !== undefined
      ? `Bearer ${token}`
      : username === undefined
        ? undefined
        : `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  let runId: string | undefined;

  async function call(
    method: "GET" | "POST",
    path: string,
    body: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const query = method === "GET" ? `?${new URLSearchParams(body as Record<string, string>).toString()}` : "";
    const response = await fetch(`${options.url.replace(/\/+$/, "")}/api/2.0/mlflow/${path}${query}`, {
      method,
      headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
      ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(options.timeout ?? 10_000),
    });
    const text = await response.text();
    let reply: Record<string, unknown> = {};
    try {
      reply = JSON.parse(text) as Record<string, unknown>;
    } catch {
      // An error page is no JSON; the status says enough.
    }
    if (response.ok) return reply;
    throw new MlflowError(
      `${path}: HTTP ${response.status} ${String(reply["message"] ?? "").slice(0, 200)}`.trim(),
      String(reply["error_code"] ?? ""),
    );
  }

  async function experimentId(): Promise<string> {
    const find = async (): Promise<string> => {
      const reply = await call("GET", "experiments/get-by-name", { experiment_name: options.experiment });
      return (reply["experiment"] as { experiment_id: string }).experiment_id;
    };
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof MlflowError) || error.code !== "RESOURCE_DOES_NOT_EXIST") throw error;
    }
    try {
      return String((await call("POST", "experiments/create", { name: options.experiment }))["experiment_id"]);
    } catch (error) {
      // Another run has made it in between.
      if (error instanceof MlflowError && error.code === "RESOURCE_ALREADY_EXISTS") return find();
      throw error;
    }
  }

  async function openRun(): Promise<string> {
    const reply = await call("POST", "runs/create", {
      experiment_id: await experimentId(),
      run_name: options.runName,
      start_time: now(),
    });
    return (reply["run"] as { info: { run_id: string } }).info.run_id;
  }

  return {
    name: "mlflow",
    async write(records) {
      const timestamp = now();
      const metrics = records.flatMap((record) =>
        Object.entries(record.metrics).map(([metric, value]) => ({
          key: metricKey(metricTag(record, metric)),
          value: Number.isFinite(value) ? value : String(value),
          timestamp,
          step: record.step,
        })),
      );
      if (metrics.length === 0) return;
      runId ??= await openRun();
      // A batch that was written before a later one failed is written again: MLflow keeps a (key, timestamp, step,
      // value) once.
      for (let at = 0; at < metrics.length; at += BATCH)
        await call("POST", "runs/log-batch", { run_id: runId, metrics: metrics.slice(at, at + BATCH) });
    },
    async close() {
      const id = runId;
      runId = undefined;
      if (id !== undefined) await call("POST", "runs/update", { run_id: id, status: "FINISHED", end_time: now() });
    },
  };
}
