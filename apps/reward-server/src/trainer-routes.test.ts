import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRewardServer, type RewardServer } from "./server";

const folder = mkdtempSync(join(tmpdir(), "v-triune-trainer-routes-"));
const hanging = join(folder, "hanging.mjs");
writeFileSync(
  hanging,
  `export default { name: "hanging", verify(response) {
    if (response === "hang") for (;;);
    if (response === "throw") throw new Error("on purpose");
    return { status: "scored", accuracy: 1, format: 1, metrics: {} };
  } };`,
);

let server: RewardServer;
let strict: RewardServer;
const logged: Record<string, unknown>[] = [];
beforeAll(async () => {
  const settings = {
    port: 0,
    workers: 1,
    deadlineMs: 500,
    unscoredReward: -1,
    verifiers: [{ module: pathToFileURL(hanging).href }],
  };
  const log = pino(
    { level: "warn" },
    { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
  );
  server = await startRewardServer(settings, log);
  strict = await startRewardServer({ ...settings, onError: "raise", logLevel: "silent" });
});
afterAll(async () => {
  await Promise.all([server.drain(), strict.drain()]);
  rmSync(folder, { recursive: true });
});

/** The parts of replies that tests read. */
interface ReplyBody {
  readonly rewards: readonly number[];
  readonly scores: readonly number[];
  readonly extra_logs: object;
}

async function post(
  path: string,
  body: unknown,
  { url } = server,
): Promise<{ status: number; body: ReplyBody; word: string | null; reason: string | null }> {
  const reply = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return {
    status: reply.status,
    body: (await reply.json()) as ReplyBody,
    word: reply.headers.get("x-reward-status"),
    reason: reply.headers.get("x-reward-reason"),
  };
}
const model = (more: object = {}) =>
  JSON.stringify({ verifier: "mathverify", ground_truth: "\\boxed{4}", accuracy_ratio: 1, format_ratio: 0, ...more });

describe("/openrlhf", () => {
  it("takes the body of its remote reward call: query is prompt and response with special tokens", async () => {
    const prompt = "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n";
    const { status, body } = await post("/openrlhf", {
      query: [`${prompt}so \\boxed{4}<|im_end|>`, `${prompt}\\boxed{5}</s>`],
      prompts: [prompt, prompt],
      labels: ["4", model()],
    });
    expect(status).toBe(200);
    expect(body.rewards[0]).toBeCloseTo(1 / 1.1, 12);
    expect(body.rewards[1]).toBe(0);
    expect(body.scores).toEqual(body.rewards);
    expect(body.extra_logs).toEqual({
      accuracy: [1, 0],
      format: [0, 0],
      scored: [1, 1],
      error: [0, 0],
      undecided: [0, 0],
    });
  });

  it("does not take an answer that is in the prompt for one in the response", async () => {
    const { body } = await post("/openrlhf", {
      query: ["write \\boxed{4}: no"],
      prompts: ["write \\boxed{4}: "],
      labels: [model()],
    });
    expect(body.rewards).toEqual([0]);
  });

  it("answers the empty lists that further servers get", async () => {
    expect(await post("/openrlhf", { query: [], prompts: [], labels: [] })).toMatchObject({
      status: 200,
      body: { rewards: [], scores: [], extra_logs: {} },
    });
  });

  it("tells a bad gold answer apart, and refuses what it cannot read", async () => {
    const { body } = await post("/openrlhf", {
      query: ["\\boxed{4}"],
      prompts: [""],
      labels: [model({ ground_truth: "" })],
    });
    expect(body).toEqual({
      rewards: [-1],
      scores: [-1],
      extra_logs: { accuracy: [-1], format: [-1], scored: [0], error: [0], undecided: [0] },
    });
    expect(await post("/openrlhf", { query: ["x"], prompts: [""], labels: [] })).toMatchObject({
      status: 400,
      body: { error: { field: "labels" } },
    });
    // One sample by itself may be the only one that cannot be read; several of which none can be read are a mistake.
    for (const body of [
      { query: ["x"], prompts: [""], labels: [null] },
      { query: [1], labels: [model()] },
    ]) {
      expect(await post("/openrlhf", body)).toMatchObject({
        status: 200,
        body: { rewards: [-1], extra_logs: { scored: [0], error: [1] } },
      });
      expect(await post("/openrlhf", body, strict)).toMatchObject({ status: 400 });
    }
    expect(await post("/openrlhf", { query: ["x", "x"], labels: [null, null] })).toMatchObject({
      status: 400,
      body: { error: { field: "labels[0]" } },
    });
    expect(await post("/openrlhf", { query: [1, 2] })).toMatchObject({
      status: 400,
      body: { error: { field: "query[0]" } },
    });
    expect(await post("/openrlhf", { query: ["x"], labels: [model({ verifier: "y" })] })).toMatchObject({
      status: 404,
      body: { error: { field: "labels[0].verifier" } },
    });
  });
});

describe("content parts", () => {
  const picture = { type: "image_url", image_url: { url: "data:" } };
  const four = [picture, { type: "text", text: "\\boxed" }, { type: "output_text", text: "{4}" }];
  const user = { role: "user", content: [picture, { type: "text", text: "2+2? Write \\boxed{4}." }] };

  it("are joined by /openrlhf, in queries of parts and of messages", async () => {
    const { status, body } = await post("/openrlhf", {
      query: [["q: ", ...four], [user, { role: "assistant", content: four }], [{ type: "hologram" }], null, "q: 5"],
      prompts: ["q: ", [user], "", "", "q: "],
      labels: [model(), [{ type: "text", text: "4" }], model(), model(), model()],
    });
    expect(status).toBe(200);
    expect(body.extra_logs).toMatchObject({ accuracy: [1, 1, -1, -1, 0], error: [0, 0, 1, 1, 0] });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/v_triune_reward_ignored_parts_total\{kind="image_url"\} [1-9]/);
    expect(metrics).toMatch(/v_triune_reward_left_out_total\{route="\/openrlhf",status="error"\} [1-9]/);
  });

  it("are joined by /slime, which names a kind that it does not know", async () => {
    expect(await post("/slime", { prompt: [user], response: four, label: model() })).toMatchObject({ body: 1 });
    expect(
      await post("/slime", { prompt: [user], response: { role: "assistant", content: null }, label: model() }),
    ).toMatchObject({ status: 200, body: 0, word: "scored" });
    const hologram = { prompt: "", response: [{ type: "hologram" }], label: model() };
    expect(await post("/slime", hologram)).toMatchObject({
      status: 200,
      body: -1,
      word: "error",
      reason: expect.stringContaining('"hologram"') as unknown,
    });
    expect(await post("/slime", hologram, strict)).toMatchObject({
      status: 400,
      body: {
        error: { field: "response[0].type", message: expect.stringContaining('"hologram"') as unknown },
      },
    });
  });
});

describe("a bare gold answer", () => {
  it("is read whole, or skipped", async () => {
    const prose = "She sold 48 clips in April and half as many in May, so 72 in all";
    const { body } = await post("/openrlhf", {
      query: ["\\boxed{2\\pi}", "\\boxed{2}", "\\boxed{2}", "\\boxed{72}"],
      labels: ["2\\pi", "2\\pi", model({ ground_truth: "2\\pi" }), prose],
    });
    expect(body.extra_logs).toMatchObject({ accuracy: [1, 0, 0, -1], scored: [1, 1, 1, 0], error: [0, 0, 0, 0] });
    expect(await post("/slime", { response: "\\boxed{2}", label: "2\\pi" })).toMatchObject({ body: 0 });
    expect(await post("/slime", { response: "\\boxed{72}", label: prose })).toMatchObject({
      word: "skipped",
      reason: expect.stringContaining("mark the answer") as unknown,
    });
    const judge = (solution: string, response: string) =>
      post("/judge", {
        response,
        prompt: "",
        answer: "",
        solution,
        data_source: "",
        reward_verifier: "mathverify",
        reward_verifier_parm: "{}",
      });
    expect(await judge("2\\pi", "\\boxed{2}")).toMatchObject({ body: { rewards: { accuracy_reward: 0 } } });
    expect(await judge("2\\pi", "\\boxed{2\\pi}")).toMatchObject({ body: { rewards: { accuracy_reward: 1 } } });
    expect(await judge(prose, "\\boxed{72}")).toMatchObject({ status: 422 });
  });
});

/** A response that does not tell itself from the gold answer 4 within the limits. */
const UNDECIDED = "\\boxed{\\sum_{k=1}^{10^{12}} \\frac{1}{k}}";

describe("one bad sample", () => {
  const batch = {
    query: ["\\boxed{4}", "\\boxed{2^{20000}}", UNDECIDED, "hang", "throw", "x", "y", "no prompt", "\\boxed{4}"],
    prompts: ["", "", "", "", "", "", "", "a prompt", ""],
    labels: [
      model(),
      model(),
      model(),
      model({ verifier: "hanging" }),
      model({ verifier: "hanging" }),
      model({ verifier: "detection", ground_truth: "[]", verifier_parm: { epsilon: 7 } }),
      null,
      model(),
      model(),
    ],
  };

  it("costs its /openrlhf batch nothing: the others are answered, and what is left out is marked and logged", async () => {
    logged.length = 0;
    const { status, body } = await post("/openrlhf", batch);
    expect(status).toBe(200);
    expect(body.rewards).toEqual([1, 0, 0, -1, -1, -1, -1, -1, 1]);
    expect(body.extra_logs).toMatchObject({
      scored: [1, 1, 1, 0, 0, 0, 0, 0, 1],
      error: [0, 0, 0, 1, 1, 1, 1, 1, 0],
      undecided: [0, 0, 1, 0, 0, 0, 0, 0, 0],
    });
    expect(logged).toMatchObject([
      {
        msg: "samples left out",
        samples: 9,
        failed: 5,
        reasons: { timeout: 1, "crash: Error: on purpose": 1, "unreadable-sample": 2 },
      },
    ]);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('v_triune_reward_undecided_total{verifier="mathverify"} 1');
  });

  it("refuses the /openrlhf batch where that is asked for, answers that are huge or undecided aside", async () => {
    const some = (...indexes: number[]) =>
      Object.fromEntries(Object.entries(batch).map(([name, list]) => [name, indexes.map((index) => list[index])]));
    expect(await post("/openrlhf", some(0, 1, 2), strict)).toMatchObject({ status: 200, body: { rewards: [1, 0, 0] } });
    for (const [bad, status, message] of [
      [3, 500, "sample 1: the judging failed: timeout"],
      [4, 500, "on purpose"],
      [5, 400, "sample 1: params: epsilon"],
      [6, 400, "labels[1]"],
      [7, 400, "query[1]"],
    ] as const)
      expect(await post("/openrlhf", some(0, bad, 8), strict)).toMatchObject({
        status,
        body: { error: { message: expect.stringContaining(message) as unknown } },
      });
  });

  it("is answered by /slime with its status and reason, or refused where that is asked for", async () => {
    const of = (response: string, verifier: string) => ({ prompt: "", response, label: model({ verifier }) });
    expect(await post("/slime", of("\\boxed{2^{20000}}", "mathverify"))).toMatchObject({
      status: 200,
      body: 0,
      word: "scored",
    });
    expect(await post("/slime", of(UNDECIDED, "mathverify"))).toEqual({
      status: 200,
      body: 0,
      word: "scored",
      reason: "undecided",
    });
    expect(await post("/slime", of("hang", "hanging"))).toEqual({
      status: 200,
      body: -1,
      word: "error",
      reason: "timeout",
    });
    expect(await post("/slime", of("hang", "hanging"), strict)).toMatchObject({ status: 500 });
  });
});

describe("/slime", () => {
  it("answers the bare reward", async () => {
    expect(await post("/slime", { prompt: "2+2?", response: "\\boxed{4}<|im_end|>", label: model() })).toEqual({
      status: 200,
      body: 1,
      word: "scored",
      reason: null,
    });
    expect(
      await post("/slime", { prompt: [{ role: "user", content: "2+2?" }], response: "\\boxed{5}", label: "4" }),
    ).toEqual({ status: 200, body: 0, word: "scored", reason: null });
    expect(await post("/slime", { prompt: "", response: "\\boxed{4}", label: model({ ground_truth: "" }) })).toEqual({
      status: 200,
      body: -1,
      word: "skipped",
      reason: "the gold answer is empty",
    });
  });

  it("names the field that is wrong", async () => {
    expect(await post("/slime", { prompt: "", label: "4" })).toMatchObject({
      status: 400,
      body: { error: { field: "response" } },
    });
    const unlabeled = { prompt: "", response: "x", label: null };
    expect(await post("/slime", unlabeled)).toMatchObject({
      status: 200,
      body: -1,
      word: "error",
      reason: expect.stringContaining("label: the gold answer") as unknown,
    });
    expect(await post("/slime", unlabeled, strict)).toMatchObject({ status: 400, body: { error: { field: "label" } } });
    expect(await post("/slime", { ...unlabeled, label: model({ verifier: "nobody" }) })).toMatchObject({ status: 404 });
    expect(
      await post("/slime", {
        prompt: "",
        response: "x",
        label: model({ verifier: "detection", ground_truth: "[]", verifier_parm: { epsilon: 7 } }),
      }),
    ).toMatchObject({ status: 400 });
  });
});
