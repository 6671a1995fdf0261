import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { MetricRecord } from "../metric-record";
import { metricSinkConformance } from "./metric-sink-conformance";
import { mlflowSink } from "./mlflow";

interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
}

/** A stand-in that answers as an MLflow server does, and keeps what it was asked. */
let server: Server;
let url: string;
let calls: Call[];
let failWith: number | undefined;
beforeEach(async () => {
  calls = [];
  failWith = undefined;
  let experiment = false;
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const path = request.url!.replace("/api/2.0/mlflow/", "").replace(/\?.*/, "");
      calls.push({
        path,
        body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
        authorization: request.headers.authorization,
      });
      const reply = (status: number, body: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      if (failWith !== undefined) return reply(failWith, { error_code: "INTERNAL_ERROR", message: "database is gone" });
      if (path === "experiments/get-by-name") {
        return experiment
          ? reply(200, { experiment: { experiment_id: "7" } })
          : reply(404, { error_code: "RESOURCE_DOES_NOT_EXIST" });
      }
      if (path === "experiments/create") {
        experiment = true;
        return reply(200, { experiment_id: "7" });
      }
      if (path === "runs/create") return reply(200, { run: { info: { run_id: "run1" } } });
      return reply(200, {});
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const record = (step: number, metrics: Record<string, number>): MetricRecord => ({
  step,
  split: "train",
  scope: "all",
  name: "all",
  metrics,
});
const sink = () => mlflowSink({ url, experiment: "v-triune", runName: "mine", now: () => 1000, token: "secret" });

describe("mlflow conforms", () => {
  for (const { name, run } of metricSinkConformance(sink)) it(name, run);
});

it("makes the experiment and the run once, and ends the run", async () => {
  const open = sink();
  await open.write([record(1, { "critic/rewards/mean": 0.5 })]);
  await open.write([record(2, { "critic/rewards/mean": Number.NaN, "acc/best@8/mean": -Infinity })]);
  await open.close();
  expect(calls.map(({ path }) => path)).toEqual([
    "experiments/get-by-name",
    "experiments/create",
    "runs/create",
    "runs/log-batch",
    "runs/log-batch",
    "runs/update",
  ]);
  expect(calls[2]!.body).toEqual({ experiment_id: "7", run_name: "mine", start_time: 1000 });
  expect(calls[3]!.body).toEqual({
    run_id: "run1",
    metrics: [{ key: "critic/rewards/mean", value: 0.5, timestamp: 1000, step: 1 }],
  });
  expect(calls[4]!.body["metrics"]).toMatchObject([
    { key: "critic/rewards/mean", value: "NaN" },
    { key: "acc/best_at_8/mean", value: "-Infinity" },
  ]);
  expect(calls[5]!.body).toMatchObject({ status: "FINISHED" });
  expect(calls.every(({ authorization }) => authorization === "Bearer secret")).toBe(true);
});

it("sends at most 1,000 numbers at once", async () => {
  const open = sink();
  await open.write(
    Array.from({ length: 5 }, (_, step) =>
      record(step, Object.fromEntries(Array.from({ length: 500 }, (__, i) => [`m${i}`, i]))),
    ),
  );
  const sizes = calls
    .filter(({ path }) => path === "runs/log-batch")
    .map(({ body }) => (body["metrics"] as unknown[]).length);
  expect(sizes).toEqual([1000, 1000, 500]);
});

it("says what the server said, and does not open a second run when it is asked again", async () => {
  const open = sink();
  await open.write([record(1, { x: 1 })]);
  failWith = 500;
  await expect(open.write([record(2, { x: 1 })])).rejects.toThrow("runs/log-batch: HTTP 500 database is gone");
  failWith = undefined;
  await open.write([record(2, { x: 1 })]);
  expect(calls.filter(({ path }) => path === "runs/create")).toHaveLength(1);
});

it("rejects when nobody listens", async () => {
  const open = mlflowSink({ url: "http://127.0.0.1:9", experiment: "x", runName: "y" });
  await expect(open.write([record(1, { x: 1 })])).rejects.toThrow();
  await open.close();
});

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
const hasMlflow = ((): boolean => {
  try {
    execFileSync(
      python,
      ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('mlflow.server') is None)"],
      { stdio: "ignore", timeout: 60_000 },
    );
    return true;
  } catch {
    console.warn(
      `skipped: a real MLflow server, as ${python} has no mlflow (pip install mlflow, or name a Python that has it ` +
        "in V_TRIUNE_PYTHON)",
    );
    return false;
  }
})();

describe.skipIf(!hasMlflow)("a real MLflow server", () => {
  let folder: string;
  let real: ChildProcess;
  let realUrl: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "v-triune-mlflow-"));
    const port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port: free } = probe.address() as AddressInfo;
        probe.close(() => resolve(free));
      });
    });
    realUrl = `http://127.0.0.1:${port}`;
    real = spawn(
      python,
      [
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        "--workers",
        "1",
        "--backend-store-uri",
        `sqlite:///${join(folder, "mlflow.db")}`,
        "--default-artifact-root",
        folder,
      ],
      { stdio: "ignore", detached: true, cwd: folder },
    );
    const isUp = (): Promise<boolean> =>
      fetch(`${realUrl}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    // Its first start makes the database's tables.
    await vi.waitFor(async () => expect(await isUp()).toBe(true), { timeout: 110_000, interval: 500 });
  }, 120_000);
  afterAll(() => {
    // The server's workers are its own children.
    if (real?.pid !== undefined) process.kill(-real.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(
      `${realUrl}/api/2.0/mlflow/${path}`,
      body === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
    );
    return (await response.json()) as Record<string, unknown>;
  }

  it("takes a run of more than 1,000 numbers a step, NaN and infinity among them, and ends it", async () => {
    const open = mlflowSink({ url: realUrl, experiment: "v-triune", runName: "mine" });
    const numbers = (step: number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: 1_200 }, (_, index) => [`metric_${index}/mean`, index + step / 4]));
    for (const step of [1, 2])
      await open.write([
        record(step, {
          ...numbers(step),
          "actor/grad_norm": step === 1 ? Number.NaN : Infinity,
          "acc/best@8/mean": 0.5,
        }),
      ]);
    await open.close();
    const { experiment } = (await ask("experiments/get-by-name?experiment_name=v-triune")) as {
      experiment: { experiment_id: string };
    };
    const { runs } = (await ask("runs/search", { experiment_ids: [experiment.experiment_id] })) as {
      runs: {
        info: { run_id: string; run_name: string; status: string };
        data: { metrics: { key: string; value: unknown; step: number | string }[] };
      }[];
    };
    expect(runs).toHaveLength(1);
    const [{ info, data }] = runs as [(typeof runs)[number]];
    expect(info).toMatchObject({ run_name: "mine", status: "FINISHED" });
    expect(data.metrics).toHaveLength(1_202);
    expect(data.metrics.find(({ key }) => key === "metric_1199/mean")).toMatchObject({ value: 1199.5 });
    const history = async (key: string): Promise<unknown[]> => {
      const reply = (await ask(`metrics/get-history?run_id=${info.run_id}&metric_key=${encodeURIComponent(key)}`)) as {
        metrics: { step?: number | string; value: unknown }[];
      };
      return reply.metrics.map(({ step, value }) => [Number(step), value]);
    };
    expect(await history("metric_0/mean")).toEqual([
      [1, 0.25],
      [2, 0.5],
    ]);
    expect(await history("acc/best_at_8/mean")).toEqual([
      [1, 0.5],
      [2, 0.5],
    ]);
    const [[, first], [, second]] = (await history("actor/grad_norm")) as [[number, unknown], [number, unknown]];
    expect(String(first)).toBe("NaN");
    // SQL has no infinity: MLflow keeps the largest double.
    expect(Number(second)).toBeGreaterThan(1e308);
  }, 60_000);
});
