/** The client against a server that fails in every way that servers of this API were seen to fail. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  TinkerError,
  type TinkerClientOptions,
  type TrainingModel,
  completionDatum,
  connectTinker,
  modelInput,
} from ".";

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of every request
type Body = Readonly<Record<string, any>>;
/** A reply, or "hang up" before or after the request was counted as done. */
type Answer =
  | { readonly status?: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | "hang up";
type Handler = (body: Body, times: number) => Answer;

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server with what every client asks for, and the handlers of a test before that. */
class Scripted {
  readonly asked: { path: string; body: Body; headers: IncomingMessage["headers"] }[] = [];
  readonly #times = new Map<string, number>();
  server!: Server;

  constructor(readonly handlers: Readonly<Record<string, Handler>>) {}

  async listen(port = 0): Promise<string> {
    this.server = createServer((request, response) => void this.#answer(request, response));
    open.push(this.server);
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  of(path: string): Body[] {
    return this.asked.filter((one) => one.path === path).map(({ body }) => body);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").replace("/api/v1/", "");
    let text = "";
    for await (const part of request) text += String(part);
    const body = (text === "" ? {} : JSON.parse(text)) as Body;
    this.asked.push({ path, body, headers: request.headers });
    const times = this.#times.get(path) ?? 0;
    this.#times.set(path, times + 1);
    const answer = this.handlers[path]?.(body, times) ?? usual(path, body);
    if (answer === "hang up") return void request.socket.destroy();
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {}));
  }
}

function usual(path: string, body: Body): Answer {
  switch (path) {
    case "get_server_capabilities":
      return { body: { supported_models: [{ model_name: "tiny" }] } };
    case "create_session":
      return { body: { session_id: "s1" } };
    case "create_model":
      return { body: { model_id: "m1" } };
    case "forward":
    case "forward_backward":
      return { body: pass(body) };
    case "optim_step":
      return { body: { metrics: { "skyrl.ai/grad_norm": 2 } } };
    case "save_weights_for_sampler":
      return { body: { sampling_session_id: "sampler" } };
    case "session_heartbeat":
    case "healthz":
      return { body: {} };
    default:
      return { status: 404, body: { detail: "Not Found" } };
  }
}

const pass = (body: Body) => {
  const { data } = (body["forward_input"] ?? body["forward_backward_input"]) as { data: Body[] };
  return {
    loss_fn_outputs: data.map((datum) => ({
      logprobs: { data: datum["loss_fn_inputs"].target_tokens.data.map(() => -1), dtype: "float32" },
    })),
    metrics: { "loss:sum": data.length },
  };
};

const row = completionDatum({ ids: [1, 2, 3] }, [7, 8], { weights: [1, 1] });

async function model(scripted: Scripted, options: Partial<TinkerClientOptions> = {}): Promise<TrainingModel> {
  const client = await connectTinker({ url: await scripted.listen(), ...options });
  const session = await client.createSession({ heartbeatMs: 60_000 });
  const made = await session.createModel({ baseModel: "tiny", lora: { rank: 4 } });
  session.close();
  return made;
}

const failure = async (work: Promise<unknown>): Promise<TinkerError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TinkerError);
  return error as TinkerError;
};

it("reads a result that comes without a request to ask for, and a failure that does", async () => {
  const scripted = new Scripted({
    optim_step: (_, times) => ({
      body: times === 0 ? { metrics: { grad_norm: 3 } } : { error: "no memory", category: "server" },
    }),
  });
  const made = await model(scripted);
  expect((await made.optimStep({ learning_rate: 1 })).metrics).toEqual({ grad_norm: 3 });
  expect(scripted.asked.at(-1)!.headers["prefer"]).toBe("wait=20");
  expect(await failure(made.optimStep({ learning_rate: 1 }))).toMatchObject({ code: "failed", category: "server" });
});

describe("results", () => {
  it("are waited for in every form of 'not yet': 408, try_again, a server that fails now and then", async () => {
    const scripted = new Scripted({
      forward: () => ({ body: { request_id: "7", future_id: "7", status: "pending" } }),
      retrieve_future: (body, times) => {
        expect(body).toEqual({ request_id: "7" });
        if (times === 0) return { status: 408, body: { detail: "Timeout waiting for result" } };
        if (times === 1) return { body: { type: "try_again", request_id: "7", queue_state: "active" } };
        if (times === 2) return { status: 500, body: "Internal Server Error" };
        if (times === 3) return "hang up";
        return { body: { loss_fn_outputs: [{ logprobs: { data: [-1, -2, -3, -4], dtype: "float32" } }], metrics: {} } };
      },
    });
    const output = await (await model(scripted)).forward([row]);
    expect(output.loss_fn_outputs[0]!["logprobs"]!.data).toEqual([-1, -2, -3, -4]);
    expect(scripted.of("forward")).toHaveLength(1);
  });

  it.each([
    ["HTTP 400", { status: 400, body: { detail: "CUDA out of memory" } }, "failed", undefined],
    ["200 with an error", { body: { error: "CUDA out of memory", category: "server" } }, "failed", "server"],
    ["404", { status: 404, body: { detail: "CUDA out of memory" } }, "lost", undefined],
  ] as const)("that failed say so in the server's words: %s", async (_, reply, code, category) => {
    const scripted = new Scripted({
      forward: () => ({ body: { request_id: "7" } }),
      retrieve_future: () => reply,
    });
    const error = await failure((await model(scripted)).forward([row]));
    expect(error).toMatchObject({ code, category });
    expect(error.found).toContain("CUDA out of memory");
    expect(error.message.split("\n").every((line) => line.length <= 80)).toBe(true);
  });

  it("that were dropped are asked for again, unless that could train twice", async () => {
    const dropsOnce = (): Scripted =>
      new Scripted({
        forward: () => ({ body: { request_id: "1" } }),
        forward_backward: () => ({ body: { request_id: "1" } }),
        retrieve_future: (_, times) =>
          times === 0
            ? { status: 410, body: { detail: "promise expired" } }
            : { body: { loss_fn_outputs: [{ logprobs: { data: [0, 0, 0, 0] } }] } },
      });
    const scripted = dropsOnce();
    await (await model(scripted)).forward([row]);
    expect(scripted.of("forward").map(({ seq_id }) => seq_id as number)).toEqual([1, 1]);
    const other = dropsOnce();
    const trained = await model(other);
    expect(await failure(trained.forwardBackward([row], "ppo"))).toMatchObject({ code: "uncertain" });
    expect(other.of("forward_backward")).toHaveLength(1);
  });

  it("take only so long", async () => {
    const scripted = new Scripted({
      forward: () => ({ body: { request_id: "1" } }),
      retrieve_future: () => ({ status: 408, body: { detail: "queued" } }),
    });
    const error = await failure((await model(scripted)).forward([row], "cross_entropy", { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: "timed-out", found: "queued" });
  });

  it("stop being waited for when the signal says so, with its reason", async () => {
    const scripted = new Scripted({
      forward_backward: () => ({ body: { request_id: "1" } }),
      retrieve_future: () => ({ status: 408, body: {} }),
    });
    const trained = await model(scripted);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(trained.forwardBackward([row], "ppo", { signal: stop.signal })).rejects.toThrow("enough");
    // The server may have added the gradient or not.
    expect(trained.doubt?.code).toBe("uncertain");
  });

  it("are refused when outputs are missing or short: a server that drops pictures answers 200", async () => {
    const short = new Scripted({ forward: () => ({ body: { loss_fn_outputs: [{ logprobs: { data: [-1] } }] } }) });
    const picture = { bytes: new Uint8Array(3), format: "png" as const, tokens: 2 };
    const withPicture = completionDatum({ ids: [1, 9, 9, 2], pictures: [picture], placeholder: 9 }, [7]);
    const error = await failure((await model(short)).forward([withPicture]));
    expect(error).toMatchObject({
      code: "unreadable",
      expected: expect.stringContaining("4 finite numbers") as string,
    });
    expect(error.fix).toContain("drop pictures");
    const fewer = new Scripted({ forward: () => ({ body: { loss_fn_outputs: [] } }) });
    expect((await failure((await model(fewer)).forward([row]))).found).toBe("0 outputs");
  });
});

describe("a training request", () => {
  it("whose connection breaks is not sent again, and nothing is trained after it", async () => {
    const scripted = new Scripted({ forward_backward: () => "hang up" });
    const trained = await model(scripted);
    expect(await failure(trained.forwardBackward([row], "ppo"))).toMatchObject({ code: "uncertain" });
    expect(scripted.of("forward_backward")).toHaveLength(1);
    expect(await failure(trained.optimStep({ learning_rate: 1e-3 }))).toMatchObject({ code: "uncertain" });
    expect(scripted.of("optim_step")).toHaveLength(0);
    expect(trained.doubt?.what).toContain("gradients");
  });

  it("is sent again, alike, to a server that drops the second", async () => {
    const scripted = new Scripted({
      get_server_capabilities: () => ({ body: { supported_models: ["tiny"], v_triune: { version: "0.1.0" } } }),
      forward_backward: (body, times) => (times === 0 ? "hang up" : { body: pass(body) }),
      optim_step: (_, times) => (times === 0 ? "hang up" : { body: { metrics: {} } }),
    });
    const trained = await model(scripted);
    await trained.forwardBackward([row], "ppo");
    await trained.optimStep({ learning_rate: 1e-3 });
    const twice = scripted.of("forward_backward");
    expect(twice).toHaveLength(2);
    expect(twice[1]).toEqual(twice[0]);
    const keys = scripted.asked
      .filter(({ path }) => path !== "create_model")
      .map(({ headers }) => headers["x-idempotency-key"]);
    expect(keys.filter((key) => key === "m1-1")).toHaveLength(2);
    expect(trained.doubt).toBeUndefined();
  });

  it("that is refused changes nothing", async () => {
    const scripted = new Scripted({
      forward_backward: (body, times) =>
        times === 0 ? { status: 422, body: { detail: "unknown loss" } } : { body: pass(body) },
    });
    const trained = await model(scripted);
    const error = await failure(trained.forwardBackward([row], "gspo2"));
    expect(error).toMatchObject({ code: "refused", status: 422, found: "HTTP 422: unknown loss" });
    await trained.forwardBackward([row], "ppo");
    expect((await trained.optimStep({ learning_rate: 1 })).metrics).toEqual({ "skyrl.ai/grad_norm": 2 });
  });

  it("of many rows goes out in parts, and a part that fails leaves doubt", async () => {
    const scripted = new Scripted({
      forward_backward: (body, times) =>
        times === 2 ? { status: 422, body: { detail: "bad row" } } : { body: pass(body) },
    });
    const trained = await model(scripted);
    const output = await trained.forwardBackward([row, row, row], "ppo", { chunks: { rows: 2 } });
    expect(output.loss_fn_outputs).toHaveLength(3);
    expect(output.metrics).toEqual({ "loss:sum": 3 });
    expect(scripted.of("forward_backward").map((body) => body["forward_backward_input"].data.length as number)).toEqual(
      [2, 1],
    );
    await failure(trained.forwardBackward([row, row], "ppo", { chunks: { rows: 1 } }));
    // The first of these two was refused, so nothing of them was added.
    expect(trained.doubt).toBeUndefined();
    await trained.forwardBackward([row], "ppo");
    const later = new Scripted({
      forward_backward: (body, times) =>
        times === 1 ? { status: 422, body: { detail: "bad row" } } : { body: pass(body) },
    });
    const second = await model(later);
    await failure(second.forwardBackward([row, row], "ppo", { chunks: { rows: 1 } }));
    expect(second.doubt?.code).toBe("uncertain");
  });
});

describe("a server", () => {
  it("that is gone is waited for, which is told, and asked again when it is back", async () => {
    const told: string[] = [];
    const scripted = new Scripted({});
    const trained = await model(scripted, {
      onPause: (message) => told.push(message),
      onResume: (message) => told.push(message),
    });
    const { port } = scripted.server.address() as AddressInfo;
    scripted.server.closeAllConnections();
    await new Promise((resolve) => scripted.server.close(resolve));
    const pending = trained.optimStep({ learning_rate: 1 });
    await expect.poll(() => told.length).toBe(1);
    await scripted.listen(port);
    await pending;
    expect(told[0]).toContain("does not answer");
    expect(told).toHaveLength(2);
    expect(scripted.of("optim_step")).toHaveLength(1);
  });

  it("that stays away is given up after the patience that it was given", async () => {
    const error = await failure(connectTinker({ url: "http://127.0.0.1:9", patienceMs: 0 }));
    expect(error).toMatchObject({
      code: "unreachable",
      found: expect.stringMatching(/ECONNREFUSED|bad port/) as string,
    });
  });

  it("that is busy is asked again after the time that it names", async () => {
    const scripted = new Scripted({
      optim_step: (_, times) =>
        times === 0 ? { status: 429, headers: { "retry-after": "0" } } : { body: { metrics: {} } },
    });
    await (await model(scripted)).optimStep({ learning_rate: 1 });
    expect(scripted.of("optim_step")).toHaveLength(2);
  });

  it("of another kind is told apart from a Tinker API", async () => {
    const scripted = new Scripted({ get_server_capabilities: () => ({ body: "<html>hello</html>" }) });
    expect(await failure(connectTinker({ url: await scripted.listen() }))).toMatchObject({
      code: "unreadable",
      found: "<html>hello</html>",
    });
  });

  it("that forgets the session makes every later call say so", async () => {
    const scripted = new Scripted({
      session_heartbeat: () => ({ status: 404, body: { detail: "Session not found" } }),
    });
    const client = await connectTinker({ url: await scripted.listen(), apiKey: "tml-key" });
    const session = await client.createSession({ heartbeatMs: 20 });
    const trained = await session.createModel({ baseModel: "tiny", lora: { rank: 4 } });
    await expect.poll(() => scripted.of("session_heartbeat").length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const error = await failure(trained.forward([row]));
    expect(error).toMatchObject({ code: "lost", found: "HTTP 404: Session not found" });
    expect(scripted.asked.every(({ headers }) => headers["x-api-key"] === "tml-key")).toBe(true);
  });

  it("that wants another key is told apart", async () => {
    const scripted = new Scripted({ get_server_capabilities: () => ({ status: 401, body: { detail: "no" } }) });
    const error = await failure(connectTinker({ url: await scripted.listen() }));
    expect(error).toMatchObject({ code: "refused", what: "The server does not accept the API key." });
  });
});

describe("answers", () => {
  const reply = { sequences: [{ tokens: [4, 2], logprobs: [-1, -2], stop_reason: "stop" }] };

  it("come with their tokens and log-probabilities", async () => {
    const scripted = new Scripted({ asample: () => ({ body: reply }) });
    const sampler = await (await model(scripted)).sampler();
    const prompt = modelInput([1, 2, 3]);
    expect(await sampler.sample(prompt, { settings: { max_tokens: 2, seed: 1 }, promptNumber: 3 })).toEqual(reply);
    expect(scripted.of("asample")[0]).toMatchObject({
      sampling_session_id: "sampler",
      seq_id: 0,
      num_samples: 1,
      prompt_number: 3,
    });
  });

  it.each([
    ["too few", { sequences: [] }],
    ["without a log-probability", { sequences: [{ tokens: [4, 2], logprobs: [-1], stop_reason: "stop" }] }],
    ["without a reason", { sequences: [{ tokens: [4], stop_reason: "because" }] }],
  ])("that are %s are refused", async (_, body) => {
    const sampler = await (await model(new Scripted({ asample: () => ({ body }) }))).sampler();
    expect(await failure(sampler.sample(modelInput([1]), { settings: { max_tokens: 2 } }))).toMatchObject({
      code: "unreadable",
    });
  });
});

describe("an address", () => {
  it.each(["localhost:8000", "ftp://gpu", "http://", "not one"])("%s is refused", async (url) => {
    expect(await failure(connectTinker({ url }))).toMatchObject({ code: "refused", found: url });
  });

  it("with https, of a server without it, is not waited for", async () => {
    const url = (await new Scripted({}).listen()).replace("http:", "https:");
    const error = await failure(connectTinker({ url, patienceMs: Number.POSITIVE_INFINITY }));
    expect(error).toMatchObject({ code: "refused", found: "EPROTO, as from a server without TLS" });
  });

  it("of hatchery names its models otherwise", async () => {
    const scripted = new Scripted({
      get_server_capabilities: () => ({ body: { supported_models: [{ model_id: "tiny", max_context_length: 64 }] } }),
    });
    const { capabilities } = await connectTinker({ url: await scripted.listen() });
    expect(capabilities.supported_models).toMatchObject([{ model_name: "tiny", max_context_length: 64 }]);
  });
});

describe("a row", () => {
  it("has its input without the last token, targets without the first, and pictures in their places", () => {
    const picture = { bytes: Uint8Array.of(1, 2, 3), format: "png" as const, tokens: 2 };
    expect(
      completionDatum({ ids: [1, 9, 9, 2], pictures: [picture], placeholder: 9 }, [7, 8], { advantages: [0.5, -1] }),
    ).toEqual({
      model_input: {
        chunks: [
          { type: "encoded_text", tokens: [1] },
          { type: "image", data: "AQID", format: "png", expected_tokens: 2 },
          { type: "encoded_text", tokens: [2, 7] },
        ],
      },
      loss_fn_inputs: {
        target_tokens: { data: [9, 9, 2, 7, 8], dtype: "int64", shape: [5] },
        advantages: { data: [0, 0, 0, 0.5, -1], dtype: "float32", shape: [5] },
      },
    });
  });

  it("cannot have a number that JSON has not, placeholders without pictures, or lists of another length", () => {
    expect(() => completionDatum({ ids: [1] }, [2], { advantages: [Number.NaN] })).toThrow(TinkerError);
    expect(() => completionDatum({ ids: [1] }, [2], { advantages: [1, 2] })).toThrow("has 2 numbers, expected 1");
    const picture = { bytes: new Uint8Array(), format: "png" as const, tokens: 2 };
    expect(() => modelInput([9, 1], { pictures: [picture], placeholder: 9 })).toThrow("2 tokens, and 1 placeholders");
    expect(() => modelInput([1], { pictures: [picture], placeholder: 9 })).toThrow("placeholders for 0 of them");
  });
});
