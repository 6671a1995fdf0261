import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alarm, MetricRecord } from "@v-triune/monitor";
import { afterEach, beforeEach, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { TrainingConfigInput } from "../config/training-config-schema";
import { openRunMonitor } from "./run-monitor";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-monitor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(monitor: TrainingConfigInput["monitor"] = {}) {
  const config = resolveTrainingConfig(
    { model: "m", data: { train: "d" }, ...(monitor === undefined ? {} : { monitor }) },
    folder,
  );
  const said: string[] = [];
  const alarms: Alarm[] = [];
  const description = { format: 1, name: "mine", seed: 1, backend: "", versions: {}, createdAt: "", config } as const;
  const opened = openRunMonitor({
    config: config.monitor,
    folder: { path: folder, metricsPath: join(folder, "metrics.jsonl"), description },
    onProblem: (message) => said.push(message),
    onAlarm: (alarm) => alarms.push(alarm),
  });
  return { opened, said, alarms };
}

const record = (step: number, clipRatio = 0): MetricRecord => ({
  step,
  split: "train",
  scope: "source",
  name: "clevr",
  metrics: { "response_length/clip_ratio": clipRatio, "verdict/error_ratio": clipRatio },
});

it("writes metrics.jsonl always, and what the configuration asks for", async () => {
  const { opened, said } = open({ tensorboard: true, csv: true, prometheus: join(folder, "m.prom") });
  opened.write([record(1)]);
  await opened.close();
  expect(said).toEqual([]);
  expect(
    readdirSync(folder)
      .map((name) => name.replace(/^(events\.out\.tfevents).*/, "$1"))
      .sort(),
  ).toEqual(["events.out.tfevents", "m.prom", "metrics.csv", "metrics.jsonl"]);
  const plain = open();
  expect(plain.opened.wantsRollouts(3)).toBe(true);
  expect(open({ rollouts: { every: 5 } }).opened.wantsRollouts(3)).toBe(false);
  expect(open({ rollouts: { every: null } }).opened.wantsRollouts(5)).toBe(false);
});

it("trains on without its server", async () => {
  const { opened, said } = open({ mlflow: { url: "http://127.0.0.1:9", experiment: "x" } });
  opened.write([record(1)]);
  await opened.flush();
  expect(said).toEqual([expect.stringMatching(/^metrics: mlflow failed/)]);
  await opened.close();
  expect(readFileSync(join(folder, "metrics.jsonl"), "utf8").split("\n")).toHaveLength(2);
});

it("asks for the end of the run only where it was told to", () => {
  for (const [onAlarm, stops] of [
    ["tell", false],
    ["stop", true],
  ] as const) {
    const { opened, alarms } = open({ alarms: { onAlarm } });
    for (let step = 1; step <= 5; step += 1) opened.write([record(step, 0.5)]);
    expect(alarms.map(({ rule }) => rule)).toEqual(["verifier errors", "answers cut off"]);
    expect(opened.stopRequested).toBe(stops);
  }
});

it("posts alarms to a webhook, by the rules of the configuration", async () => {
  const posted: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      posted.push((JSON.parse(text) as { text: string }).text);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { opened, alarms, said } = open({
    alarms: {
      webhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      rules: { "answers cut off": false },
    },
  });
  for (let step = 1; step <= 5; step += 1) opened.write([record(step, 0.5)]);
  await opened.close();
  server.close();
  expect(alarms.map(({ rule }) => rule)).toEqual(["verifier errors"]);
  expect(said).toEqual([]);
  expect(posted).toEqual([expect.stringMatching(/verifier errors in clevr: .* since step 3\./)]);
});

it("resumes: later records are gone, and an alarm that was on is not told again", async () => {
  const first = open({ csv: true });
  for (let step = 1; step <= 6; step += 1) first.opened.write([record(step, 0.5)]);
  await first.opened.close();
  const second = open({ csv: true });
  await second.opened.resumeAfter(5);
  second.opened.write([record(6, 0.5)]);
  await second.opened.close();
  expect(second.alarms).toEqual([]);
  const steps = readFileSync(join(folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as MetricRecord).step);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
  const rows = readFileSync(join(folder, "metrics.csv"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(",")[0]);
  expect(rows).toEqual(["step", ...steps.flatMap((step) => [String(step), String(step)])]);
});

it("resumes a run that has written nothing yet", async () => {
  const { opened } = open();
  await opened.resumeAfter(0);
  expect(existsSync(join(folder, "metrics.jsonl"))).toBe(false);
  await opened.close();
});
