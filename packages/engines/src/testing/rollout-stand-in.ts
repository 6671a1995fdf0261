/**
 * For tests: a server that speaks SGLang's or vLLM's protocol and answers with a real policy, loaded from the folders
 * that it is handed. Every request is checked against the documented API; what does not fit is answered 400 and noted
 * in `violations`.
 *
 * SGLang: docs.sglang.io basic_usage/sampling_params, advanced_features/sglang_for_rl; srt/managers/io_struct.py,
 * srt/entrypoints/http_server.py of 0.5.23. vLLM 0.33.0: docs.vllm.ai features/lora, features/sleep_mode,
 * training/weight_transfer, training/layerwise; entrypoints/openai/chat_completion/protocol.py,
 * entrypoints/serve/{lora,dev/rpc,dev/cache}, entrypoints/rl/online.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type ChatMessage,
  type GeneratedCompletion,
  type Processor,
  type VlmPolicy,
  createProcessor,
  loadVlm,
} from "@v-triune/policy";

type Body = Readonly<Record<string, unknown>>;

export interface StandInOptions {
  readonly protocol: "sglang" | "vllm";
  /** The model that it is started with; tokenizer and picture settings come from here, too. */
  readonly model: string;
  /** vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING, or with VLLM_SERVER_DEV_MODE. Default neither. */
  readonly mode?: "lora" | "dev";
  readonly apiKey?: string;
  /** Looked at before each answer; what it returns is sent in its place. "hang up" breaks the connection. */
  readonly intervene?: (
    requests: number,
  ) => { readonly status: number; readonly body: unknown } | "hang up" | undefined;
  /** Picture settings that differ from the model's, for a server that was set up otherwise. */
  readonly maxPixels?: number;
}

/** A documented field and what it may hold. */
type Fields = Readonly<Record<string, (value: unknown) => boolean>>;
const text = (value: unknown): boolean => typeof value === "string";
const whole = (value: unknown): boolean => Number.isInteger(value);
const amount = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const flag = (value: unknown): boolean => typeof value === "boolean";
const list = (value: unknown): boolean => Array.isArray(value);
const record = (value: unknown): value is Body => typeof value === "object" && value !== null && !Array.isArray(value);

const DOCUMENTED: Readonly<Record<"sglang" | "vllm", Readonly<Record<string, Fields>>>> = {
  sglang: {
    "/generate": {
      text,
      input_ids: list,
      image_data: list,
      sampling_params: record,
      return_logprob: flag,
      logprob_start_len: whole,
      top_logprobs_num: whole,
      stream: flag,
    },
    "/update_weights_from_disk": {
      model_path: text,
      weight_version: text,
      flush_cache: flag,
      abort_all_requests: flag,
      load_format: text,
    },
  },
  vllm: {
    "/v1/chat/completions": {
      model: text,
      messages: list,
      max_tokens: whole,
      temperature: amount,
      top_p: amount,
      seed: whole,
      n: whole,
      logprobs: flag,
      top_logprobs: whole,
      stop: list,
      top_k: whole,
      min_p: amount,
      repetition_penalty: amount,
      return_token_ids: flag,
      return_tokens_as_token_ids: flag,
    },
    "/v1/load_lora_adapter": { lora_name: text, lora_path: text, load_inplace: flag },
    "/v1/unload_lora_adapter": { lora_name: text, lora_int_id: whole },
    "/pause": {},
    "/resume": {},
    "/reset_prefix_cache": {},
    "/reset_encoder_cache": {},
    "/collective_rpc": { method: text, kwargs: record, args: list, timeout: amount },
    "/update_weight_version": { new_version: text },
  },
};
const SAMPLING: Fields = {
  temperature: amount,
  top_p: amount,
  top_k: whole,
  min_p: amount,
  repetition_penalty: amount,
  max_new_tokens: whole,
  sampling_seed: whole,
  stop: list,
};
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  "/update_weights_from_disk": ["model_path"],
  "/v1/chat/completions": ["messages"],
  "/v1/load_lora_adapter": ["lora_name", "lora_path"],
  "/v1/unload_lora_adapter": ["lora_name"],
  "/collective_rpc": ["method"],
  "/update_weight_version": ["new_version"],
};
const LORA = ["/v1/load_lora_adapter", "/v1/unload_lora_adapter"];
const DEV = [
  "/pause",
  "/resume",
  "/reset_prefix_cache",
  "/reset_encoder_cache",
  "/collective_rpc",
  "/update_weight_version",
  "/weight_info",
];

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A running stand-in. */
export class RolloutStandIn {
  /** Requests that the documentation does not cover. */
  readonly violations: string[] = [];
  /** Method and path of each request, in order. */
  readonly requests: string[] = [];
  /** Bodies of generation requests. */
  readonly asked: Body[] = [];
  /** Sends replies of the weights that it was started with, whatever it was handed. */
  ignoresWeights = false;
  #server: Server | undefined;
  #port = 0;
  #generations = 0;
  #paused = false;
  #version = "default";
  #base!: VlmPolicy;
  #processor!: Processor;
  readonly #adapters = new Map<string, VlmPolicy>();

  private constructor(readonly options: StandInOptions) {}

  static async start(options: StandInOptions): Promise<RolloutStandIn> {
    const server = new RolloutStandIn(options);
    server.#processor = createProcessor(
      options.model,
      options.maxPixels === undefined ? {} : { maxPixels: options.maxPixels },
    );
    await server.restart();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Restarts under the same address, with the first weights. */
  async restart(): Promise<void> {
    await this.stop();
    this.#base = await loadVlm(this.options.model);
    this.#version = "default";
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve) => void server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Goes away, in the middle of what it is asked. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const policy of [this.#base, ...this.#adapters.values()]) policy.dispose();
    this.#adapters.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.url);
    this.requests.push(`${request.method} ${pathname}`);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const reply = (status: number, body: unknown): void =>
      void response
        .writeHead(status, { "content-type": "application/json" })
        .end(body === undefined ? "" : JSON.stringify(body));
    try {
      if (this.options.apiKey !== undefined && request.headers.authorization !== `Bearer ${this.options.apiKey}`)
        throw new Refusal(401, "Unauthorized");
      const body = parts.length === 0 ? undefined : (JSON.parse(Buffer.concat(parts).toString()) as Body);
      const generates = pathname === "/generate" || pathname === "/v1/chat/completions";
      if (generates) {
        this.#generations += 1;
        const instead = this.options.intervene?.(this.#generations);
        if (instead === "hang up") return void response.destroy();
        if (instead) return reply(instead.status, instead.body);
      }
      if (body !== undefined) this.#check(pathname, body);
      if (generates) this.asked.push(body as Body);
      reply(
        200,
        await (this.options.protocol === "sglang" ? this.#sglang(pathname, body) : this.#vllm(pathname, body)),
      );
    } catch (error) {
      if (error instanceof Refusal) return reply(error.status, { error: { message: error.message } });
      reply(500, { error: { message: String(error) } });
    }
  }

  #check(path: string, body: Body): void {
    const fields = DOCUMENTED[this.options.protocol][path];
    if (fields === undefined) throw new Refusal(404, "Not Found");
    const problems = [
      ...(REQUIRED[path] ?? []).filter((name) => !(name in body)).map((name) => `${name} is missing`),
      ...Object.entries(body).flatMap(([name, value]) =>
        fields[name] === undefined
          ? [`${name} is not documented`]
          : fields[name](value)
            ? []
            : [`${name} is ${JSON.stringify(value)}`],
      ),
      ...(record(body["sampling_params"])
        ? Object.entries(body["sampling_params"]).flatMap(([name, value]) =>
            SAMPLING[name]?.(value) ? [] : [`sampling_params.${name} is ${JSON.stringify(value)}`],
          )
        : []),
    ];
    if (path === "/generate" && "text" in body === "input_ids" in body) problems.push("one of text and input_ids");
    if (path === "/generate" && body["image_data"] !== undefined && "input_ids" in body)
      problems.push("pictures with ids that are expanded already");
    if (problems.length === 0) return;
    this.violations.push(...problems.map((problem) => `${path}: ${problem}`));
    throw new Refusal(400, problems.join("; "));
  }

  async #sglang(path: string, body: Body | undefined): Promise<unknown> {
    if (path === "/v1/models")
      return { object: "list", data: [{ id: this.options.model, object: "model", owned_by: "sglang" }] };
    if (path === "/model_info")
      return {
        model_path: this.options.model,
        tokenizer_path: this.options.model,
        is_generation: true,
        weight_version: this.#version,
      };
    if (path === "/server_info") return { version: "0.5.9", model_path: this.options.model };
    if (path === "/update_weights_from_disk") {
      if (!this.ignoresWeights) {
        const { model_path: folder, weight_version: version } = body as { model_path: string; weight_version?: string };
        const before = this.#base;
        this.#base = await loadVlm(folder);
        before.dispose();
        if (version !== undefined) this.#version = version;
      }
      return { success: true, message: "Succeeded to update model weights.", num_paused_requests: 0 };
    }
    if (path !== "/generate" || body === undefined) throw new Refusal(404, "Not Found");
    const sampling = body["sampling_params"] as {
      temperature: number;
      top_p: number;
      top_k: number;
      max_new_tokens: number;
      sampling_seed: number;
      stop?: string[];
    };
    const pictures = ((body["image_data"] as string[] | undefined) ?? []).map(bytesOf);
    const prompt =
      "text" in body
        ? await this.#processor.encode(body["text"] as string, pictures)
        : { promptIds: Int32Array.from(body["input_ids"] as number[]) };
    const [answer] = await collect(this.#base, prompt, {
      n: 1,
      temperature: sampling.temperature,
      topP: sampling.top_p,
      topK: sampling.top_k,
      maxNewTokens: sampling.max_new_tokens,
      seed: sampling.sampling_seed,
    });
    const { tokenIds, logProbs, finishReason } = answer as GeneratedCompletion;
    const { text: said, matched } = this.#say(tokenIds, sampling.stop);
    return {
      text: said,
      output_ids: [...tokenIds],
      meta_info: {
        id: String(this.#generations),
        finish_reason:
          matched || finishReason === "stop"
            ? { type: "stop", matched: tokenIds.at(-1) }
            : { type: "length", length: sampling.max_new_tokens },
        prompt_tokens: prompt.promptIds.length,
        completion_tokens: tokenIds.length,
        weight_version: this.#version,
        ...(body["return_logprob"] === true
          ? { output_token_logprobs: [...tokenIds].map((id, t) => [logProbs[t], id, null]) }
          : {}),
      },
    };
  }

  async #vllm(path: string, body: Body | undefined): Promise<unknown> {
    const { mode, model } = this.options;
    if ((LORA.includes(path) && mode !== "lora") || (DEV.includes(path) && mode !== "dev"))
      throw new Refusal(404, "Not Found");
    switch (path) {
      case "/version":
        return { version: "0.18.1" };
      case "/v1/models":
        return {
          object: "list",
          data: [model, ...this.#adapters.keys()].map((id) => ({ id, object: "model", owned_by: "vllm" })),
        };
      case "/v1/load_lora_adapter": {
        const { lora_name: name, lora_path: folder } = body as { lora_name: string; lora_path: string };
        if (this.#adapters.has(name)) throw new Refusal(400, `The lora adapter '${name}' has already been loaded.`);
        this.#adapters.set(name, await loadVlm(model, { adapter: { folder } }));
        return undefined;
      }
      case "/v1/unload_lora_adapter": {
        const name = String(body?.["lora_name"]);
        if (!this.#adapters.has(name)) throw new Refusal(404, `The lora adapter '${name}' cannot be found.`);
        this.#adapters.get(name)?.dispose();
        this.#adapters.delete(name);
        return undefined;
      }
      case "/pause":
        this.#paused = true;
        return { status: "paused" };
      case "/resume":
        this.#paused = false;
        return { status: "resumed" };
      case "/reset_prefix_cache":
      case "/reset_encoder_cache":
        return undefined;
      case "/collective_rpc": {
        const { method, kwargs } = body as { method: string; kwargs: { weights_path: string } };
        if (method !== "reload_weights" || !this.#paused)
          throw new Refusal(400, "weights are reloaded while generation pauses");
        const before = this.#base;
        this.#base = await loadVlm(kwargs.weights_path);
        before.dispose();
        return { results: [null] };
      }
      case "/update_weight_version":
        this.#version = String(body?.["new_version"]);
        return { success: true, new_version: this.#version };
      case "/weight_info":
        return { weight_version: this.#version };
      case "/v1/chat/completions":
        return this.#chat(body as Body);
      default:
        throw new Refusal(404, "Not Found");
    }
  }

  async #chat(body: Body): Promise<unknown> {
    const name = String(body["model"]);
    const policy = name === this.options.model ? this.#base : this.#adapters.get(name);
    if (policy === undefined) throw new Refusal(404, `The model \`${name}\` does not exist.`);
    const { messages, pictures } = readMessages(body["messages"] as { role: string; content: unknown }[]);
    const prompt = await this.#processor.encode(messages, pictures);
    const answers = await collect(policy, prompt, {
      n: (body["n"] as number | undefined) ?? 1,
      temperature: body["temperature"] as number,
      topP: body["top_p"] as number,
      topK: body["top_k"] as number,
      maxNewTokens: body["max_tokens"] as number,
      seed: body["seed"] as number,
    });
    return {
      id: `chatcmpl-${this.#generations}`,
      object: "chat.completion",
      model: name,
      choices: answers.map(({ tokenIds, logProbs, finishReason }, index) => {
        const { text: content, matched } = this.#say(tokenIds, body["stop"] as string[] | undefined);
        return {
          index,
          message: { role: "assistant", content },
          finish_reason: matched ? "stop" : finishReason,
          ...(body["return_token_ids"] === true ? { token_ids: [...tokenIds] } : {}),
          ...(body["logprobs"] === true
            ? {
                logprobs: {
                  content: [...tokenIds].map((id, t) => ({
                    token: `token_id:${id}`,
                    logprob: logProbs[t],
                    top_logprobs: [{ token: `token_id:${id}`, logprob: logProbs[t] }],
                  })),
                },
              }
            : {}),
        };
      }),
      usage: {
        prompt_tokens: prompt.promptIds.length,
        completion_tokens: answers.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0),
      },
    };
  }

  #say(tokenIds: Int32Array, stop: readonly string[] = []): { text: string; matched: boolean } {
    const said = this.#processor.decode(tokenIds, { skipSpecialTokens: true });
    const ends = stop.map((end) => said.indexOf(end)).filter((at) => at >= 0);
    return ends.length === 0
      ? { text: said, matched: false }
      : { text: said.slice(0, Math.min(...ends)), matched: true };
  }
}

type Sampling = {
  readonly n: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxNewTokens: number;
  readonly seed: number;
};

async function collect(
  policy: VlmPolicy,
  prompt: { readonly promptIds: Int32Array },
  sampling: Sampling,
): Promise<GeneratedCompletion[]> {
  const answers: GeneratedCompletion[] = [];
  const topK = sampling.topK < 0 ? 0 : sampling.topK;
  // The trainer takes such tokens out, after which the log-probabilities of those behind them are others.
  const bannedTokenIds = [policy.config.imageTokenId, policy.config.videoTokenId];
  for await (const answer of policy.generate([prompt], { ...sampling, topK, bannedTokenIds })) answers.push(answer);
  return answers.sort((a, b) => a.sampleIndex - b.sampleIndex);
}

const bytesOf = (url: string): Uint8Array => {
  const [, data] = /^data:image\/[a-z]+;base64,(.*)$/s.exec(url) ?? [];
  if (data === undefined) throw new Refusal(400, `no picture: ${url.slice(0, 40)}`);
  return Buffer.from(data, "base64");
};

function readMessages(messages: readonly { role: string; content: unknown }[]): {
  messages: ChatMessage[];
  pictures: Uint8Array[];
} {
  const pictures: Uint8Array[] = [];
  const read = messages.map(({ role, content }): ChatMessage => {
    if (typeof content === "string") return { role, content };
    return {
      role,
      content: (content as { type: string; text?: string; image_url?: { url: string } }[]).map((part) => {
        if (part.type === "text") return { type: "text" as const, text: String(part.text) };
        pictures.push(bytesOf(String(part.image_url?.url)));
        return { type: "image" as const };
      }),
    };
  });
  return { messages: read, pictures };
}
