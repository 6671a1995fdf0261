/**
 * What each path of the API does. Quick answers are given at once; work goes to the queue, and its result is fetched
 * later.
 */
import { createHash, randomUUID } from "node:crypto";
import { lossFunction } from "./losses";
import type { KnownModel, ModelDirectory } from "./model-directory";
import type { NumberedPrompt, SampleSettings, SamplerSource } from "./model-work";
import type { ModelWorker } from "./model-worker";
import { type LoraConfig, type PassInput, type SampleBody, bodies, readBody } from "./request-bodies";
import { RequestRefusal } from "./request-refusal";
import { type Failure, type Outcome, type ReplyBody, Results } from "./results";
import { Sessions } from "./sessions";
import { type Work, WorkQueue } from "./work-queue";

export interface ApiReply {
  readonly status: number;
  readonly body: ReplyBody;
}

/** One prompt that waits for its answers. */
interface SampleWork extends Work, NumberedPrompt {
  readonly kind: string;
  finish(outcome: Outcome<string>): void;
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
    readonly directory: ModelDirectory,
    readonly worker: ModelWorker,
    readonly version: string,
    readonly note: (message: string) => void,
  ) {
    const { holdMs, sessionMs } = directory.settings;
    this.#results = new Results(holdMs);
    this.#sessions = new Sessions(sessionMs, (id) => this.#endSession(id));
  }

  /**
   * @param waits whether the client would rather wait for a result than ask for it in a request of its own
   * @throws RequestRefusal for a path, a method or a body that this server does not have
   */
  async answer(method: string, path: string, sent: Buffer, waits = false): Promise<ApiReply> {
    if (method === "GET") return { status: 200, body: await this.#read(path) };
    if (method !== "POST") throw new RequestRefusal(405, `${method} is not for ${path}`);
    const body = parse(sent.toString("utf8"));
    if (path === "retrieve_future") return this.#fetch(readBody(bodies.future, body).request_id);
    const digest = (): string => createHash("sha256").update(sent).digest("base64");
    const reply = await this.#post(path, body, digest);
    if (!waits || !("request_id" in reply)) return { status: 200, body: reply };
    const result = await this.#fetch(String(reply.request_id));
    return result.status === 200 ? result : { status: 200, body: reply };
  }

  /** Ends the work that goes on; what waits is answered with an error. */
  async close(): Promise<void> {
    this.#sessions.close();
    await this.#queue.close();
    const { size } = this.directory;
    if (size > 0) this.note(`${size} models are gone; weights that were not saved are lost`);
    await this.worker.close();
  }

  async #read(path: string): Promise<object> {
    const { settings, architecture } = this.directory;
    if (path === "healthz") return { status: "ok" };
    if (path === "get_server_capabilities") {
      const model = { model_name: settings.name, max_context_length: architecture.text.maxPositionEmbeddings };
      return { supported_models: [model], v_triune: { version: this.version } };
    }
    const [, run] = /^training_runs\/([^/]+)\/checkpoints$/.exec(path) ?? [];
    if (run === undefined) throw new RequestRefusal(404, `${path} is not a path of this server`);
    const saved = await this.directory.saved.list(decodeURIComponent(run));
    return {
      checkpoints: saved.map(({ address, description }) => ({
        checkpoint_id: `${address.kind}/${address.name}`,
        checkpoint_type: address.kind === "weights" ? "training" : "sampler",
        time: description.time,
        tinker_path: this.directory.saved.url(address),
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
        return this.#work(async () =>
          answered(await this.worker.do("unload", model_id), () => {
            this.directory.remove(model_id);
            return { model_id, type: "unload_model" };
          }),
        );
      }
      default:
        throw new RequestRefusal(404, `${path} is not a path of this server`);
    }
  }

  #createModel(body: unknown, digest: Digest): object {
    const { session_id, model_seq_id, base_model, lora_config = null } = readBody(bodies.createModel, body);
    this.#sessions.touch(session_id);
    this.directory.check(base_model, lora_config);
    const id = `${session_id}:train:${model_seq_id}`;
    return this.#once(id, -1, digest, () => ({
      ...this.#work(() => this.#create(id, session_id, lora_config)),
      model_id: id,
      base_model,
    }));
  }

  async #create(id: string, session: string, config: LoraConfig | null): Promise<Outcome<object>> {
    return answered(await this.worker.do("create", id, session, config), (lora) => {
      this.directory.add(id, { session, lora });
      this.note(`${id}: a model with ${lora ? `an adapter of rank ${lora.rank}` : "all weights trained"}`);
      return {
        model_id: id,
        base_model: this.directory.settings.name,
        lora_config: lora && { ...lora, alpha: 2 * lora.rank, train_unembed: false },
        type: "create_model",
      };
    });
  }

  #pass(
    request: { readonly model_id: string; readonly seq_id?: number | null },
    input: PassInput,
    backward: boolean,
    digest: Digest,
  ): object {
    const { model_id, seq_id } = request;
    this.#known(model_id);
    lossFunction(input.loss_fn, input.loss_fn_config);
    const { maxRows } = this.directory.settings;
    if (input.data.length > maxRows)
      throw new RequestRefusal(422, `data: at most ${maxRows} rows expected, found ${input.data.length}`);
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () => this.worker.do("pass", model_id, input, backward)),
    );
  }

  #optimStep(body: unknown, digest: Digest): object {
    const { model_id, seq_id, adam_params } = readBody(bodies.optimStep, body);
    this.#known(model_id);
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () =>
        answered(await this.worker.do("optimStep", model_id, adam_params), ({ gradNorm, learningRate }) => ({
          metrics: { grad_norm: gradNorm, learning_rate: learningRate },
          type: "optim_step",
        })),
      ),
    );
  }

  #saveWeights(body: unknown, digest: Digest): object {
    const { model_id, seq_id, path, overwrite = false } = readBody(bodies.saveWeights, body);
    this.#known(model_id);
    const name = path ?? `seq-${seq_id ?? this.#numbers++}`;
    this.directory.saved.address(model_id, "weights", name);
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () =>
        answered(await this.worker.do("save", model_id, name, "weights", overwrite), (address) => ({
          path: address,
          type: "save_weights",
        })),
      ),
    );
  }

  async #loadWeights(body: unknown, digest: Digest): Promise<object> {
    const { path, optimizer = true, seq_id, ...of } = readBody(bodies.loadWeights, body);
    const address = this.directory.saved.parse(path);
    const description = await this.directory.saved.describe(address);
    if (of.model_id) {
      const { model_id } = of;
      this.#known(model_id);
      return this.#once(model_id, seq_id, digest, () =>
        this.#work(async () =>
          answered(await this.worker.do("load", model_id, path, optimizer), () => ({ path, type: "load_weights" })),
        ),
      );
    }
    if (!of.session_id || typeof of.model_seq_id !== "number")
      throw new RequestRefusal(422, "model_id expected, or session_id and model_seq_id");
    const { session_id, model_seq_id } = of;
    this.#sessions.touch(session_id);
    const id = `${session_id}:train:${model_seq_id}`;
    return this.#once(id, -1, digest, () => ({
      ...this.#work(async () => {
        const lora = description.loraRank === null ? null : { rank: description.loraRank };
        const made = await this.#create(id, session_id, lora);
        if ("error" in made) return made;
        return answered(await this.worker.do("load", id, path, optimizer), () => ({
          path,
          model_id: id,
          type: "load_weights",
        }));
      }),
      model_id: id,
    }));
  }

  #saveForSampler(body: unknown, digest: Digest): object {
    const { model_id, seq_id, path } = readBody(bodies.saveForSampler, body);
    this.#known(model_id);
    if (path) this.directory.saved.address(model_id, "sampler_weights", path);
    const type = "save_weights_for_sampler";
    return this.#once(model_id, seq_id, digest, () =>
      this.#work(async () => {
        if (path)
          return answered(await this.worker.do("save", model_id, path, "sampler_weights", true), (address) => ({
            path: address,
            type,
          }));
        const id = `sampling-${randomUUID().slice(0, 8)}`;
        return answered(await this.worker.do("keepSampler", id, model_id), (dropped) => {
          this.directory.addSampler(id, { sampler: id }, model_id);
          for (const other of dropped) this.directory.removeSampler(other);
          return { path: null, sampling_session_id: id, type };
        });
      }),
    );
  }

  async #createSamplingSession(body: unknown): Promise<object> {
    const { session_id, base_model, model_path } = readBody(bodies.createSamplingSession, body);
    this.#sessions.touch(session_id);
    const id = `sampling-${randomUUID().slice(0, 8)}`;
    this.directory.addSampler(id, await this.#source({ base_model, model_path }));
    return { type: "create_sampling_session", sampling_session_id: id };
  }

  async #source({
    sampling_session_id,
    model_path,
    base_model,
  }: Pick<SampleBody, "sampling_session_id" | "model_path" | "base_model">): Promise<SamplerSource> {
    if (sampling_session_id) return this.directory.sampler(sampling_session_id);
    if (model_path) {
      const saved = this.directory.saved.parse(model_path);
      await this.directory.saved.describe(saved);
      return { saved };
    }
    if (!base_model) throw new RequestRefusal(422, "sampling_session_id, model_path or base_model expected");
    this.directory.check(base_model, null);
    return "base";
  }

  async #sample(body: SampleBody): Promise<object> {
    const source = await this.#source(body);
    const { maxSamples } = this.directory.settings;
    const { num_samples = 1, sampling_params: given } = body;
    if (num_samples > maxSamples)
      throw new RequestRefusal(422, `num_samples: at most ${maxSamples} expected, found ${num_samples}`);
    if ((body.topk_prompt_logprobs ?? 0) > 0) throw new RequestRefusal(422, "topk_prompt_logprobs: not on this server");
    const { temperature = 1, top_p = 1, top_k = -1, max_tokens = null, stop = null, seed = null } = given;
    const stops = stop === null ? [] : typeof stop === "string" ? [stop] : stop;
    const settings: SampleSettings = {
      n: num_samples,
      seed: seed ?? 0,
      temperature,
      topP: top_p,
      topK: Math.max(0, top_k),
      stopTokens: stops.filter((one) => typeof one === "number"),
      stopTexts: stops.filter((one) => typeof one === "string"),
      maxTokens: max_tokens,
      promptLogProbs: body.prompt_logprobs === true,
    };
    // Requests without a seed are all drawn from one, each with a number of its own.
    const number = body.prompt_number ?? (seed === null ? this.#numbers++ : 0);
    const address = body.sampling_session_id ?? body.model_path ?? "base";
    const id = this.#results.open();
    const work: SampleWork = {
      kind: JSON.stringify([address, settings]),
      prompt: body.prompt,
      number,
      finish: (outcome) => this.#results.settle(id, outcome),
      cancel: () => this.#results.settle(id, STOPPING),
      run: (together) => this.#answer(source, together as readonly SampleWork[], settings),
    };
    this.#enqueue(work);
    return { request_id: id };
  }

  async #answer(source: SamplerSource, works: readonly SampleWork[], settings: SampleSettings): Promise<void> {
    const prompts = works.map(({ prompt, number }) => ({ prompt, number }));
    const outcome = await this.worker.do("sample", source, prompts, settings);
    for (const [at, { finish }] of works.entries()) finish("value" in outcome ? outcome.value[at]! : outcome);
  }

  #info(id: string): object {
    const { lora } = this.#known(id);
    const { name } = this.directory.settings;
    return {
      type: "get_info",
      model_id: id,
      model_data: {
        arch: this.directory.architecture.modelType,
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
    const { baseModel, loraRank } = await this.directory.saved.describe(this.directory.saved.parse(path));
    return { base_model: baseModel, is_lora: loraRank !== null, lora_rank: loraRank };
  }

  /** @throws RequestRefusal 404; a request for a model is a sign of life of its session */
  #known(id: string): KnownModel {
    const model = this.directory.model(id);
    this.#sessions.touch(model.session);
    return model;
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

  #work(task: () => Promise<Outcome<ReplyBody>>): { readonly request_id: string } {
    const id = this.#results.open();
    this.#enqueue({
      cancel: () => this.#results.settle(id, STOPPING),
      run: async () => this.#results.settle(id, await task()),
    });
    return { request_id: id };
  }

  #enqueue(work: Work): void {
    const { maxQueue } = this.directory.settings;
    if (this.#queue.length >= maxQueue) throw new RequestRefusal(503, `${maxQueue} requests wait; ask again later`);
    this.#queue.add(work);
  }

  #endSession(id: string): void {
    this.#queue.add({
      cancel: () => {},
      run: async () => {
        const outcome = await this.worker.do("unloadSession", id);
        const gone = "value" in outcome ? outcome.value : [];
        for (const model of gone) this.directory.remove(model);
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

const STOPPING: Failure = { error: "the server is stopping", category: "server" };

/** The reply to a call that was done; a failure stays one. */
function answered<Value>(outcome: Outcome<Value>, reply: (value: Value) => object): Outcome<object> {
  return "value" in outcome ? { value: reply(outcome.value) } : outcome;
}
