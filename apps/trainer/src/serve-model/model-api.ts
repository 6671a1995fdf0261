/**
 * What each path of the API does. Quick answers are given at once; work goes to the queue, and its result is fetched
 * later.
 */
import { createHash, randomUUID } from "node:crypto";
import { VTriuneError } from "@v-triune/errors";
import type { PromptInput } from "@v-triune/policy";
import { lossFunction } from "./losses";
import type { ModelEntry, ModelStore, SamplerSource } from "./model-store";
import { type LoraConfig, type ModelInput, type PassInput, type SampleBody, bodies, readBody } from "./request-bodies";
import { RequestRefusal } from "./request-refusal";
import { type Outcome, Results } from "./results";
import type { PassResult } from "./served-model";
import { Sessions } from "./sessions";
import { type Work, WorkQueue } from "./work-queue";

export interface ApiReply {
  readonly status: number;
  readonly body: object;
}

/** Answers of one prompt, as the client reads them. */
interface SampleWork extends Work {
  readonly kind: string;
  readonly prompt: ModelInput;
  readonly number: number;
  finish(outcome: Outcome): void;
}

/** Training requests of one model whose repetition is recognized. */
const REMEMBERED_REQUESTS = 4096;

export class ModelApi {
  readonly #results: Results;
  readonly #queue = new WorkQueue();
  readonly #sessions: Sessions;
  /** By model and seq_id: what was asked, and the id of its result. */
  readonly #requests = new Map<string, { readonly digest: string; readonly reply: object }>();
  #numbers = 0;

  constructor(
    readonly store: ModelStore,
    readonly version: string,
    readonly note: (message: string) => void,
  ) {
    const { holdMs, sessionMs } = store.settings;
    this.#results = new Results(holdMs);
    this.#sessions = new Sessions(sessionMs, (id) => this.#endSession(id));
  }

  /** Time that the work of requests took so far. */
  get workedMs(): number {
    return this.#queue.workedMs;
  }

  /** @throws RequestRefusal for a path, a method or a body that this server does not have */
  async answer(method: string, path: string, text: string): Promise<ApiReply> {
    if (method === "GET") return { status: 200, body: await this.#read(path) };
    if (method !== "POST") throw new RequestRefusal(405, `${method} is not for ${path}`);
    const body = parse(text);
    if (path === "retrieve_future") return this.#fetch(readBody(bodies.future, body).request_id);
    const digest = (): string => createHash("sha256").update(text).digest("base64");
    return { status: 200, body: await this.#post(path, body, digest) };
  }

  /** Ends the work that goes on; what waits is answered with an error. */
  async close(): Promise<void> {
    this.#sessions.close();
    await this.#queue.close();
    if (this.store.size > 0) this.note(`${this.store.size} models are gone; weights that were not saved are lost`);
    this.store.dispose();
  }

  async #read(path: string): Promise<object> {
    const { settings, architecture } = this.store;
    if (path === "healthz") return { status: "ok" };
    if (path === "get_server_capabilities") {
      const model = { model_name: settings.name, max_context_length: architecture.text.maxPositionEmbeddings };
      return { supported_models: [model], v_triune: { version: this.version } };
    }
    const [, run] = /^training_runs\/([^/]+)\/checkpoints$/.exec(path) ?? [];
    if (run === undefined) throw new RequestRefusal(404, `${path} is not a path of this server`);
    const saved = await this.store.saved.list(decodeURIComponent(run));
    return {
      checkpoints: saved.map(({ address, description }) => ({
        checkpoint_id: `${address.kind}/${address.name}`,
        checkpoint_type: address.kind === "weights" ? "training" : "sampler",
        time: description.time,
        tinker_path: this.store.saved.url(address),
      })),
    };
  }

  async #fetch(id: string): Promise<ApiReply> {
    const outcome = await this.#results.fetch(id);
    if (outcome === undefined)
      return { status: 408, body: { type: "try_again", request_id: id, queue_state: "active", detail: "not yet" } };
    return { status: 200, body: "value" in outcome ? outcome.value : outcome };
  }

  async #post(path: string, body: unknown, digest: Digest): Promise<object> {
    switch (path) {
      case "client/config":
        return { pjwt_auth_enabled: false, parallel_fwdbwd_chunks: false, proto_write_fwdbwd: false };
      case "telemetry":
        return { status: "accepted" };
      case "create_session":
        readBody(bodies.createSession, body);
        return { type: "create_session", session_id: this.#sessions.create() };
      case "session_heartbeat":
        this.#sessions.touch(readBody(bodies.heartbeat, body).session_id);
        return { type: "session_heartbeat" };
      case "create_model":
        return this.#createModel(body, digest);
      case "forward": {
        const { forward_input, ...request } = readBody(bodies.forward, body);
        return this.#pass(request, forward_input, false, digest);
      }
      case "forward_backward": {
        const { forward_backward_input, ...request } = readBody(bodies.forwardBackward, body);
        return this.#pass(request, forward_backward_input, true, digest);
      }
      case "optim_step":
        return this.#optimStep(body, digest);
      case "save_weights":
        return this.#saveWeights(body, digest);
      case "load_weights":
        return this.#loadWeights(body, digest);
      case "save_weights_for_sampler":
        return this.#saveForSampler(body, digest);
      case "create_sampling_session":
        return this.#createSamplingSession(body);
      case "asample":
        return this.#sample(readBody(bodies.sample, body));
      case "get_info":
        return this.#info(readBody(bodies.model, body).model_id);
      case "weights_info":
        return this.#weightsInfo(readBody(bodies.weightsInfo, body).tinker_path);
      case "unload_model": {
        const { model_id } = readBody(bodies.model, body);
        this.#known(model_id);
        return this.#work(async () => {
          this.store.unload(model_id);
          return { model_id, type: "unload_model" };
        });
      }
      default:
        throw new RequestRefusal(404, `${path} is not a path of this server`);
    }
  }

  #createModel(body: unknown, digest: Digest): object {
    const { session_id, model_seq_id, base_model, lora_config = null } = readBody(bodies.createModel, body);
    this.#sessions.touch(session_id);
    this.store.check(base_model, lora_config);
    const id = `${session_id}:train:${model_seq_id}`;
    return this.#once(id, -1, digest, () => ({
      ...this.#work(() => this.#create(id, session_id, lora_config)),
      model_id: id,
      base_model,
    }));
  }

  async #create(id: string, session: string, config: LoraConfig | null): Promise<object> {
    const { lora } = await this.store.create(id, session, config);
    this.note(`${id}: a model with ${lora ? `an adapter of rank ${lora.rank}` : "all weights trained"}`);
    return {
      model_id: id,
      base_model: this.store.settings.name,
      lora_config: lora && { ...lora, alpha: 2 * lora.rank, train_unembed: false },
      type: "create_model",
    };
  }

  #pass(
    request: { readonly model_id: string; readonly seq_id?: number | null },
    { data, loss_fn, loss_fn_config }: PassInput,
    backward: boolean,
    digest: Digest,
  ): object {
    this.#known(request.model_id);
    const loss = lossFunction(loss_fn, loss_fn_config);
    const { maxRows } = this.store.settings;
    if (data.length > maxRows)
      throw new RequestRefusal(422, `data: at most ${maxRows} rows expected, found ${data.length}`);
    return this.#once(request.model_id, request.seq_id, digest, () =>
      this.#work(async () => {
        const { model } = this.store.entry(request.model_id);
        const rows = await Promise.all(data.map((datum, row) => this.store.reader.row(datum, loss, `data[${row}]`)));
        return passOutput(await (backward ? model.forwardBackward(rows, loss) : model.forward(rows, loss)));
      }),
    );
  }

  #optimStep(body: unknown, digest: Digest): object {
    const { model_id, seq_id, adam_params } = readBody(bodies.optimStep, body);
    this.#known(model_id);
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () => {
        const { model } = this.store.entry(model_id);
        this.store.keepForSamplers(model_id);
        const { gradNorm, learningRate } = model.optimStep(adam_params);
        return { metrics: { grad_norm: gradNorm, learning_rate: learningRate }, type: "optim_step" };
      }),
    );
  }

  #saveWeights(body: unknown, digest: Digest): object {
    const { model_id, seq_id, path, overwrite = false } = readBody(bodies.saveWeights, body);
    this.#known(model_id);
    const name = path ?? `seq-${seq_id ?? this.#numbers++}`;
    this.store.saved.address(model_id, "weights", name);
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () => ({
        path: await this.store.save(model_id, name, "weights", overwrite),
        type: "save_weights",
      })),
    );
  }

  async #loadWeights(body: unknown, digest: Digest): Promise<object> {
    const { path, optimizer = true, seq_id, ...of } = readBody(bodies.loadWeights, body);
    const address = this.store.saved.parse(path);
    const description = await this.store.saved.describe(address);
    if (of.model_id) {
      const { model_id } = of;
      this.#known(model_id);
      return this.#once(model_id, seq_id, digest, () =>
        this.#work(async () => {
          await this.store.load(model_id, path, optimizer);
          return { path, type: "load_weights" };
        }),
      );
    }
    if (!of.session_id || typeof of.model_seq_id !== "number")
      throw new RequestRefusal(422, "model_id expected, or session_id and model_seq_id");
    const { session_id, model_seq_id } = of;
    this.#sessions.touch(session_id);
    const id = `${session_id}:train:${model_seq_id}`;
    return this.#once(id, -1, digest, () => ({
      ...this.#work(async () => {
        await this.#create(id, session_id, description.loraRank === null ? null : { rank: description.loraRank });
        await this.store.load(id, path, optimizer);
        return { path, model_id: id, type: "load_weights" };
      }),
      model_id: id,
    }));
  }

  #saveForSampler(body: unknown, digest: Digest): object {
    const { model_id, seq_id, path } = readBody(bodies.saveForSampler, body);
    this.#known(model_id);
    if (path) this.store.saved.address(model_id, "sampler_weights", path);
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () => {
        if (path)
          return {
            path: await this.store.save(model_id, path, "sampler_weights", true),
            type: "save_weights_for_sampler",
          };
        const id = `sampling-${randomUUID().slice(0, 8)}`;
        this.store.addSampler(id, { modelId: model_id, version: this.store.entry(model_id).model.version });
        return { path: null, sampling_session_id: id, type: "save_weights_for_sampler" };
      }),
    );
  }

  async #createSamplingSession(body: unknown): Promise<object> {
    const { session_id, base_model, model_path } = readBody(bodies.createSamplingSession, body);
    this.#sessions.touch(session_id);
    const id = `sampling-${randomUUID().slice(0, 8)}`;
    this.store.addSampler(id, await this.#source({ base_model, model_path }));
    return { type: "create_sampling_session", sampling_session_id: id };
  }

  async #source({
    sampling_session_id,
    model_path,
    base_model,
  }: Pick<SampleBody, "sampling_session_id" | "model_path" | "base_model">): Promise<SamplerSource> {
    if (sampling_session_id) return this.store.sampler(sampling_session_id);
    if (model_path) {
      const saved = this.store.saved.parse(model_path);
      await this.store.saved.describe(saved);
      return { saved };
    }
    if (!base_model) throw new RequestRefusal(422, "sampling_session_id, model_path or base_model expected");
    this.store.check(base_model, null);
    return "base";
  }

  async #sample(body: SampleBody): Promise<object> {
    const source = await this.#source(body);
    const { maxSamples } = this.store.settings;
    const { num_samples = 1, sampling_params: given } = body;
    if (num_samples > maxSamples)
      throw new RequestRefusal(422, `num_samples: at most ${maxSamples} expected, found ${num_samples}`);
    if ((body.topk_prompt_logprobs ?? 0) > 0) throw new RequestRefusal(422, "topk_prompt_logprobs: not on this server");
    const { temperature = 1, top_p = 1, top_k = -1, max_tokens = null, stop = null, seed = null } = given;
    const stops = stop === null ? [] : typeof stop === "string" ? [stop] : stop;
    const settings = {
      n: num_samples,
      seed: seed ?? 0,
      temperature,
      topP: top_p,
      topK: Math.max(0, top_k),
      stopTokens: stops.filter((one) => typeof one === "number"),
      stopTexts: stops.filter((one) => typeof one === "string"),
    };
    // Requests without a seed are all drawn from one, each with a number of its own.
    const number = body.prompt_number ?? (seed === null ? this.#numbers++ : 0);
    const address = body.sampling_session_id ?? body.model_path ?? "base";
    const kind = JSON.stringify([address, max_tokens, body.prompt_logprobs === true, settings]);
    const id = this.#results.open();
    const work: SampleWork = {
      kind,
      prompt: body.prompt,
      number,
      finish: (outcome) => this.#results.settle(id, outcome),
      cancel: () => this.#results.settle(id, STOPPING),
      run: (together) =>
        this.#answer(source, together as readonly SampleWork[], {
          ...settings,
          maxTokens: max_tokens,
          promptLogProbs: body.prompt_logprobs === true,
        }),
    };
    this.#enqueue(work);
    return { request_id: id };
  }

  async #answer(
    source: SamplerSource,
    works: readonly SampleWork[],
    {
      maxTokens,
      promptLogProbs,
      ...settings
    }: Omit<Parameters<ModelStore["sample"]>[1], "prompts" | "numbers" | "maxNewTokens"> & {
      readonly maxTokens: number | null;
      readonly promptLogProbs: boolean;
    },
  ): Promise<void> {
    const limit = this.store.architecture.text.maxPositionEmbeddings;
    const ready: { readonly work: SampleWork; readonly prompt: PromptInput }[] = [];
    for (const work of works) {
      const prompt = await settle(work, () => this.#roomyPrompt(work.prompt, maxTokens ?? 1));
      if (prompt) ready.push({ work, prompt });
    }
    if (ready.length === 0) return;
    const longest = Math.max(0, ...ready.map(({ prompt }) => prompt.promptIds.length));
    try {
      const answers = await this.store.sample(source, {
        ...settings,
        prompts: ready.map(({ prompt }) => prompt),
        numbers: ready.map(({ work }) => work.number),
        maxNewTokens: maxTokens ?? Math.max(1, limit - longest),
      });
      for (const [index, { work, prompt }] of ready.entries()) {
        const own = answers.filter(({ promptIndex }) => promptIndex === index);
        const sequences = own
          .sort((a, b) => a.sampleIndex - b.sampleIndex)
          .map(({ tokenIds, logProbs, finishReason }) => ({
            tokens: [...tokenIds],
            logprobs: [...logProbs],
            stop_reason: finishReason,
          }));
        const scored = promptLogProbs ? await this.store.promptLogProbs(source, prompt) : null;
        work.finish({ value: { sequences, prompt_logprobs: scored, type: "sample" } });
      }
    } catch (error) {
      for (const { work } of ready) work.finish(failure(error, this.note));
    }
  }

  /** A prompt that leaves room for its answer: one that does not must not spoil the others that it is answered with. */
  async #roomyPrompt(input: ModelInput, maxTokens: number): Promise<PromptInput> {
    const prompt = await this.store.reader.prompt(input, "prompt");
    const limit = this.store.architecture.text.maxPositionEmbeddings;
    const { length } = prompt.promptIds;
    if (length + maxTokens <= limit) return prompt;
    throw new RequestRefusal(
      400,
      `prompt: ${length} tokens and max_tokens ${maxTokens} are more than the ${limit} of the model`,
    );
  }

  #info(id: string): object {
    const { lora } = this.#known(id);
    const name = this.store.settings.name;
    return {
      type: "get_info",
      model_id: id,
      model_data: {
        arch: this.store.architecture.modelType,
        base_model: name,
        model_name: name,
        lora_config: lora,
        tokenizer_id: name,
      },
      is_lora: lora !== null,
      lora_rank: lora?.rank ?? null,
      model_name: name,
    };
  }

  async #weightsInfo(path: string): Promise<object> {
    const { baseModel, loraRank } = await this.store.saved.describe(this.store.saved.parse(path));
    return { base_model: baseModel, is_lora: loraRank !== null, lora_rank: loraRank };
  }

  /** @throws RequestRefusal 404; a request for a model is a sign of life of its session */
  #known(id: string): ModelEntry {
    const entry = this.store.entry(id);
    this.#sessions.touch(entry.session);
    return entry;
  }

  /** The same request with the same number is done once; another one with that number is refused. */
  #once(model: string, seq: number | null | undefined, digestOf: Digest, start: () => object): object {
    if (seq === undefined || seq === null) return start();
    const key = `${model} ${seq}`;
    const digest = digestOf();
    const known = this.#requests.get(key);
    if (known?.digest === digest) return known.reply;
    if (known) throw new RequestRefusal(409, `seq_id ${seq} of model ${model} was another request`);
    const reply = start();
    this.#requests.set(key, { digest, reply });
    for (const oldest of this.#requests.keys()) {
      if (this.#requests.size <= REMEMBERED_REQUESTS) break;
      this.#requests.delete(oldest);
    }
    return reply;
  }

  #work(task: () => Promise<object>): { readonly request_id: string } {
    const id = this.#results.open();
    this.#enqueue({
      cancel: () => this.#results.settle(id, STOPPING),
      run: async () => {
        try {
          this.#results.settle(id, { value: await task() });
        } catch (error) {
          this.#results.settle(id, failure(error, this.note));
        }
      },
    });
    return { request_id: id };
  }

  #enqueue(work: Work): void {
    const { maxQueue } = this.store.settings;
    if (this.#queue.length >= maxQueue) throw new RequestRefusal(503, `${maxQueue} requests wait; ask again later`);
    this.#queue.add(work);
  }

  #endSession(id: string): void {
    this.#queue.add({
      cancel: () => {},
      run: async () => {
        const gone = this.store.unloadSession(id);
        if (gone.length > 0) this.note(`${id} fell silent; its models are gone: ${gone.join(", ")}`);
      },
    });
  }
}

/** Tells requests apart, by the bytes of their bodies. */
type Digest = () => string;

function parse(text: string): unknown {
  try {
    return text === "" ? {} : (JSON.parse(text) as unknown);
  } catch (error) {
    throw new RequestRefusal(400, `the body is not JSON: ${(error as Error).message}`);
  }
}

const STOPPING: Outcome = { error: "the server is stopping", category: "server" };

async function settle<T>(work: SampleWork, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    work.finish(failure(error, () => {}));
    return undefined;
  }
}

/** What a client is told of work that failed: its own fault in full, ours in one line, with the rest in the log. */
function failure(error: unknown, note: (message: string) => void): Outcome {
  if (error instanceof RequestRefusal) return { error: error.message, category: "user" };
  if (VTriuneError.isInstance(error)) {
    const { what, where, expected, found } = error;
    const parts = [what, where, expected && `expected ${expected}`, found && `found ${found}`];
    return { error: parts.filter((part) => part).join(" · "), category: "user" };
  }
  note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return { error: `the server failed: ${error instanceof Error ? error.message : String(error)}`, category: "server" };
}

function passOutput({ logProbs, lossSum }: PassResult): object {
  return {
    loss_fn_output_type: "scalar",
    loss_fn_outputs: logProbs.map((values) => ({
      logprobs: { data: [...values], dtype: "float32", shape: [values.length] },
    })),
    metrics: { "loss:sum": lossSum },
  };
}
