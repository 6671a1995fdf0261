import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditVerifier } from "../audit-verifier";
import { createHttpJudge, type HttpJudgeOptions } from "./http-judge";
import { createPoolJudge } from "./pool-judge";

const folder = mkdtempSync(join(tmpdir(), "v-triune-audit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const module = (name: string, source: string) => {
  const path = join(folder, name);
  writeFileSync(path, source);
  return { module: pathToFileURL(path).href };
};
const verdict = 'const scored = (ok) => ({ status: "scored", accuracy: ok ? 1 : 0, format: 0, metrics: {} });';

describe("createPoolJudge", () => {
  it("judges with a module in a worker; what hangs is a timeout and what throws a crash, and the others are judged", async () => {
    const open = await createPoolJudge({
      module: module(
        "mixed.mjs",
        `${verdict} export default { name: "mixed", verify(response, { groundTruth }) {
          if (response === "hang") for (;;);
          if (response === "throw") throw new Error("on purpose");
          if (response === "exit") process.exit(1);
          if (response === "promise") return Promise.resolve(scored(true));
          return scored(response.includes(groundTruth));
        } };`,
      ),
      deadlineMs: 300,
    });
    expect(open.verifier).toBe("mixed");
    const outcomes = await open.judge(
      ["4", "hang", "throw", "5", "exit", "promise", "4"].map((response) => ({ response, gold: "4" })),
    );
    expect(outcomes).toMatchObject([
      { status: "scored", score: 1 },
      { status: "timeout" },
      { status: "crash", reason: expect.stringContaining("on purpose") as unknown },
      { status: "scored", score: 0 },
      { status: "crash" },
      { status: "crash" },
      { status: "scored", score: 1 },
    ]);
    await open.close();
  });

  it("stops an audit in which every long response hangs", async () => {
    const open = await createPoolJudge({
      module: module(
        "slow.mjs",
        `${verdict} export default { name: "slow", verify(response, { groundTruth }) {
          if (response.length > 60) for (;;);
          return scored(response.includes(groundTruth));
        } };`,
      ),
      deadlineMs: 100,
    });
    const report = await auditVerifier(open.judge, [{ gold: "4" }, { gold: "red" }], { searchCalls: 100 });
    expect(report).toMatchObject({ isStopped: true, firstFailure: { reason: "timeout" } });
    expect(report.timeouts).toBeLessThan(20);
    await open.close();
  });

  it("says what is wrong with a module", async () => {
    await expect(createPoolJudge({ module: module("none.mjs", "export const a = 1;") })).rejects.toThrow(
      /no export "default"/,
    );
    await expect(createPoolJudge({ module: module("number.mjs", "export default 4;") })).rejects.toThrow(
      /not a verifier/,
    );
    await expect(createPoolJudge({ module: module("broken.mjs", "export default {") })).rejects.toThrow(
      /cannot be imported/,
    );
    await expect(createPoolJudge({ module: module("loop.mjs", "for (;;);"), startMs: 500 })).rejects.toThrow(
      /still loading/,
    );
    await expect(createPoolJudge({ verifier: "anser" })).rejects.toThrow(/no such verifier[^]*anser/);
    await expect(createPoolJudge()).rejects.toThrow(/several verifiers[^]*--verifier/);
  });
});

/** A server that judges by containment, in every shape, with faults by path. */
const server: Server = createServer((request, response) => {
  void body(request).then((text) => {
    const path = request.url ?? "";
    const reply = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    const given = JSON.parse(text) as Record<string, never>;
    const score = (answer: string, gold: string) => (answer.includes(gold) ? 1 : 0);
    if (path === "/html/slime") return void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Hi</h1>");
    if (path === "/late/slime") return;
    if (path === "/token/slime" && request.headers.authorization !== "Bearer secret")
      return void reply(401, { error: { message: "no token" } });
    if (path === "/odd/slime") return void reply(200, { result: "fine" });
    if (path.endsWith("/slime")) {
      const { response: answer, label } = given as unknown as { response: string; label: string };
      if (answer === "bad") return void reply(500, { detail: "cannot judge" });
      return void reply(200, path.startsWith("/object") ? { reward: score(answer, label) } : score(answer, label));
    }
    if (path.endsWith("/openrlhf")) {
      const { query, labels } = given as unknown as { query: string[]; labels: string[] };
      if (query.includes("bad")) return void reply(400, { error: { message: "bad" } });
      return void reply(200, { rewards: query.map((one, index) => score(one, labels[index]!)) });
    }
    if (path.endsWith("/judge")) {
      const { response: answer, solution } = given as unknown as { response: string; solution: string };
      return void reply(200, { rewards: { final_reward: score(answer, solution) } });
    }
    reply(404, { error: { message: "no route" } });
  });
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function body(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe("createHttpJudge", () => {
  const requests = [
    { response: "4", gold: "4" },
    { response: "5", gold: "4" },
  ];
  const ask = (path: string, more: Partial<HttpJudgeOptions> = {}) => createHttpJudge({ url: url + path, ...more });

  it.each(["/openrlhf", "/slime", "/judge", "/object/slime"])("asks %s by the end of its address", async (path) => {
    expect(await ask(path)(requests)).toEqual([
      { status: "scored", score: 1 },
      { status: "scored", score: 0 },
    ]);
  });

  it("finds the request that a batch is refused for, and takes a fault of one request for its own", async () => {
    const bad = [...requests, { response: "bad", gold: "4" }];
    expect((await ask("/openrlhf")(bad)).map(({ status }) => status)).toEqual(["scored", "scored", "error"]);
    expect((await ask("/slime")(bad))[2]).toEqual({ status: "error", reason: 'HTTP 500: "cannot judge"' });
    expect((await ask("/late/slime", { deadlineMs: 50 })(requests.slice(1)))[0]).toMatchObject({ status: "timeout" });
    expect(await ask("/token/slime", { token: "secret" })(requests)).toHaveLength(2);
  });

  it.each([
    ["/html/slime", {}, /not JSON[^]*text\/html/],
    ["/token/slime", {}, /refuses the call[^]*no token/],
    ["/odd/slime", {}, /another form[^]*a number/],
    ["/nowhere", { shape: "openrlhf" }, /refuses the call[^]*404/],
  ] as const)("says what is wrong with %s", async (path, more, message) => {
    await expect(ask(path, more)(requests)).rejects.toThrow(message);
  });

  it("says what is wrong with an address", async () => {
    expect(() => ask("/rewards")).toThrow(/does not say how[^]*--shape/);
    expect(() => createHttpJudge({ url: "localhost:8000/judge" })).toThrow(/not the address/);
    await expect(createHttpJudge({ url: "http://127.0.0.1:9/slime" })(requests)).rejects.toThrow(/Nothing answers/);
  });

  it("is audited like any other verifier", async () => {
    const report = await auditVerifier(ask("/slime"), [{ gold: "12" }, { gold: "red" }], {
      searchCalls: 60,
      longestResponse: 2000,
    });
    expect(report.kinds.find(({ kind }) => kind === "hedge")).toMatchObject({ wrong: 6 });
  });
});
