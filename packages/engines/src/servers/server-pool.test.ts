import { describe, expect, it } from "vitest";
import { NoAnswerError } from "./http-json";
import { ServerPool } from "./server-pool";

const never = new AbortController().signal;
const gone = () => new NoAnswerError("gone", "nobody listens there");

function pool(urls: readonly string[], parallel = 2) {
  const said: string[] = [];
  const clock = { at: 0 };
  const servers = new ServerPool({
    urls,
    parallel,
    shortestRestMs: 5,
    clock: () => clock.at,
    onPause: (message) => said.push(message),
    onResume: (message) => said.push(message),
  });
  return { servers, said, clock };
}

describe("ServerPool", () => {
  it("hands out the server with the least to do, and waits when all are full", async () => {
    const { servers } = pool(["http://a/", "http://b"]);
    const taken = [];
    for (let i = 0; i < 4; i++) taken.push(await servers.take(never));
    expect(taken.map(({ url }) => url)).toEqual(["http://a", "http://b", "http://a", "http://b"]);
    let fifth: string | undefined;
    const waiting = servers.take(never).then(({ url }) => (fifth = url));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(fifth).toBeUndefined();
    servers.give(taken[1]!, "answered");
    await waiting;
    expect(fifth).toBe("http://b");
  });

  it("doubles a server's rest after each fault in a row, and looks at one that is gone with one request", async () => {
    const { servers, clock } = pool(["http://a"], 8);
    const server = await servers.take(never);
    const rests: number[] = [];
    for (let i = 0; i < 3; i++) {
      server.outstanding++;
      servers.give(server, gone());
      rests.push(server.restMs);
      clock.at += server.restMs;
    }
    expect(rests).toEqual([5, 10, 20]);
    servers.give(server, "called off");
    expect(server.gone).toBe(true);
    await servers.take(never);
    let second = false;
    void servers.take(never).then(() => (second = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(second).toBe(false);
    servers.give(server, "answered");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(second).toBe(true);
    server.outstanding++;
    servers.give(server, new NoAnswerError("busy", "HTTP 503", { retryAfterMs: 70 }));
    expect(server.restMs).toBe(70);
    clock.at += 70;
    server.outstanding++;
    servers.give(server, new NoAnswerError("busy", "HTTP 429", { retryAfterMs: 0 }));
    expect(server.restMs).toBe(5);
  });

  it("says once that nobody is there and once that somebody is back", async () => {
    const { servers, said, clock } = pool(["http://a", "http://b"]);
    const [a, b] = [await servers.take(never), await servers.take(never)];
    servers.give(a, gone());
    expect(said).toEqual([]);
    servers.give(b, gone());
    b.outstanding++;
    servers.give(b, gone());
    expect(said).toEqual([
      "No rollout server answers: http://a (nobody listens there), http://b (nobody listens there). Waiting for " +
        "one; the step goes on when it is back.",
    ]);
    clock.at += 61_000;
    b.outstanding++;
    servers.give(b, "answered");
    expect(said.slice(1)).toEqual(["http://b is back after 61 s."]);
    expect(servers.waitedMs).toBe(61_000);
  });

  it("stops waiting when it is called off", async () => {
    const { servers } = pool(["http://a"], 1);
    await servers.take(never);
    await expect(servers.take(AbortSignal.timeout(10))).rejects.toThrow(/timeout/i);
  });
});
