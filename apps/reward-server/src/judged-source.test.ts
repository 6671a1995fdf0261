import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRewardServer, type RewardServer } from "./server";

const folder = mkdtempSync(join(tmpdir(), "v-triune-server-judge-"));
let endpoint: Server;
let server: RewardServer;

/** A model that finds "good" right, refuses "denied", and says nothing on "slow". */
beforeAll(async () => {
  endpoint = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      if (body.includes("slow")) return;
      if (body.includes("denied")) return void response.writeHead(401).end("bad key");
      const content = body.includes("vague") ? "Perhaps." : JSON.stringify({ verdicts: [body.includes("good")] });
      response.end(JSON.stringify({ choices: [{ message: { content } }] }));
    });
  });
  await new Promise<void>((resolve) => void endpoint.listen(0, "127.0.0.1", resolve));
  const judge = join(folder, "judge.json");
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
  writeFileSync(judge, JSON.stringify({ url, model: "m", retries: 0 }));
  server = await startRewardServer({ port: 0, workers: 1, judge, logLevel: "silent" });
});
afterAll(async () => {
  await server.drain();
  endpoint.closeAllConnections();
  endpoint.close();
  rmSync(folder, { recursive: true });
});

const request = (response: string, verifier = "judge") => ({ response, verifier, ground_truth: "\\boxed{3}" });
async function score(requests: object[], headers: Record<string, string> = {}) {
  const reply = await fetch(`${server.url}/v1/score`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ requests }),
  });
  return ((await reply.json()) as { results: Record<string, unknown>[] }).results;
}

describe("a reward server with a judge", () => {
  it("judges by the judge what names it, and by its workers the rest", async () => {
    expect(server.verifiers).toContain("judge");
    const found = await score([request("good"), request("\\boxed{3}", "mathverify"), request("bad"), request("vague")]);
    expect(found.map(({ status, accuracy }) => accuracy ?? status)).toEqual([1, 1, 0, "error"]);
    expect(found[3]).toMatchObject({ code: "judge" });
    expect(found[0]!["metrics"]).toMatchObject({ judge_requests: 1 });
  });

  it("goes on where the endpoint refuses, and keeps the deadline of a request", async () => {
    expect(await score([request("denied")])).toMatchObject([{ status: "error", code: "server" }]);
    const [late, right] = await score([request("slow"), request("good")], { "x-deadline-ms": "400" });
    expect(late).toMatchObject({ status: "error", code: "deadline" });
    expect(right).toMatchObject({ status: "scored" });
  });

  it("answers the original server's route, too", async () => {
    const body = {
      response: "good",
      prompt: "?",
      answer: "3",
      solution: "3",
      data_source: "x",
      reward_verifier: "judge",
      reward_verifier_parm: "{}",
    };
    const reply = await fetch(`${server.url}/judge`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(await reply.json()).toMatchObject({ rewards: { accuracy_reward: 1 } });
  });

  it("does not start with settings that cannot be used", async () => {
    const broken = join(folder, "broken.json");
    writeFileSync(broken, '{"url": "http://127.0.0.1:1/v1", "model": "m", "vote": 3}');
    await expect(startRewardServer({ port: 0, judge: broken })).rejects.toMatchObject({ fix: "write votes" });
    await expect(startRewardServer({ port: 0, judge: `${broken}.none` })).rejects.toMatchObject({
      name: "ServerConfigError",
      where: "--judge on the command line",
    });
  });
});
