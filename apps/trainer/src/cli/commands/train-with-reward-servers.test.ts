import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RewardServer, startRewardServer } from "@v-triune/reward-server";
import { type TrainingEvent, runTraining } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tinyRun } from "../../testing/tiny-run";

const folder = mkdtempSync(join(tmpdir(), "v-triune-judged-"));
let base: TrainingConfig;
let server: RewardServer;
const start = (port: number, token?: string) =>
  startRewardServer({ port, workers: 1, logLevel: "silent", ...(token === undefined ? {} : { token }) });

beforeAll(async () => {
  base = {
    ...(await tinyRun(folder, "base", 3)),
    data: { train: [{ path: join(folder, "train.parquet"), weight: 1, cap: null }], eval: [], sampling: null },
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const judged = (name: string, change: Partial<TrainingConfig["reward"]>): TrainingConfig => ({
  ...base,
  run: { ...base.run, name, folder: join(folder, name) },
  reward: { ...base.reward, ...change },
});
const rewardsOf = (name: string): Record<string, number>[] =>
  readFileSync(join(folder, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { metrics: Record<string, number> }).metrics)
    .map((metrics) =>
      Object.fromEntries(Object.entries(metrics).filter(([key]) => /^(critic|reward|verdict|verifier)\//.test(key))),
    );

it("pauses while the reward servers are gone, goes on when one is back, and judges as this process does", async () => {
  server = await start(0);
  const events: TrainingEvent[] = [];
  let steps = 0;
  await runTraining(judged("remote", { servers: [server.url] }), {
    listen: (event) => {
      events.push(event);
      if (event.type === "step" && ++steps === 1)
        void server
          .drain()
          .then(() => setTimeout(() => void start(server.port).then((again) => (server = again)), 1200));
    },
  });
  await server.drain();
  expect(events.flatMap((event) => (event.type === "engine" ? [event.state] : []))).toEqual(["waiting", "back"]);
  expect(events.find(({ type }) => type === "engine")).toMatchObject({
    message: expect.stringMatching(
      /^No reward server answers: http:\/\/127\.0\.0\.1:\d+ \(.+\)\. Waiting for one/,
    ) as unknown,
  });
  await runTraining(judged("local", {}));
  expect(rewardsOf("remote")).toEqual(rewardsOf("local"));
}, 30_000);

it("says whose token is missing or wrong", async () => {
  server = await start(0, "a-long-secret");
  await expect(
    runTraining(judged("unset", { servers: [server.url], tokenEnv: "V_TRIUNE_NO_SUCH_TOKEN" })),
  ).rejects.toThrow(/token of the reward servers is not set[^]*V_TRIUNE_NO_SUCH_TOKEN/);
  process.env["V_TRIUNE_TEST_TOKEN"] = "guess";
  await expect(
    runTraining(judged("wrong", { servers: [server.url], tokenEnv: "V_TRIUNE_TEST_TOKEN" })),
  ).rejects.toThrow("HTTP 401");
  await server.drain();
}, 30_000);

it("ends the run when the server there is no reward server, rather than training on nothing", async () => {
  const other = createServer((_, reply) => void reply.end("<html>hello</html>"));
  await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const steps: number[] = [];
  await expect(
    runTraining(judged("other", { servers: [url] }), {
      listen: (event) => event.type === "step" && steps.push(event.summary.step),
    }),
  ).rejects.toThrow(/judge nothing[^]*reward\.servers[^]*ended after 0 of \d+ answers/);
  expect(steps).toEqual([]);
  other.close();
}, 60_000);
