import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { afterEach, describe, expect, it, vi } from "vitest";
import builtinVerifiers from "../builtin-verifiers";
import { checkRewardSource } from "../conformance";
import { createLocalRewardSource } from "../local-reward-source";
import { collectRewards, type RewardRequest } from "../reward-source";
import { readScoreRequests } from "../score-contract";
import { createHttpRewardSource } from "./http-reward-source";
import { RewardServerError } from "./score-batch";

type Answer = (requests: RewardRequest[], response: ServerResponse, request: IncomingMessage) => void;

const source = createLocalRewardSource(createVerifierRegistry(builtinVerifiers()));
const request = (digit: string): RewardRequest => ({
  response: `\\boxed{${digit}}`,
  verifier: "mathverify",
  sample: { groundTruth: "\\boxed{4}" },
  formatRatio: 0,
});
const requests = Array.from({ length: 200 }, (_, i) => request(String(i % 5)));
const expected = requests.map((_, i) => (i % 5 === 4 ? 1 : 0));

/** Answers line by line, in reverse order. */
const ndjson: Answer = (batch, response) => {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  void collectRewards(source, batch).then((results) => {
    for (const result of results.toReversed()) response.write(`${JSON.stringify(result)}\n`);
    response.end();
  });
};

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Starts a server; `answers` are used up one by one, the last one stays. */
const serve = (...answers: [Answer, ...Answer[]]) => serveAt(0, ...answers);

async function serveAt(
  port: number,
  ...answers: Answer[]
): Promise<{ url: string; batches: number[]; broken: () => number }> {
  const batches: number[] = [];
  let broken = 0;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    response.on("close", () => void (response.writableFinished || broken++));
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const batch = readScoreRequests(JSON.parse(Buffer.concat(chunks).toString()));
      batches.push(batch.length);
      ((answers.length > 1 ? answers.shift() : answers[0]) ?? ndjson)(batch, response, incoming);
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => void server.listen(port, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, batches, broken: () => broken };
}

const rewards = async (...arguments_: Parameters<typeof collectRewards>) =>
  (await collectRewards(...arguments_)).map((result) => (result.status === "scored" ? result.reward : result.reason));

describe("createHttpRewardSource", () => {
  it("conforms", async () => {
    const { url } = await serve(ndjson);
    const http = createHttpRewardSource({ urls: [url] });
    expect(await checkRewardSource(http, { requests: requests.slice(0, 8) })).toEqual([]);
    await http.close();
  });

  it("gathers batches and spreads them over servers", async () => {
    const [one, two] = [await serve(ndjson), await serve(ndjson)];
    const http = createHttpRewardSource({ urls: [one.url, two.url], batch: 25 });
    expect(await rewards(http, requests)).toEqual(expected);
    expect([...one.batches, ...two.batches].reduce((sum, size) => sum + size, 0)).toBe(200);
    expect(Math.min(one.batches.length, two.batches.length)).toBeGreaterThan(1);
    // The last verdict arrives a moment before the end of its reply.
    await expect
      .poll(() => http.health())
      .toMatchObject([
        { url: one.url, state: "up", outstanding: 0, failures: 0 },
        { url: two.url, state: "up" },
      ]);
  });

  it("goes on when a server's rest ends between two looks at the clock", { timeout: 10_000 }, async () => {
    const { url } = await serve((_, response) => void response.destroy(), ndjson);
    // 200 ms a look: the first look after the fault finds 50 ms of the rest left, the second one none.
    let time = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (time += 200));
    try {
      expect(await rewards(createHttpRewardSource({ urls: [url], parallel: 1 }), requests.slice(0, 10))).toEqual(
        expected.slice(0, 10),
      );
    } finally {
      clock.mockRestore();
    }
  });

  it("reads a JSON list as well, and sends its token", async () => {
    const { url } = await serve((batch, response, { headers }) => {
      if (headers.authorization !== "Bearer secret") return void response.writeHead(401).end("no token");
      void collectRewards(source, batch).then((results) =>
        response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify({ results })),
      );
    });
    expect(await rewards(createHttpRewardSource({ urls: [url], token: "secret" }), requests)).toEqual(expected);
    await expect(rewards(createHttpRewardSource({ urls: [url] }), requests)).rejects.toThrow(RewardServerError);
    await expect(rewards(createHttpRewardSource({ urls: [url] }), requests)).rejects.toThrow(
      /\/v1\/score answered HTTP 401\.\n {2}found: {4}no token/,
    );
  });

  it.each<[string, Answer]>([
    ["503 with Retry-After", (_, response) => void response.writeHead(503, { "retry-after": "0" }).end()],
    ["a closed connection", (_, response) => void response.destroy()],
    [
      "a reply that breaks off",
      (_, response) => (
        response.writeHead(200, { "content-type": "application/x-ndjson" }),
        response.write('{"index":0,"status":"error","reason":"first"}\n{"index":1,'),
        void setTimeout(() => response.destroy(), 5)
      ),
    ],
    [
      "a reply that is too short",
      (_, response) =>
        void response
          .writeHead(200, { "content-type": "application/x-ndjson" })
          .end('{"index":0,"status":"error","reason":"first"}\n'),
    ],
    [
      "a reply that is not JSON",
      (_, response) => void response.writeHead(200, { "content-type": "application/x-ndjson" }).end("<html>\n"),
    ],
    [
      "a reward of null",
      (_, response) =>
        void response
          .writeHead(200, { "content-type": "application/json" })
          .end('{"results":[{"index":0,"status":"scored","reward":null}]}'),
    ],
  ])("asks again after %s, for what was not answered", async (name, fault) => {
    const { url, batches } = await serve(fault, ndjson);
    const answers = await rewards(createHttpRewardSource({ urls: [url], parallel: 1 }), requests.slice(0, 10));
    const answeredAtFirst = name.startsWith("a reply that breaks") || name.startsWith("a reply that is too short");
    expect(answers).toEqual([answeredAtFirst ? "first" : 0, ...expected.slice(1, 10)]);
    expect(batches).toEqual([10, answeredAtFirst ? 9 : 10]);
  });

  it("goes on with the other server when one is gone", async () => {
    const alive = await serve(ndjson);
    const http = createHttpRewardSource({ urls: ["http://127.0.0.1:9", alive.url], batch: 20 });
    expect(await rewards(http, requests)).toEqual(expected);
    expect(http.health()[0]).toMatchObject({
      outstanding: 0,
      answered: 0,
      failures: expect.any(Number) as unknown,
      lastFault: expect.any(String) as unknown,
    });
  });

  it("says error, not 0, when all servers are gone, or waits for one", async () => {
    const gone = createHttpRewardSource({ urls: ["http://127.0.0.1:9"], retries: 1 });
    expect(await rewards(gone, requests.slice(0, 2))).toEqual([
      expect.stringMatching(/^server: http:\/\/127\.0\.0\.1:9: /),
      expect.stringMatching(/^server: /),
    ]);
    const away: Answer = (_, response) => void response.destroy();
    const { url } = await serve(away, away, ndjson);
    expect(
      await rewards(createHttpRewardSource({ urls: [url], retries: 0, whenDown: "wait", parallel: 1 }), requests),
    ).toEqual(expected);
  });

  it("waits for a busy server without counting that as a try", async () => {
    const busy: Answer = (_, response) => void response.writeHead(503, { "retry-after": "0.01" }).end();
    const { url } = await serve(busy, busy, busy, ndjson);
    const seen: string[] = [];
    const http = createHttpRewardSource({
      urls: [url],
      retries: 0,
      parallel: 1,
      onHealth: ({ state }) => void seen.push(state),
      onPause: () => void seen.push("paused"),
    });
    expect(await rewards(http, requests)).toEqual(expected);
    expect(seen).toEqual(["busy", "up"]);
  });

  it("does not let every sample wait for servers that are gone", { timeout: 4000 }, async () => {
    const gone = createHttpRewardSource({
      urls: ["http://127.0.0.1:9", "http://127.0.0.1:10"],
      retries: 1,
      batch: 4,
      parallel: 1,
    });
    const reasons = await rewards(gone, requests);
    expect(
      reasons.every((reason) => typeof reason === "string" && reason.startsWith("server: http://127.0.0.1:")),
    ).toBe(true);
    expect(reasons).toHaveLength(200);
  });

  it("pauses when its last server goes, goes on when one is back, and tells of both", async () => {
    const first = await serve(ndjson);
    const port = Number(new URL(first.url).port);
    const events: string[] = [];
    const http = createHttpRewardSource({
      urls: [first.url],
      batch: 10,
      parallel: 2,
      retries: 0,
      whenDown: "wait",
      onPause: ([health]) =>
        void events.push(`pause ${health?.state} ${health?.lastFault === undefined ? "without" : "with"} a reason`),
      onResume: ({ pausedMs, url }) => void events.push(`resume ${url === first.url} ${pausedMs > 100}`),
      onHealth: ({ state }) => void events.push(state),
    });
    const answers: unknown[] = [];
    for await (const result of http.score(requests)) {
      answers[result.index] = result.status === "scored" ? result.reward : result.reason;
      if (answers.filter((answer) => answer !== undefined).length === 60) {
        const server = servers.pop() as Server;
        server.closeAllConnections();
        server.close();
        setTimeout(() => void serveAt(port), 150);
      }
    }
    expect(answers).toEqual(expected);
    await expect.poll(() => events).toEqual(["down", "pause down with a reason", "up", "resume true true"]);
  });

  it("sends what is slow to a second server, and drops the slow reply", async () => {
    const slow = await serve(() => undefined);
    const quick = await serve(ndjson);
    const http = createHttpRewardSource({ urls: [slow.url, quick.url], hedgeAfterMs: 30, batch: 4 });
    expect(await rewards(http, requests.slice(0, 8))).toEqual(expected.slice(0, 8));
    await expect.poll(slow.broken).toBeGreaterThan(0);
    await expect.poll(() => http.health()[0]).toMatchObject({ outstanding: 0, failures: 0 });
  });

  it("gives up a reply that never ends, and breaks off when aborted", async () => {
    const { url, broken } = await serve(() => undefined);
    expect(
      await rewards(createHttpRewardSource({ urls: [url], timeoutMs: 50, retries: 0 }), requests.slice(0, 1)),
    ).toEqual([expect.stringContaining("no end of the reply within 50 ms")]);
    const before = broken();
    await expect(
      collectRewards(createHttpRewardSource({ urls: [url] }), requests, { signal: AbortSignal.timeout(40) }),
    ).rejects.toThrow(/timeout/i);
    await expect.poll(broken).toBeGreaterThan(before);
  });

  it("passes a server's own error on without asking again", async () => {
    const { url, batches } = await serve(
      (batch, response) =>
        void response
          .writeHead(200, { "content-type": "application/json" })
          .end(JSON.stringify({ results: batch.map((_, index) => ({ index, status: "error", reason: "timeout" })) })),
    );
    expect(await rewards(createHttpRewardSource({ urls: [url] }), requests.slice(0, 3))).toEqual([
      "timeout",
      "timeout",
      "timeout",
    ]);
    expect(batches).toEqual([3]);
  });

  it("settles what is open when it is closed", async () => {
    const { url } = await serve(() => undefined);
    const http = createHttpRewardSource({ urls: [url] });
    const open = rewards(http, requests.slice(0, 2));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await http.close();
    expect(await open).toEqual(["closed", "closed"]);
  });

  it("refuses settings that make no sense", () => {
    expect(() => createHttpRewardSource({ urls: [] })).toThrow("urls is empty");
    expect(() => createHttpRewardSource({ urls: ["localhost:8000"] })).toThrow(
      '"localhost:8000" is not the address of a server',
    );
    expect(() =>
      createHttpRewardSource({ urls: ["http://a"], hedgeAfterMs: undefined, token: undefined }),
    ).not.toThrow();
    expect(() => createHttpRewardSource({ urls: ["http://a"], batch: 0 })).toThrow("batch is 0, expected at least 1");
  });
});
