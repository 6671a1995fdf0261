import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { pino } from "pino";
import { collectRewards, createHttpRewardSource, createLocalRewardSource, type RewardRequest } from "@v-triune/rewards";
import { createVerifierRegistry, detection, mathverify } from "@v-triune/verifiers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRewardServer, type RewardServer } from "./server";

const folder = mkdtempSync(join(tmpdir(), "v-triune-reward-server-"));
const obedient = join(folder, "obedient.mjs");
writeFileSync(
  obedient,
  `export default {
    name: "obedient",
    verify(response, sample) {
      if (response === "hang") for (;;);
      if (response === "exit") process.exit(3);
      const [, busy] = /^busy (\\d+)$/.exec(response) ?? [];
      if (busy !== undefined) { const until = performance.now() + Number(busy); while (performance.now() < until); }
      return { status: "scored", accuracy: response === sample.groundTruth || busy !== undefined ? 1 : 0, format: 1, metrics: {} };
    },
  };`,
);

const GOLD = "<answer>\n[{'bbox_2d': [0, 0, 100, 100], 'label': 'cat'}]\n</answer>";
const judgeBody = (more: object = {}, parm: object = {}) => ({
  response: `<think>\nx\n</think>\n${GOLD}`,
  prompt: "<image>\nq",
  answer: "",
  solution: GOLD,
  data_source: "object365_train",
  reward_verifier: "detection",
  reward_verifier_parm: JSON.stringify({ is_training: true, step: 1, total_steps: 100, ...parm }),
  ...more,
});
const math = (response: unknown, more: object = {}) => ({
  response,
  verifier: "mathverify",
  ground_truth: "\\boxed{4}",
  format_ratio: 0,
  ...more,
});
const own = (response: string) => ({ response, verifier: "obedient", ground_truth: "4" });

let server: RewardServer;
beforeAll(async () => {
  const verifiers = [{ module: pathToFileURL(obedient).href }];
  server = await startRewardServer({
    port: 0,
    workers: 2,
    deadlineMs: 500,
    bodyBytes: 200_000,
    batch: 100,
    queue: 150,
    verifiers,
    logLevel: "silent",
  });
});
afterAll(async () => {
  await server.drain();
  rmSync(folder, { recursive: true, force: true });
});

/** The parts of replies that tests read; which of them are there is what the tests say. */
interface ReplyBody {
  readonly [index: number]: { readonly rewards: Readonly<Record<string, number>> };
  readonly error: Readonly<Record<string, unknown>>;
  readonly rewards: Readonly<Record<string, number>>;
  readonly results: readonly { readonly status: string; readonly reason?: string }[];
}

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  at = server,
): Promise<{ status: number; body: ReplyBody; headers: Headers }> {
  const reply = await fetch(at.url + path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
  const text = await reply.text();
  return {
    status: reply.status,
    headers: reply.headers,
    body: (reply.headers.get("content-type")?.startsWith("application/json")
      ? (JSON.parse(text) as unknown)
      : text) as ReplyBody,
  };
}

describe("POST /judge", () => {
  it("answers as the original where all is well", async () => {
    const { status, body } = await post("/judge", judgeBody());
    expect(status).toBe(200);
    expect(body.rewards).toMatchObject({
      format_reward: 1,
      accuracy_reward: 1,
      reflection_reward: 0,
      final_reward: 1,
      size_penalty_reward: 1,
    });
  });

  it.each([
    ["what is not JSON", "{", 400, { code: "malformed-json", field: "body" }],
    ["an empty body", "", 400, { code: "malformed-json" }],
    ["lists nested without end", `${"[".repeat(60_000)}${"]".repeat(60_000)}`, 400, { field: "body" }],
    ["a list", [], 400, { field: "body" }],
    ["a missing field", { response: "x" }, 400, { field: "prompt" }],
    ["a ratio below 0", judgeBody({ format_ratio: -1 }), 400, { field: "format_ratio" }],
    ["ratios without any weight", judgeBody({ format_ratio: 0, accuracy_ratio: 0 }), 400, { field: "accuracy_ratio" }],
    [
      "an infinite ratio",
      JSON.stringify(judgeBody({ format_ratio: 7 })).replace(":7", ":1e999"),
      400,
      { field: "format_ratio" },
    ],
    ["parameters that are no JSON", judgeBody({ reward_verifier_parm: "{" }), 400, { field: "reward_verifier_parm" }],
    [
      "parameters of another type",
      judgeBody({}, { epsilon: 2 }),
      400,
      { field: "reward_verifier_parm", reason: expect.stringContaining("epsilon") as unknown },
    ],
    [
      "parameters nested without end",
      judgeBody({ reward_verifier_parm: `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}` }),
      400,
      { field: "reward_verifier_parm" },
    ],
    [
      "an unknown verifier",
      judgeBody({ reward_verifier: "detektion" }),
      404,
      { field: "reward_verifier", known: expect.arrayContaining(["detection", "mathverify", "obedient"]) as unknown },
    ],
    [
      "a body over the limit",
      judgeBody({ prompt: "x".repeat(200_000) }),
      413,
      { code: "body-too-large", limit: 200_000 },
    ],
    ["a bad gold answer", judgeBody({ solution: "none" }), 422, { status: "skipped" }],
    [
      "a verifier that hangs",
      judgeBody({ reward_verifier: "obedient", response: "hang" }),
      500,
      { status: "error", reason: "timeout" },
    ],
    [
      "a verifier that dies",
      judgeBody({ reward_verifier: "obedient", response: "exit" }),
      500,
      { status: "error", reason: "crash" },
    ],
  ])("refuses %s, never with zeros", async (_, body, status, error) => {
    const reply = await post("/judge", body);
    expect(reply.status).toBe(status);
    expect(reply.body.error).toMatchObject(error);
    expect(reply.body).not.toHaveProperty("rewards");
  });

  it("states epsilon by number or by step, and evaluation does not inherit training's", async () => {
    const shifted = judgeBody({ response: GOLD.replace("[0, 0,", "[5, 0,") });
    const accuracy = async (parm: object) =>
      (await post("/judge", { ...shifted, reward_verifier_parm: JSON.stringify(parm) })).body.rewards
        .accuracy_reward as number;
    expect(await accuracy({ epsilon: 0.5 })).toBeGreaterThan(0.9);
    expect(await accuracy({ epsilon: 0.99 })).toBe(0);
    const last = { step: 100, total_steps: 100, epsilon: "dynamic" };
    expect(await accuracy({ ...last, is_training: true })).toBe(0);
    expect(await accuracy({ ...last, is_training: false })).toBeGreaterThan(0.5);
  });
});

describe("a key that /judge does not know", () => {
  it("is named in the reply and once in the log", async () => {
    const lines: { readonly warning?: string }[] = [];
    const log = pino({ level: "warn" }, { write: (line) => void lines.push(JSON.parse(line) as object) });
    const logging = await startRewardServer({ port: 0, workers: 1 }, log);
    try {
      const body = judgeBody({ formatratio: 1, len_ratio: 0.5 });
      for (const _ of [1, 2])
        expect((await post("/judge", body, {}, logging)).body).toMatchObject({
          rewards: { final_reward: 1 },
          warnings: [
            '"formatratio": ignored, no such key; did you mean format_ratio?',
            expect.stringContaining("len_ratio") as unknown,
          ],
        });
      expect(await post("/judge", judgeBody({ formatratio: 1, solution: "none" }), {}, logging)).toMatchObject({
        status: 422,
        body: { error: { warnings: [expect.stringContaining("formatratio") as unknown] } },
      });
      expect(lines.filter(({ warning }) => warning !== undefined)).toHaveLength(2);
    } finally {
      await logging.drain();
    }
  });
});

describe("POST /judge/batch", () => {
  it("answers a list in its order, with what was not scored in its place", async () => {
    const { status, body } = await post("/judge/batch", [
      judgeBody(),
      judgeBody({ solution: "none" }),
      judgeBody({ response: "nothing" }),
      judgeBody({ reward_verifier: "obedient", response: "hang" }),
    ]);
    expect(status).toBe(200);
    expect(body[0]?.rewards.final_reward).toBe(1);
    expect(body[1]).toMatchObject({ status: "skipped" });
    expect(body[2]?.rewards.final_reward).toBe(0);
    expect(body[3]).toEqual({ status: "error", reason: "timeout" });
    expect((await post("/judge/batch", [])).body).toEqual([]);
  });

  it("answers an entry that is wrong in its place, and refuses a batch of nothing else", async () => {
    const { status, body } = await post("/judge/batch", [
      judgeBody(),
      { response: 1 },
      judgeBody({ reward_verifier: "x" }),
      judgeBody({ response: [{ type: "hologram" }] }),
      judgeBody(),
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject([
      { rewards: { final_reward: 1 } },
      { status: "error", field: "[1].response", reason: expect.stringContaining("[1].response") as unknown },
      { status: "error", field: "[2].reward_verifier", known: expect.arrayContaining(["detection"]) as unknown },
      { status: "error", field: "[3].response[0].type", reason: expect.stringContaining('"hologram"') as unknown },
      { rewards: { final_reward: 1 } },
    ]);
    expect((await post("/judge/batch", [{ response: 1 }])).body.error).toMatchObject({ field: "[0].response" });
    expect(await post("/judge/batch", [judgeBody({ reward_verifier: "x" }), null])).toMatchObject({
      status: 404,
      body: { error: { field: "[0].reward_verifier" } },
    });
    expect((await post("/judge/batch", Array(101).fill(null))).status).toBe(413);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/v_triune_reward_left_out_total\{route="\/judge\/batch",status="error"\} \d+/);
  });

  it("takes the successor's ratios per entry, and names in its place what was ignored", async () => {
    const empty = (more: object) =>
      judgeBody({ response: "nothing\n<answer>\n[{'bbox_2d': [1, 1, 2, 2], 'label': 'x'}]\n</answer>", ...more });
    const { body } = await post("/judge/batch", [
      empty({ fmt_ratio: 1, len_ratio: null, query: "q" }),
      empty({ format_ratio: 0.25, acc_ratio: 3 }),
    ]);
    expect(body).toMatchObject([
      { rewards: { format_reward: 1, final_reward: 0.5 } },
      { rewards: { final_reward: 0.2 }, warnings: [expect.stringContaining('"acc_ratio": ignored') as unknown] },
    ]);
    expect(body[0]).not.toHaveProperty("warnings");
  });
});

describe("POST /v1/score", () => {
  it("gives a list in the order asked", async () => {
    const { body } = await post("/v1/score", {
      requests: [math("\\boxed{4}"), math("\\boxed{5}"), math("\\boxed{4}", { ground_truth: "" })],
    });
    expect(body.results).toMatchObject([
      { index: 0, status: "scored", reward: 1 },
      { index: 1, status: "scored", reward: 0 },
      { index: 2, status: "skipped" },
    ]);
    expect((await post("/v1/score", { requests: [] })).body).toEqual({ results: [] });
  });

  it("streams verdicts as they are done", async () => {
    const reply = await fetch(`${server.url}/v1/score`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/x-ndjson" },
      body: JSON.stringify({ requests: [own("hang"), own("4"), own("5")] }),
    });
    expect(reply.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await reply.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { index: number; status: string });
    expect(lines.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
    expect(lines.at(-1)).toEqual({ index: 0, status: "error", reason: "timeout", code: "timeout" });
  });

  it.each([
    [{ requests: 1 }, 400, "requests"],
    [{ requests: [{ response: "x" }, math("x", { verifier: "nobody" })] }, 400, "requests[0].verifier"],
    [{ requests: [math("x", { verifier: "nobody" })] }, 404, "requests[0].verifier"],
    [{ requests: [math("x", { accuracy_ratio: 0 })] }, 400, "requests[0].accuracy_ratio"],
  ])("refuses %j", async (body, status, field) => {
    expect(await post("/v1/score", body)).toMatchObject({ status, body: { error: { field } } });
  });

  it("answers a sample that cannot be read in its place", async () => {
    const { status, body } = await post("/v1/score", {
      requests: [
        { response: "x" },
        math([{ type: "text", text: "\\boxed{4}" }, { type: "image_url" }]),
        math("x", { verifier: "nobody" }),
        math("\\boxed{2}", { ground_truth: "2\\pi" }),
      ],
    });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      {
        index: 0,
        status: "error",
        code: "request",
        reason: expect.stringContaining("requests[0].verifier") as unknown,
      },
      { index: 1, status: "scored", reward: 1 },
      { index: 2, status: "error", code: "request", reason: expect.stringContaining("nobody") as unknown },
      { index: 3, status: "scored", reward: 0 },
    ]);
  });

  it("says error: deadline for what the client's own deadline leaves, and 504 for a single sample", async () => {
    const { status, body } = await post(
      "/v1/score",
      { requests: [own("busy 1200"), own("busy 1201"), own("busy 1202"), own("busy 1203")] },
      { "x-deadline-ms": "150" },
    );
    expect(status).toBe(200);
    expect(body.results.map(({ reason }) => reason)).toEqual(["deadline", "deadline", "deadline", "deadline"]);
    expect(
      (
        await post("/judge", judgeBody({ reward_verifier: "obedient", response: "busy 1200" }), {
          "x-deadline-ms": "100",
        })
      ).status,
    ).toBe(504);
    expect((await post("/judge", judgeBody(), { "x-deadline-ms": "soon" })).status).toBe(400);
  });

  it("is what HttpRewardSource speaks: same results as in process", async () => {
    const requests: RewardRequest[] = Array.from({ length: 300 }, (_, i) =>
      i % 2 === 0
        ? { response: `\\boxed{${i % 7}}`, verifier: "mathverify", sample: { groundTruth: "4" } }
        : {
            response: GOLD.replace("[0, 0,", `[${i % 9}, 0,`),
            verifier: "detection",
            sample: { groundTruth: GOLD, params: { epsilon: 0.5 } },
          },
    );
    const remote = createHttpRewardSource({ urls: [server.url], batch: 32, parallel: 2 });
    const local = createLocalRewardSource(createVerifierRegistry([mathverify, detection]));
    expect(await collectRewards(remote, requests)).toEqual(await collectRewards(local, requests));
    await remote.close();
  });
});

describe("limits", () => {
  it("answers 503 with Retry-After past the queue, and all that was accepted", async () => {
    const batch = { requests: Array.from({ length: 90 }, (_, i) => own(`busy ${i % 3}`)) };
    const replies = await Promise.all(Array.from({ length: 4 }, () => post("/v1/score", batch)));
    const refused = replies.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(4);
    for (const { headers, body } of refused) {
      expect(headers.get("retry-after")).toBe("1");
      expect(body.error.code).toBe("queue-full");
    }
    for (const { status, body } of replies)
      if (status === 200) expect(body.results.every((result) => result.status === "scored")).toBe(true);
    expect((await post("/v1/score", batch)).status).toBe(200);
  });

  it("reads JSON in UTF-8 only, so that no page can send text past the CORS check", async () => {
    const send = async (headers: Record<string, string>, body: string | Buffer = JSON.stringify(judgeBody())) => {
      const reply = await fetch(`${server.url}/judge`, { method: "POST", headers, body: new Blob([body]) });
      return [reply.status, ((await reply.json()) as ReplyBody).error?.["code"]];
    };
    expect(await send({})).toEqual([200, undefined]);
    expect(await send({ "content-type": "application/vnd.x+json; charset=utf-8" })).toEqual([200, undefined]);
    expect(await send({ "content-type": "text/plain" })).toEqual([415, "unsupported-type"]);
    expect(await send({ origin: "https://elsewhere.example" })).toEqual([415, "unsupported-type"]);
    expect(
      await send(
        { "content-type": "application/json" },
        Buffer.from(JSON.stringify(judgeBody({ prompt: "\u00e4" })), "latin1"),
      ),
    ).toEqual([400, "malformed-json"]);
  });

  it("refuses compressed bodies, unknown paths and wrong methods by name", async () => {
    expect((await post("/judge", "x", { "content-encoding": "gzip" })).status).toBe(415);
    expect(await post("/jugde", {})).toMatchObject({
      status: 404,
      body: { error: { code: "not-found", message: expect.stringContaining("/judge") as unknown } },
    });
    const wrong = await fetch(`${server.url}/judge`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("slow and half-open clients", () => {
  const open = (
    port: number,
    send: string,
  ): { socket: Socket; closedAfter: Promise<number>; received: () => string } => {
    const started = performance.now();
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(send));
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    socket.on("error", () => undefined);
    return {
      socket,
      received: () => received,
      closedAfter: new Promise((closed) => socket.once("close", () => closed(performance.now() - started))),
    };
  };

  it("are cut off, whether headers, a body or nothing comes, and others are served meanwhile", async () => {
    const strict = await startRewardServer({
      port: 0,
      workers: 1,
      headersMs: 300,
      requestMs: 600,
      idleMs: 2500,
      logLevel: "silent",
    });
    try {
      const headers = open(strict.port, "POST /judge HTTP/1.1\r\nhost: x\r\n");
      const body = open(strict.port, "POST /judge HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
      const silent = open(strict.port, "");
      expect((await post("/judge", judgeBody(), {}, strict)).status).toBe(200);
      for (const { closedAfter } of [headers, body, silent]) expect(await closedAfter).toBeLessThan(5000);
      expect(headers.received()).toMatch(/^HTTP\/1\.1 408/);
      expect(body.received()).toMatch(/^HTTP\/1\.1 408/);
    } finally {
      await strict.drain();
    }
  });

  it("who hang up while they wait free their place", async () => {
    const client = open(server.port, "");
    const text = JSON.stringify({ requests: Array.from({ length: 50 }, () => own("busy 40")) });
    client.socket.write(`POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    const accepted = async () =>
      Number(/v_triune_reward_accepted (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]);
    while ((await accepted()) === 0) await new Promise((later) => setTimeout(later, 5));
    client.socket.destroy();
    const started = performance.now();
    while ((await accepted()) > 0) await new Promise((later) => setTimeout(later, 5));
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe("a token", () => {
  it("is asked for everywhere but on the probes and the greeting", async () => {
    const guarded = await startRewardServer({ port: 0, workers: 1, token: "correct-horse", logLevel: "silent" });
    try {
      const status = async (headers: Record<string, string>) =>
        (await post("/judge", judgeBody(), headers, guarded)).status;
      expect(await status({})).toBe(401);
      expect(await status({ authorization: "Bearer wrong" })).toBe(401);
      expect(await status({ authorization: "correct-horse" })).toBe(401);
      expect(await status({ authorization: "Bearer correct-horse" })).toBe(200);
      for (const [path, expected] of [
        ["/metrics", 401],
        ["/", 200],
        ["/healthz", 200],
        ["/readyz", 200],
      ] as const)
        expect((await fetch(guarded.url + path)).status).toBe(expected);
    } finally {
      await guarded.drain();
    }
  });
});

describe("probes and metrics", () => {
  it("greets as the original", async () =>
    expect(await (await fetch(server.url)).json()).toEqual({ message: "Reward Judge Server" }));

  it("gives a browser a page, which needs nothing from elsewhere, and names its verifiers", async () => {
    const reply = await fetch(server.url, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
    expect(reply.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await reply.text();
    expect(html).toContain("<option>obedient</option>");
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    // A browser would find a slip in the script only when somebody looks.
    const script = /<script>(.*)<\/script>/s.exec(html)?.[1] ?? "";
    expect(script.length).toBeGreaterThan(500);
    expect(() => new Script(script)).not.toThrow();
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
    expect(paths).toHaveProperty("/judge/batch");
  });

  it("counts requests, verdicts, timeouts and crashes", async () => {
    await post("/judge", judgeBody());
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/v_triune_reward_requests_total\{route="\/judge",status="404"\} 1/);
    expect(text).toMatch(/v_triune_reward_requests_total\{route="other",status="404"\} 1/);
    expect(text).toMatch(/v_triune_reward_verdict_seconds_count\{verifier="detection",status="scored"\} \d+/);
    expect(text).toMatch(/v_triune_reward_timeouts_total [1-9]/);
    expect(text).toMatch(/v_triune_reward_crashes_total [1-9]/);
    expect(text).toMatch(/v_triune_reward_accepted 0/);
    // A hang is not long ago: a spare may still be there.
    const gauge = (name: string) => Number(new RegExp(`^v_triune_reward_${name} (\\d+)$`, "m").exec(text)?.[1]);
    expect(gauge("workers") - gauge("workers_spare")).toBe(2);
  });

  it("drains: what was accepted is answered, then nothing listens any more", async () => {
    const stopping = await startRewardServer({
      port: 0,
      workers: 1,
      verifiers: [{ module: pathToFileURL(obedient).href }],
      logLevel: "silent",
    });
    const accepted = post("/v1/score", { requests: Array.from({ length: 5 }, () => own("busy 60")) }, {}, stopping);
    while (!(await (await fetch(`${stopping.url}/metrics`)).text()).includes("v_triune_reward_accepted 5"))
      await new Promise((resolve) => setTimeout(resolve, 5));
    const drained = stopping.drain();
    const { status, headers, body } = await accepted;
    expect(status).toBe(200);
    expect(headers.get("connection")).toBe("close");
    expect(body.results.every((result) => result.status === "scored")).toBe(true);
    expect(await drained).toBe(true);
    await expect(fetch(stopping.url)).rejects.toThrow();
  });
});
