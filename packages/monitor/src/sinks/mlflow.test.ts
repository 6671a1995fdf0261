import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
      calls.push({ path, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>), authorization: request.headers.authorization });
      const reply = (status: number, body: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      if (failWith !== undefined) return reply(failWith, { error_code: "INTERNAL_ERROR", message: "database is gone" });
      if (path === "experiments/get-by-name") {
        return experiment ? reply(200, { experiment: { experiment_id: "7" } }) : reply(404, { error_code: "RESOURCE_DOES_NOT_EXIST" });
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

const record = (step: number, metrics: Record<string, number>): MetricRecord => ({ step, split: "train", scope: "all", name: "all", metrics });
const sink = () => mlflowSink({ url, experiment: "v-triune", runName: "mine", now: () => 1000, token: "secret" });

describe("mlflow conforms", () => {
  for (const { name, run } of metricSinkConformance(sink)) it(name, run);
});

it("makes the experiment and the run once, and ends the run", async () => {
  const open = sink();
  await open.write([record(1, { "critic/rewards/mean": 0.5 })]);
  await open.write([record(2, { "critic/rewards/mean": Number.NaN, "acc/best@8/mean": -Infinity })]);
  await open.close();
  expect(calls.map(({ path }) => path)).toEqual(["experiments/get-by-name", "experiments/create", "runs/create", "runs/log-batch", "runs/log-batch", "runs/update"]);
  expect(calls[2]!.body).toEqual({ experiment_id: "7", run_name: "mine", start_time: 1000 });
  expect(calls[3]!.body).toEqual({ run_id: "run1", metrics: [{ key: "critic/rewards/mean", value: 0.5, timestamp: 1000, step: 1 }] });
  expect(calls[4]!.body["metrics"]).toMatchObject([
    { key: "critic/rewards/mean", value: "NaN" },
    { key: "acc/best_at_8/mean", value: "-Infinity" },
  ]);
  expect(calls[5]!.body).toMatchObject({ status: "FINISHED" });
  expect(calls.every(({ authorization }) => authorization === "Bearer secret")).toBe(true);
});

it("sends at most 1,000 numbers at once", async () => {
  const open = sink();
  await open.write(Array.from({ length: 5 }, (_, step) => record(step, Object.fromEntries(Array.from({ length: 500 }, (__, i) => [`m${i}`, i])))));
  const sizes = calls.filter(({ path }) => path === "runs/log-batch").map(({ body }) => (body["metrics"] as unknown[]).length);
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
