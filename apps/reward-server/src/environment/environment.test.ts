import { createHash } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { startRewardServer, type RewardServer } from "../server";
import type { EnvironmentOptions } from "./environment";
import { TaskError, type TaskSet } from "./task-set";

const PICTURE = "data:image/png;base64,AAAA";
const BOXES = "<answer>\n[{'bbox_2d': [0, 0, 100, 100], 'label': 'cat'}]\n</answer>";

/** Ten sums, the fourth without its picture; for tests, boxes, a bad gold answer and an unknown verifier. */
const tasks: TaskSet = {
  description: "Ten sums.",
  splits: [
    { name: "train", count: 10 },
    { name: "test", count: 4 },
  ],
  sourceOf: (split, index) => `${split}-${index % 2}`,
  async read(split, index) {
    if (split === "train" && index === 3) throw new TaskError("row 3 has no picture");
    const sample = { groundTruth: `\\boxed{${index}}`, prompt: `${index}?`, dataSource: "sums", params: {} };
    const sum = {
      id: `sum/${index}`,
      dataSource: "sums",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url" as const, image_url: { url: PICTURE } },
            { type: "text" as const, text: `${index}?` },
          ],
        },
      ],
      reward: { verifier: "mathverify", sample, accuracyRatio: 1, formatRatio: 0 },
    };
    if (split === "train") return sum;
    const changed = [
      { verifier: "detection", sample: { ...sample, groundTruth: BOXES } },
      { verifier: "mathverify", sample: { ...sample, groundTruth: "" } },
      { verifier: "absent", sample },
      { verifier: "slow", sample },
    ][index];
    return { ...sum, id: null, reward: { ...sum.reward, ...changed } };
  },
};

/** A verifier that takes its time. */
const SLOW = `export default {
  name: "slow",
  verify() {
    for (const until = performance.now() + 400; performance.now() < until; );
    return { status: "scored", accuracy: 1, format: 1, metrics: {} };
  },
};`;
const TOKEN = "a-token-of-tests";
const authorization = `Bearer ${TOKEN}`;
const servers: RewardServer[] = [];
async function start(settings: Parameters<typeof startRewardServer>[0] = {}, more: Partial<EnvironmentOptions> = {}) {
  const server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent", ...settings }, undefined, {
    tasks,
    ...more,
  });
  servers.push(server);
  return server;
}
let server: RewardServer;
beforeAll(async () => {
  server = await start({ token: TOKEN, bodyBytes: 100_000, epsilon: "dynamic" });
});
afterAll(() => Promise.all(servers.map((each) => each.drain())));

interface Message {
  readonly type: string;
  readonly data: Record<string, unknown> & { readonly metadata: Record<string, unknown>; readonly message: string };
}

class Client {
  readonly #replies: Message[] = [];
  #wake: () => void = () => {};
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(readonly socket: WebSocket) {
    socket.on("message", (data: Buffer) => {
      this.#replies.push(JSON.parse(data.toString()) as Message);
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  async reply(): Promise<Message> {
    while (this.#replies.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#replies.shift() as Message;
  }

  ask(message: unknown): Promise<Message> {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
    return this.reply();
  }

  reset = (data: object = {}) => this.ask({ type: "reset", data });
  step = (response: unknown, more: object = {}) => this.ask({ type: "step", data: { response, ...more } });

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

async function open(at = server, headers: Record<string, string> = { authorization }, path = "/ws"): Promise<Client> {
  const socket = new WebSocket(at.url.replace("http", "ws") + path, { headers });
  const client = new Client(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("unexpected-response", (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.once("error", reject);
  });
  return client;
}

const post = async (path: string, body?: unknown, at = server) => {
  const reply = await fetch(at.url + path, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: reply.status,
    body: (await reply.json()) as Record<string, unknown> & { error: { message: string } },
  };
};
const get = async (path: string, headers: Record<string, string> = { authorization }) => {
  const reply = await fetch(server.url + path, { headers });
  return { status: reply.status, body: (await reply.json()) as unknown };
};

describe("a session", () => {
  it("asks, judges the answer once, and asks again", async () => {
    const client = await open();
    const asked = await client.reset({ index: 4, episode_id: "e-1" });
    const about = {
      episode_id: "e-1",
      split: "train",
      index: 4,
      task_id: "sum/4",
      data_source: "sums",
      verifier: "mathverify",
    };
    expect(asked).toEqual({
      type: "observation",
      data: {
        observation: {
          messages: [
            {
              role: "user",
              content: [
                { type: "image_url", image_url: { url: PICTURE } },
                { type: "text", text: "4?" },
              ],
            },
          ],
          metadata: about,
        },
        reward: null,
        done: false,
        metadata: about,
      },
    });
    expect(JSON.stringify(asked)).not.toContain("boxed");
    expect((await client.ask({ type: "state" })).data).toEqual({
      episode_id: "e-1",
      step_count: 0,
      done: false,
      split: "train",
      index: 4,
    });
    const judged = await client.step([{ type: "text", text: "\\boxed{4}" }]);
    expect(judged.data).toMatchObject({
      reward: 1,
      done: true,
      observation: { messages: [] },
      metadata: { ...about, status: "scored", accuracy: 1, format: 0 },
    });
    expect((await client.step("\\boxed{4}")).data).toEqual({
      code: "EXECUTION_ERROR",
      message: "the episode is over, it has one answer: reset for the next task",
    });
    expect((await client.reset({ index: 5 })).data["done"]).toBe(false);
    expect((await client.step("\\boxed{4}")).data["reward"]).toBe(0);
    await client.close();
  });

  it("takes a number or a list of boxes for its text, as clients that parse replies send it", async () => {
    const client = await open();
    await client.reset({ index: 4 });
    // Mathverify wants a box, as for the text "4".
    expect((await client.step(4)).data).toMatchObject({ reward: 0, metadata: { status: "scored" } });
    await client.reset({ split: "test", index: 0, epsilon: 0.5 });
    expect((await client.step([{ bbox_2d: [0, 0, 100, 100], label: "cat" }])).data.metadata["accuracy"]).toBe(1);
    await client.close();
  });

  it("gives each session its own episode", async () => {
    const [one, other] = [await open(), await open()];
    await Promise.all([one.reset({ index: 1 }), other.reset({ index: 2 })]);
    const [right, wrong] = await Promise.all([one.step("\\boxed{1}"), other.step("\\boxed{1}")]);
    expect([right.data["reward"], wrong.data["reward"]]).toEqual([1, 0]);
    await Promise.all([one.close(), other.close()]);
  });

  it("answers messages in their order", async () => {
    const client = await open();
    for (const message of [
      { type: "reset", data: { index: 1 } },
      { type: "step", data: { response: "\\boxed{1}" } },
      { type: "state" },
    ])
      client.socket.send(JSON.stringify(message));
    const replies = [await client.reply(), await client.reply(), await client.reply()];
    expect(replies.map(({ data }) => data["done"])).toEqual([false, true, true]);
    await client.close();
  });

  it("gives every task once before any comes again, the same for the same seed", async () => {
    const at = await start();
    const client = await open(at);
    const seen: unknown[] = [];
    for (let i = 0; i < 9; i++) seen.push((await client.reset()).data.metadata["index"]);
    // Task 3 cannot be used.
    expect([...seen].sort()).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
    const drawn = async (seed: number) => (await client.reset({ seed })).data.metadata["index"];
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    const first = [];
    for (const seed of seeds) first.push(await drawn(seed));
    const again = [];
    for (const seed of seeds) again.push(await drawn(seed));
    expect(again).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(5);
    expect(first).not.toContain(3);
    await client.close();
  });

  it("takes the progress of training for the threshold of boxes", async () => {
    const client = await open();
    const near = BOXES.replace("100, 100", "100, 88");
    const reward = async (progress: object) => {
      await client.reset({ split: "test", index: 0, ...progress });
      return (await client.step(near)).data["reward"] as number;
    };
    const early = await reward({ step: 1, total_steps: 100, is_training: true });
    const late = await reward({ step: 99, total_steps: 100, is_training: true });
    expect(early).toBeGreaterThan(0);
    expect(late).toBe(0);
    expect(await reward({ epsilon: 0.5 })).toBeGreaterThan(0);
    expect(await reward({ params: { epsilon: 0.95 } })).toBe(0);
    await client.close();
  });

  it("has no reward, and never a 0, for what was not scored", async () => {
    const client = await open();
    await client.reset({ split: "test", index: 1 });
    const { data } = await client.step("\\boxed{4}");
    expect(data).toMatchObject({ reward: null, done: true, metadata: { status: "skipped" } });
    await client.reset({ split: "test", index: 0 });
    const wrong = await client.step("x", { params: { epsilon: 7 } });
    expect(wrong.data).toMatchObject({ reward: null, done: true, metadata: { status: "error", code: "params" } });
    await client.close();
  });
});

describe("what is wrong with a message", () => {
  it.each<[string, unknown, string, string]>([
    ["no JSON", "{", "INVALID_JSON", "the message is not JSON"],
    ["a list", "[]", "VALIDATION_ERROR", "an object with a type expected"],
    ["no type", {}, "UNKNOWN_TYPE", "found nothing"],
    ["another type", { type: "render" }, "UNKNOWN_TYPE", 'found "render"'],
    ["a step before a reset", { type: "step", data: { response: "4" } }, "EXECUTION_ERROR", "reset first"],
    ["an unknown split", { type: "reset", data: { split: "dev" } }, "VALIDATION_ERROR", "one of train, test expected"],
    ["an index too large", { type: "reset", data: { index: 10 } }, "VALIDATION_ERROR", "0 to 9 expected in train"],
    ["a row that is bad", { type: "reset", data: { index: 3 } }, "VALIDATION_ERROR", "row 3 has no picture"],
    [
      "a text as index",
      { type: "reset", data: { index: "3" } },
      "VALIDATION_ERROR",
      "reset.index: a number or null expected",
    ],
    ["a negative seed", { type: "reset", data: { seed: -1 } }, "VALIDATION_ERROR", "reset.seed: a whole number"],
    ["a threshold over 1", { type: "reset", data: { epsilon: 3 } }, "VALIDATION_ERROR", "reset.epsilon:"],
    ["data that is a list", { type: "reset", data: [] }, "VALIDATION_ERROR", "reset: an object expected"],
    [
      "an unknown verifier",
      { type: "reset", data: { split: "test", index: 2 } },
      "VALIDATION_ERROR",
      'no verifier "absent"',
    ],
  ])("is said, and the session goes on: %s", async (_, message, code, text) => {
    const client = await open();
    const { type, data } = await client.ask(message);
    expect(type).toBe("error");
    expect(data["code"]).toBe(code);
    expect(data.message).toContain(text);
    expect((await client.reset({ index: 1 })).type).toBe("observation");
    await client.close();
  });

  it.each<[string, unknown, string]>([
    ["a field of another name", { reponse: "4" }, "did you mean response?"],
    ["a chat message's field", { text: "4" }, 'An action is {"response": "the answer"}'],
    ["nothing", {}, "action.response: missing"],
    ["a truth value", { response: true }, "action.response: a string or content parts expected, found true"],
    ["a part of an unknown kind", { response: [{ type: "hologram" }] }, "hologram"],
    ["a text", "4", "action: an object expected"],
  ])("names the place in an action: %s", async (_, action, text) => {
    const client = await open();
    await client.reset({ index: 4 });
    const { data } = await client.ask({ type: "step", data: action });
    expect(data["code"]).toBe("VALIDATION_ERROR");
    expect(data.message).toContain(text);
    expect((await client.step("\\boxed{4}")).data["reward"]).toBe(1);
    await client.close();
  });

  it("names parameters that it ignores", async () => {
    const client = await open();
    const { data } = await client.reset({ index: 1, difficulty: "hard" });
    expect(data.metadata["warnings"]).toEqual([expect.stringContaining("difficulty is not known and ignored")]);
    await client.close();
  });

  it("ends a session whose message is too large, and that sends bytes or too many at once", async () => {
    const large = await open();
    large.socket.send("x".repeat(200_000));
    expect((await large.closed).code).toBe(1009);
    const bytes = await open();
    bytes.socket.send(Buffer.from("{}"), { binary: true });
    expect((await bytes.reply()).data).toEqual({ code: "INVALID_JSON", message: "a text message expected" });
    await bytes.close();
    const many = await open();
    // What arrives in several pieces may be answered between them, so it is sent until enough arrives at once.
    const flood = setInterval(() => {
      for (let i = 0; i < 500 && many.socket.readyState === WebSocket.OPEN; i++) many.socket.send('{"type": "state"}');
    }, 5);
    expect(await many.closed).toMatchObject({ code: 1008 });
    clearInterval(flood);
  });
});

describe("who may open a session", () => {
  it("needs the token, the path, and no foreign page", async () => {
    await expect(open(server, {})).rejects.toThrow("HTTP 401");
    await expect(open(server, { authorization: "Bearer another-token" })).rejects.toThrow("HTTP 401");
    await expect(open(server, { authorization }, "/mcp")).rejects.toThrow("HTTP 404");
    await expect(open(server, { authorization, origin: "https://evil.example" })).rejects.toThrow("HTTP 403");
    const plain = await startRewardServer({ port: 0, workers: 1, logLevel: "silent" });
    servers.push(plain);
    await expect(open(plain)).rejects.toThrow("HTTP 404");
  });

  it("takes no more than --max-sessions, and says so", async () => {
    const full = await start({ token: TOKEN }, { maxSessions: 2 });
    const sessions = async () => {
      const reply = await fetch(`${full.url}/metrics`, { headers: { authorization } });
      return Number(/^v_triune_reward_sessions (\d+)$/m.exec(await reply.text())?.[1]);
    };
    const first = await open(full);
    const second = await open(full);
    const late = await open(full);
    expect(await late.reply()).toMatchObject({ type: "error", data: { code: "CAPACITY_REACHED" } });
    expect((await late.closed).code).toBe(1013);
    expect(await sessions()).toBe(2);
    await first.close();
    await vi.waitFor(async () => expect(await sessions()).toBe(1));
    const next = await open(full);
    expect((await next.reset({ index: 1 })).type).toBe("observation");
    await Promise.all([next, second].map((client) => client.close()));
  });

  it("lives through a client that breaks off in the middle of the handshake or of a message", async () => {
    const { port } = server;
    const key = createHash("sha1").update("key").digest("base64").slice(0, 24);
    for (const more of ["", "\x81\xfe"]) {
      const socket = connect(port, "127.0.0.1");
      socket.write(
        `GET /ws HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
          `sec-websocket-key: ${key}\r\nsec-websocket-version: 13\r\n\r\n`,
      );
      await new Promise<unknown>((resolve) => socket.once("data", resolve));
      if (more !== "") socket.write(Buffer.from(more, "latin1"));
      socket.destroy();
    }
    const client = await open();
    expect((await client.reset({ index: 1 })).type).toBe("observation");
    await client.close();
  });
});

describe("a server that stops", () => {
  it("answers what it has taken, closes its sessions and takes no new ones", async () => {
    const verifiers = [{ module: `data:text/javascript,${encodeURIComponent(SLOW)}` }];
    const at = await start({ verifiers });
    const client = await open(at);
    await client.reset({ split: "test", index: 3 });
    const answer = client.step("\\boxed{1}");
    await vi.waitFor(() => expect(at.stats.running).toBe(1));
    const stopped = at.drain();
    expect((await answer).data["reward"]).toBe(1);
    expect(await client.closed).toEqual({ code: 1001, reason: "the server is stopping" });
    expect(await stopped).toBe(true);
  });
});

describe("HTTP", () => {
  it("describes the environment", async () => {
    expect(await get("/health", {})).toEqual({ status: 200, body: { status: "healthy" } });
    expect((await get("/metadata", {})).status).toBe(401);
    expect((await get("/metadata")).body).toMatchObject({ name: "v-triune", description: "Ten sums." });
    expect((await get("/state")).body).toMatchObject({ episode_id: null, step_count: 0 });
    const { body } = await get("/schema");
    expect(body).toMatchObject({
      action: { properties: { response: {} }, required: ["response"], additionalProperties: false },
      observation: { properties: { messages: { type: "array" } } },
      state: { properties: { step_count: { type: "integer", minimum: 0 } } },
    });
  });

  it("has its paths in /openapi.json, and tells clients that it has no tools", async () => {
    const { body } = await get("/openapi.json");
    const { paths } = body as { paths: Record<string, unknown> };
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(["/v1/score", "/reset", "/step", "/state", "/schema", "/metadata", "/health"]),
    );
    expect((await post("/mcp", {})).body).toMatchObject({ jsonrpc: "2.0", id: null, error: { code: -32_600 } });
    expect((await post("/mcp", { jsonrpc: "2.0", id: 7, method: "tools/list" })).body).toMatchObject({
      id: 7,
      error: { code: -32_601 },
    });
  });

  it("resets without a body, and steps a task that is named", async () => {
    const asked = await post("/reset");
    expect(asked).toMatchObject({ status: 200, body: { done: false, reward: null } });
    expect((await post("/reset", { index: 2 })).body).toMatchObject({ metadata: { index: 2 } });
    const action = { response: "\\boxed{2}" };
    expect(await post("/step", { action, index: 2, timeout_s: 30, request_id: "r" })).toMatchObject({
      status: 200,
      body: { done: true, reward: 1, metadata: { status: "scored" } },
    });
  });

  it.each<[string, unknown, number, string]>([
    ["/step", { action: { response: "4" } }, 422, "a request has no session, so it names its task"],
    ["/step", { action: { response: "4" }, index: 10 }, 422, "0 to 9 expected in train"],
    ["/step", { action: { answer: "4" }, index: 1 }, 422, "action.answer: not a field of an action"],
    ["/step", { action: { response: "4" }, index: 1, timeout_s: 0 }, 422, "timeout_s"],
    ["/step", [], 422, "body: an object expected"],
    ["/reset", { seed: 1.5 }, 422, "reset.seed: a whole number of at least 0"],
    ["/v-triune/task", { split: "train", index: 10 }, 400, "index: 0 to 9 expected, found 10"],
    ["/v-triune/tasks", {}, 422, "split: a text expected"],
  ])("refuses at %s %j", async (path, body, status, text) => {
    const reply = await post(path, body);
    expect(reply.status).toBe(status);
    expect(reply.body.error.message).toContain(text);
  });

  it("lists its tasks", async () => {
    expect((await get("/list_environments")).body).toEqual(["v-triune"]);
    expect((await get("/v-triune/splits")).body).toEqual([
      { name: "train", type: "train" },
      { name: "test", type: "test" },
    ]);
    expect((await post("/v-triune/num_tasks", { split: "test" })).body).toEqual({ num_tasks: 4 });
    expect((await post("/v-triune/task", { split: "train", index: 9 })).body).toEqual({
      task: { split: "train", index: 9, data_source: "train-1" },
    });
    expect((await post("/v-triune/task_range", { split: "train", start: 8 })).body["tasks"]).toHaveLength(2);
    expect((await post("/v-triune/tasks", { split: "test" })).body["tasks"]).toHaveLength(4);
  });

  it("judges rewards beside it", async () => {
    const requests = [{ response: "\\boxed{4}", verifier: "mathverify", ground_truth: "4", format_ratio: 0 }];
    expect((await post("/v1/score", { requests })).body["results"]).toMatchObject([{ reward: 1 }]);
  });
});

it("does not start without tasks or in the original server's ways", async () => {
  const environment = { tasks: { ...tasks, splits: [] } };
  await expect(startRewardServer({ port: 0 }, undefined, environment)).rejects.toThrow("has no tasks");
  await expect(startRewardServer({ port: 0, compat: "original" }, undefined, { tasks })).rejects.toThrow("--compat");
  await expect(startRewardServer({ port: 0 }, undefined, { tasks, maxSessions: 0 })).rejects.toThrow("sessions");
});
