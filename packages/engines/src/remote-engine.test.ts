import type { PreparedPrompt } from "@v-triune/rollouts";
import { afterEach, expect, it } from "vitest";
import { RemoteEngine, type RemoteEngineOptions } from "./remote-engine";
import { weightTransfer } from "./servers/weight-transfer";
import { type CannedServer, startCannedServer } from "./testing/canned-server";

const open: CannedServer[] = [];
afterEach(() => open.splice(0).forEach((server) => server.stop()));

const prompt = {
  id: "s/1",
  text: "How many?",
  promptIds: Int32Array.of(1, 2),
  messages: [{ role: "user", content: "How many?" }],
  sample: { images: [] },
} as unknown as PreparedPrompt;
const request = { n: 1, temperature: 1, topP: 1, topK: null, maxNewTokens: 4, seed: 3 };

async function engine(answer: Parameters<typeof startCannedServer>[0], change: Partial<RemoteEngineOptions> = {}) {
  const server = await startCannedServer(answer);
  open.push(server);
  const warnings: string[] = [];
  const remote = new RemoteEngine({
    kind: "vllm",
    servers: [`${server.url}/v1`],
    model: "m",
    parallel: 4,
    timeoutMs: 10_000,
    retries: 2,
    several: false,
    logProbs: true,
    processor: { tokenizer: {} as RemoteEngineOptions["processor"]["tokenizer"] },
    endTokenIds: [2],
    promptTokens: "error",
    transfer: weightTransfer("vllm", "none", false),
    staleWeights: "allow",
    shortestRestMs: 1,
    onWarning: (message) => warnings.push(message),
    ...change,
  });
  const answers = async () => {
    const found = [];
    for await (const completion of remote.generate([prompt], request)) found.push(completion);
    return found;
  };
  return { answers, warnings, remote };
}

const reply = (logprob: unknown) => ({
  model: "m",
  choices: [
    {
      message: { content: "four" },
      finish_reason: "stop",
      token_ids: [42, 2],
      logprobs: {
        content: [
          { token: "token_id:42", logprob },
          { token: "token_id:2", logprob: -0.5 },
        ],
      },
    },
  ],
  usage: { prompt_tokens: 2, completion_tokens: 2 },
});

it("asks again, with another seed, for an answer whose log-probabilities are no numbers", async () => {
  const seeds: unknown[] = [];
  const { answers, warnings, remote } = await engine((_, body) => {
    seeds.push(body?.["seed"]);
    return reply(seeds.length < 3 ? null : -0.25);
  });
  expect(await answers()).toEqual([
    {
      promptIndex: 0,
      sampleIndex: 0,
      finishReason: "stop",
      tokenIds: Int32Array.of(42, 2),
      logProbs: Float32Array.of(-0.25, -0.5),
    },
  ]);
  expect(new Set(seeds).size).toBe(3);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("numbers that are not log-probabilities (null for token 1 of 2)");
  expect(remote.takeMetrics()["rollout/engine_retries"]).toBe(2);
});

it("ends, and says why, when they stay so", async () => {
  const { answers } = await engine(() => reply("NaN"));
  await expect(answers()).rejects.toThrow(/"NaN" for\s+token 1 of 2\), 3 times[^]*in bfloat16 or float32/);
});

it("takes the answer without them where the run does not use them", async () => {
  const { answers } = await engine(() => reply(null), { logProbs: false });
  expect((await answers())[0]).toEqual({
    promptIndex: 0,
    sampleIndex: 0,
    finishReason: "stop",
    tokenIds: Int32Array.of(42, 2),
  });
});
