/** The server against the policy and the learner in this process: what goes over the wire must change nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { type TrainingRow, createLearner, ppoClip } from "@v-triune/grpo";
import { type Processor, type TokenizedRollout, type VlmPolicy, createProcessor, loadVlm } from "@v-triune/policy";
import {
  type TinkerClientOptions,
  TinkerError,
  type TinkerPrompt,
  type TinkerSession,
  type TrainingModel,
  type WireDatum,
  completionDatum,
  connectTinker,
  modelInput,
} from "@v-triune/tinker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../testing/model-folder";
import { type ModelServer, startModelServer } from "./model-server";
import type { ModelServerSettings } from "./model-settings";

const folder = mkdtempSync(join(tmpdir(), "v-triune-serve-model-"));
let served: string;
let processor: Processor;
let server: ModelServer;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  await selectBackend({ prefer: "wasm" });
  served = await writeTinyModel(folder);
  processor = createProcessor(served);
  server = await start();
});

afterAll(async () => {
  for (const one of open.reverse()) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(settings: Partial<ModelServerSettings> = {}): Promise<ModelServer> {
  const started = await startModelServer({
    model: served,
    name: "tiny",
    port: 0,
    backend: "wasm",
    weightsFolder: join(folder, "weights"),
    ...settings,
  });
  open.push(started);
  return started;
}

async function session(of: ModelServer = server, options: Partial<TinkerClientOptions> = {}): Promise<TinkerSession> {
  const client = await connectTinker({ url: of.url, patienceMs: 0, ...options });
  const made = await client.createSession();
  open.push(made);
  return made;
}

interface Prompt {
  readonly local: Omit<TokenizedRollout, "completionIds">;
  readonly wire: TinkerPrompt;
}

/** A prompt of the demonstration with a picture, as the policy and as the wire have it. */
async function picturePrompt(seed: number): Promise<Prompt> {
  const { prompt, picture } = await pictureQuestion(seed);
  const { promptIds, images } = await processor.encode(
    [{ role: "user", content: [{ type: "image" }, { type: "text", text: prompt }] }],
    [picture],
  );
  const tokens = promptIds.filter((id) => id === processor.imageTokenId).length;
  return {
    local: { promptIds, images: images! },
    wire: {
      ids: promptIds,
      placeholder: processor.imageTokenId,
      pictures: [{ bytes: picture, format: "png", tokens }],
    },
  };
}

async function pictureQuestion(seed: number): Promise<{ prompt: string; picture: Uint8Array }> {
  const { default: sharp } = await import("sharp");
  const background = { r: (seed * 90) % 256, g: (seed * 40) % 256, b: 200 };
  const picture = await sharp({ create: { width: 84, height: 56, channels: 3, background } })
    .png()
    .toBuffer();
  return { prompt: "what is this ?", picture };
}

const COMPLETIONS = [
  [21, 22, 23, 24],
  [25, 26],
  [27, 28, 29],
];
const ADVANTAGES = [1, -0.5, 0.25];

async function rows(): Promise<{ local: TrainingRow<TokenizedRollout>[]; prompts: Prompt[] }> {
  const first = await picturePrompt(1);
  const prompts = [first, first, await picturePrompt(2)];
  const local = COMPLETIONS.map((ids, i) => ({
    row: { ...prompts[i]!.local, completionIds: Int32Array.from(ids) },
    advantage: ADVANTAGES[i]!,
  }));
  return { local, prompts };
}

/** Weights of a model on the server, by name, as they are when it saves them. */
async function saved(model: TrainingModel, name: string): Promise<Map<string, Float32Array>> {
  await model.save(name);
  const path = join(folder, "weights", model.id.replaceAll(":", "_"), "weights", name);
  const lora = (await model.info()).model_data.lora_config ?? null;
  const policy = await loadVlm(lora ? served : path, lora ? { adapter: { folder: path } } : {});
  const found = valuesOf(policy);
  policy.dispose();
  return found;
}

const valuesOf = (policy: VlmPolicy): Map<string, Float32Array> =>
  new Map(policy.parameters.map(({ name, variable }) => [name, (variable.dataSync() as Float32Array).slice()]));

function largestDifference(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  expect([...a.keys()]).toEqual([...b.keys()]);
  let most = 0;
  for (const [name, values] of a)
    values.forEach((value, i) => (most = Math.max(most, Math.abs(value - b.get(name)![i]!))));
  return most;
}

const failure = async (work: Promise<unknown>): Promise<TinkerError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TinkerError);
  return error as TinkerError;
};

/** AdamW without memory and with a large epsilon takes a step of minus the gradient: what was added can be read. */
const PLAIN_STEP = { learning_rate: 1e3, beta1: 0, beta2: 0, eps: 1e3 };
const PLAIN_LOCAL = { learningRate: 1e3, beta1: 0, beta2: 0, epsilon: 1e3, weightDecay: 0 };

describe.each([
  ["a whole model", null],
  ["an adapter", { rank: 4, seed: 5 }],
] as const)("%s", (_, lora) => {
  const adapter = lora && {
    adapter: {
      ...lora,
      targetModules: ".*language_model.*\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)",
    },
  };

  it("has the gradients, log-probabilities and answers of the policy in this process, pictures included", async () => {
    const policy = await loadVlm(served, adapter ?? {});
    const learner = createLearner({
      policy,
      optimizer: PLAIN_LOCAL,
      objective: {
        policyLoss: ppoClip({ clipLow: 0.2, clipHigh: 0.28, dualClip: null }),
        aggregation: "seq-mean-token-sum",
      },
      maxGradNorm: null,
    });
    const model = await (await session()).createModel({ baseModel: "tiny", lora });
    const { local, prompts } = await rows();
    const ones = COMPLETIONS.map((ids) => ids.map(() => 1));
    const bare = (): WireDatum[] =>
      prompts.map(({ wire }, i) => completionDatum(wire, COMPLETIONS[i]!, { weights: ones[i]! }));
    // Two updates, so that a wrong first one shows in the second.
    for (const update of [1, 2]) {
      const now = await model.forward(bare());
      const wire = now.loss_fn_outputs.map((output, i) => output["logprobs"]!.data.slice(-COMPLETIONS[i]!.length));
      const here = learner.logProbs(local.map(({ row }) => row));
      wire.forEach((values, i) => values.forEach((value, t) => expect(value).toBeCloseTo(here[i]![t]!, 5)));
      // One ratio lies outside the clip range: it adds no gradient.
      const old = wire.map((values, i) => values.map((value, t) => (i === 0 && t === 1 ? value - 0.5 : value)));
      const stats = learner.update(local.map((row, i) => ({ ...row, oldLogProbs: old[i]! })));
      const data = prompts.map(({ wire: prompt }, i) =>
        completionDatum(prompt, COMPLETIONS[i]!, {
          weights: ones[i]!,
          logprobs: old[i]!,
          advantages: ones[i]!.map(() => ADVANTAGES[i]! / COMPLETIONS.length),
        }),
      );
      await model.forwardBackward(data, "ppo", { config: { clip_low_threshold: 0.8, clip_high_threshold: 1.28 } });
      const { metrics } = await model.optimStep(PLAIN_STEP);
      expect(Math.abs(metrics["grad_norm"]! - stats.gradNorm.total) / stats.gradNorm.total).toBeLessThan(1e-5);
      expect(largestDifference(await saved(model, `update-${update}`), valuesOf(policy))).toBeLessThan(1e-6);
    }
    for (const [temperature, n] of [
      [0, 1],
      [1, 3],
    ] as const) {
      const expected: number[][][] = [[], []];
      const asked = [prompts[0]!, prompts[2]!];
      const options = { n, temperature, maxNewTokens: 6, seed: 11 };
      for await (const { promptIndex, sampleIndex, tokenIds } of policy.generate(
        asked.map((one) => one.local),
        options,
      ))
        expected[promptIndex]![sampleIndex] = [...tokenIds];
      const sampler = await model.sampler();
      const answers = await Promise.all(
        asked.map(({ wire }, promptNumber) =>
          sampler.sample(modelInput(wire.ids, wire), {
            n,
            settings: { max_tokens: 6, temperature, seed: 11 },
            promptNumber,
          }),
        ),
      );
      expect(answers.map(({ sequences }) => sequences.map(({ tokens }) => tokens))).toEqual(expected);
    }
    await model.unload();
    learner.dispose();
    policy.dispose();
  });

  it("goes on from what was saved on another start of the server, with its moments", async () => {
    const { prompts } = await rows();
    const weights = COMPLETIONS.map((ids) => ids.map(() => 1));
    const data = prompts.map(({ wire }, i) => completionDatum(wire, COMPLETIONS[i]!, { weights: weights[i]! }));
    const step = async (model: TrainingModel): Promise<void> => {
      await model.forwardBackward(data, "cross_entropy");
      await model.optimStep({ learning_rate: 1e-3, weight_decay: 0.1, grad_clip_norm: 1 });
    };
    const before = await start();
    const first = await (await session(before)).createModel({ baseModel: "tiny", lora });
    await step(first);
    const path = await first.save("one");
    await step(first);
    const expected = await saved(first, "two");
    await before.close();
    const second = await (await session(await start())).createModel({ baseModel: "tiny", lora, load: path });
    await step(second);
    expect(largestDifference(await saved(second, "two"), expected)).toBe(0);
    await second.unload();
  });
});

describe("a sampler", () => {
  it("keeps the weights that it was made of, and other requests between do not change its answers", async () => {
    const own = await session();
    const model = await own.createModel({ baseModel: "tiny", lora: null });
    const { prompts } = await rows();
    const ask = { settings: { max_tokens: 6, temperature: 0 } };
    const input = modelInput(prompts[0]!.wire.ids, prompts[0]!.wire);
    const early = await model.sampler();
    const [first] = (await early.sample(input, ask)).sequences;
    const target = [30, 31, 32, 33, 34, 35];
    for (let update = 0; update < 8; update++) {
      await model.forwardBackward(
        [completionDatum(prompts[0]!.wire, target, { weights: target.map(() => 1) })],
        "cross_entropy",
      );
      await model.optimStep({ learning_rate: 1e-2 });
    }
    const late = await model.sampler();
    const [again, learned, base] = await Promise.all([
      early.sample(input, ask),
      late.sample(input, ask),
      (await own.createSampler({ baseModel: "tiny" })).sample(input, ask),
    ]);
    expect(learned.sequences[0]!.tokens).toEqual(target);
    expect(again.sequences[0]).toEqual(first);
    expect(base.sequences[0]!.tokens).toEqual(first!.tokens);
    // Log-probabilities of a prompt's own tokens begin after its last picture.
    const { prompt_logprobs } = await late.sample(input, { ...ask, promptLogProbs: true });
    const { ids, placeholder } = prompts[0]!.wire;
    const lastPicture = Array.from(ids).lastIndexOf(placeholder!);
    expect(prompt_logprobs!.map((value) => value === null)).toEqual(Array.from(ids, (_, at) => at <= lastPicture));
    await model.unload();
  });
});

describe("a request", () => {
  it("that comes twice is done once, and another one with its number is refused", async () => {
    const model = await (await session()).createModel({ baseModel: "tiny", lora: { rank: 2 } });
    const ask = async (body: object): Promise<{ status: number; body: Record<string, unknown> }> => {
      const response = await fetch(`${server.url}/api/v1/forward_backward`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const { prompts } = await rows();
    const datum = completionDatum(prompts[0]!.wire, [21], { weights: [1] });
    const body = {
      model_id: model.id,
      seq_id: 500,
      forward_backward_input: { data: [datum], loss_fn: "cross_entropy" },
    };
    const [first, second] = [await ask(body), await ask(body)];
    expect(second).toEqual(first);
    const other = await ask({ ...body, forward_backward_input: { data: [datum, datum], loss_fn: "cross_entropy" } });
    expect(other).toMatchObject({ status: 409, body: { detail: expect.stringContaining("seq_id 500") as string } });
    const once = (await model.optimStep({ learning_rate: 0 })).metrics["grad_norm"]!;
    await model.forwardBackward([datum], "cross_entropy");
    expect((await model.optimStep({ learning_rate: 0 })).metrics["grad_norm"]).toBeCloseTo(once, 6);
    await model.unload();
  });

  it("that cannot be done is refused in words, and adds nothing", async () => {
    const own = await session();
    const said = async (work: Promise<unknown>): Promise<string> => (await failure(work)).found!;
    expect(await said(own.createModel({ baseModel: "other", lora: { rank: 2 } }))).toContain(
      "base_model: tiny expected",
    );
    expect(await said(own.createModel({ baseModel: "tiny", lora: { rank: 4096 } }))).toContain("at most 128");
    const model = await own.createModel({ baseModel: "tiny", lora: { rank: 2 } });
    const { wire } = await picturePrompt(1);
    const good = completionDatum(wire, [21, 22], { weights: [1, 1] });
    // oxlint-disable-next-line typescript/no-explicit-any -- wrong on purpose
    const changed = (change: (datum: any) => void): WireDatum[] => {
      const copy = structuredClone(good);
      change(copy);
      return [copy];
    };
    const pass = (data: WireDatum[], loss = "cross_entropy", config = {}): Promise<string> =>
      said(model.forwardBackward(data, loss, { config }));
    expect(await pass([good], "dro")).toContain("loss_fn: one of cross_entropy");
    expect(await pass([good], "ppo", { clip_ratio_c: 3 })).toContain("found clip_ratio_c");
    expect(await pass([good], "ppo")).toContain("logprobs has no values");
    expect(await pass(changed((datum) => (datum.model_input.chunks[1].expected_tokens = 3)))).toContain(
      "expected_tokens is 3",
    );
    expect(await pass(changed((datum) => (datum.model_input.chunks[1].data = "AAAA")))).toContain("data[0]");
    expect(
      await pass(
        changed(
          (datum) => (datum.loss_fn_inputs.target_tokens.data[datum.loss_fn_inputs.target_tokens.data.length - 2] = 40),
        ),
      ),
    ).toContain("the input's next token");
    expect(await pass(changed((datum) => (datum.loss_fn_inputs.weights.data[0] = 1)))).toContain(
      "before the row's last picture",
    );
    expect(await pass(changed((datum) => datum.model_input.chunks[0].tokens.push(999_999)))).toContain("999999");
    // A part that fails takes the rest of its request with it.
    expect(
      await said(
        model.forwardBackward(
          [good, ...changed((datum) => (datum.loss_fn_inputs.weights.data[0] = 1))],
          "cross_entropy",
        ),
      ),
    ).toContain("data[1]");
    expect((await model.optimStep({ learning_rate: 0 })).metrics["grad_norm"]).toBe(0);
    expect(await said(model.load("tinker://nobody/weights/x"))).toContain("is not saved here");
    expect(await said(model.load("/etc/passwd"))).toContain("tinker://MODEL/weights/NAME expected");
    expect(await said(model.save("../x"))).toContain("a name of letters");
    const sampler = await model.sampler();
    const long = { settings: { max_tokens: 100_000 } };
    const input = modelInput(wire.ids, wire);
    // It must not spoil the answer of another one that comes with it.
    const [refused, answered] = await Promise.all([
      said(sampler.sample(input, long)),
      sampler.sample(input, { settings: { max_tokens: 2 } }),
    ]);
    expect(refused).toContain("more than the 256 of the model");
    expect(answered.sequences).toHaveLength(1);
    await model.unload();
    expect(await failure(model.optimStep({ learning_rate: 1 }))).toMatchObject({ code: "lost" });
  });

  it("needs the key that the server was started with, and a bearable size", async () => {
    const guarded = await start({ token: "tml-secret-key", bodyBytes: 2000 });
    expect(await failure(session(guarded))).toMatchObject({ code: "refused", status: 401 });
    expect(await failure(session(guarded, { apiKey: "tml-wrong" }))).toMatchObject({ status: 401 });
    const model = await (
      await session(guarded, { apiKey: "tml-secret-key" })
    ).createModel({ baseModel: "tiny", lora: { rank: 2 } });
    const datum = completionDatum({ ids: [1, 2, 3] }, [21], { weights: [1] });
    expect(await failure(model.forward(Array.from({ length: 50 }, () => datum)))).toMatchObject({ status: 413 });
    const bearer = await fetch(`${guarded.url}/api/v1/get_server_capabilities`, {
      headers: { authorization: "Bearer tml-secret-key" },
    });
    expect(bearer.status).toBe(200);
    expect((await fetch(`${guarded.url}/api/v1/nothing`, { headers: { "x-api-key": "tml-secret-key" } })).status).toBe(
      404,
    );
  });
});

it("gives the result at once to a client that prefers to wait, and else a request to ask for", async () => {
  const { id } = await (await session()).createModel({ baseModel: "tiny", lora: { rank: 2 } });
  const ask = async (headers: Record<string, string>, model_id = id): Promise<Record<string, unknown>> => {
    const reply = await fetch(`${server.url}/api/v1/optim_step`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ model_id, adam_params: { learning_rate: 0 } }),
    });
    return (await reply.json()) as Record<string, unknown>;
  };
  expect(await ask({ prefer: "wait=20" })).toEqual({
    metrics: { grad_norm: 0, learning_rate: 0 },
    type: "optim_step",
  });
  expect(await ask({})).toEqual({ request_id: expect.any(String) as string });
});

it("answers others while it computes", async () => {
  const model = await (await session()).createModel({ baseModel: "tiny", lora: { rank: 2 } });
  const completion = Array.from({ length: 150 }, (_, t) => 20 + (t % 30));
  const datum = completionDatum({ ids: [1, 2, 3] }, completion, { weights: completion.map(() => 1) });
  const computed = model.forward(Array.from({ length: 40 }, () => datum)).then(() => true);
  const alive = (): Promise<false> => fetch(`${server.url}/healthz`).then((reply) => reply.text().then(() => false));
  let answers = 0;
  while (!(await Promise.race([computed, alive()]))) answers += 1;
  expect(answers).toBeGreaterThan(10);
});

it("holds as many models as it may, and drops those of a session that falls silent", async () => {
  const small = await start({ maxModels: 1, sessionMs: 2000 });
  const one = await (await connectTinker({ url: small.url, patienceMs: 0 })).createSession({ heartbeatMs: 100 });
  open.push(one);
  await one.createModel({ baseModel: "tiny", lora: { rank: 2 } });
  const other = await session(small);
  expect((await failure(other.createModel({ baseModel: "tiny", lora: { rank: 2 } }))).found).toContain(
    "1 models are loaded",
  );
  // Closed: no heartbeat comes any more.
  one.close();
  await expect
    .poll(
      async () => {
        try {
          return await (await session(small)).createModel({ baseModel: "tiny", lora: { rank: 2 } }).then(() => "made");
        } catch (error) {
          return (error as TinkerError).found;
        }
      },
      { timeout: 20_000, interval: 300 },
    )
    .toBe("made");
});
