import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRewardServer, type RewardServer } from "./server";

let server: RewardServer;
beforeAll(
  async () => void (server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent", unscoredReward: -1 })),
);
afterAll(async () => void (await server.drain()));

/** The parts of replies that tests read. */
interface ReplyBody {
  readonly rewards: readonly number[];
  readonly scores: readonly number[];
  readonly extra_logs: object;
}

async function post(path: string, body: unknown): Promise<{ status: number; body: ReplyBody; word: string | null }> {
  const reply = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: reply.status, body: (await reply.json()) as ReplyBody, word: reply.headers.get("x-reward-status") };
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
    expect(body.extra_logs).toEqual({ accuracy: [1, 0], format: [0, 0], scored: [1, 1] });
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
    expect(body).toEqual({ rewards: [-1], scores: [-1], extra_logs: { accuracy: [-1], format: [-1], scored: [0] } });
    expect(await post("/openrlhf", { query: ["x"], prompts: [""], labels: [] })).toMatchObject({
      status: 400,
      body: { error: { field: "labels" } },
    });
    expect(await post("/openrlhf", { query: ["x"], prompts: [""], labels: [null] })).toMatchObject({
      status: 400,
      body: { error: { field: "labels[0]" } },
    });
    expect(await post("/openrlhf", { query: [1] })).toMatchObject({
      status: 400,
      body: { error: { field: "query[0]" } },
    });
    expect(await post("/openrlhf", { query: ["x"], labels: [model({ verifier: "y" })] })).toMatchObject({
      status: 404,
      body: { error: { field: "labels[0].verifier" } },
    });
  });
});

describe("/slime", () => {
  it("answers the bare reward", async () => {
    expect(await post("/slime", { prompt: "2+2?", response: "\\boxed{4}<|im_end|>", label: model() })).toEqual({
      status: 200,
      body: 1,
      word: "scored",
    });
    expect(
      await post("/slime", { prompt: [{ role: "user", content: "2+2?" }], response: "\\boxed{5}", label: "4" }),
    ).toEqual({ status: 200, body: 0, word: "scored" });
    expect(await post("/slime", { prompt: "", response: "\\boxed{4}", label: model({ ground_truth: "" }) })).toEqual({
      status: 200,
      body: -1,
      word: "skipped",
    });
  });

  it("names the field that is wrong", async () => {
    expect(await post("/slime", { prompt: "", label: "4" })).toMatchObject({
      status: 400,
      body: { error: { field: "response" } },
    });
    expect(await post("/slime", { prompt: "", response: "x", label: null })).toMatchObject({
      status: 400,
      body: { error: { field: "label" } },
    });
    expect(
      await post("/slime", {
        prompt: "",
        response: "x",
        label: model({ verifier: "detection", ground_truth: "[]", verifier_parm: { epsilon: 7 } }),
      }),
    ).toMatchObject({ status: 400 });
  });
});
