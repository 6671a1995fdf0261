/** A session: models and samplers of one client, alive as long as its heartbeats come. */
import { Sampler } from "./sampler";
import type { SessionContext, TinkerConnection } from "./connection";
import { TinkerError } from "./tinker-error";
import { TrainingModel } from "./training-model";
import { unreadable } from "./transport";
import type { LoraSettings } from "./wire";

/** The version of the SDK whose JSON this client writes. */
const WIRE_VERSION = "0.24.1";

export interface SessionOptions {
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  /** Time between heartbeats in ms. Default 10,000. Servers drop the models of a silent session. */
  readonly heartbeatMs?: number;
  readonly signal?: AbortSignal;
}

export interface CreateModelOptions {
  /** One of the server's models. */
  readonly baseModel: string;
  /** The adapter that is trained; null: the whole model, where the server can. */
  readonly lora: LoraSettings | null;
  /** Saved weights to start from, `tinker://..`, with the optimizer's moments. */
  readonly load?: string;
  readonly signal?: AbortSignal;
}

export class TinkerSession implements SessionContext {
  #models = 0;
  #samplers = 0;
  #lost: TinkerError | undefined;
  readonly #timer: NodeJS.Timeout;

  private constructor(
    readonly connection: TinkerConnection,
    readonly id: string,
    heartbeatMs: number,
  ) {
    this.#timer = setInterval(() => void this.#beat(), heartbeatMs);
    this.#timer.unref();
  }

  /** See `TinkerClient.createSession`. */
  static async create(
    connection: TinkerConnection,
    { tags = ["v-triune"], metadata = {}, heartbeatMs = 10_000, signal }: SessionOptions = {},
  ): Promise<TinkerSession> {
    const body = { tags, user_metadata: metadata, sdk_version: WIRE_VERSION, type: "create_session" };
    const reply = await connection.transport.call("create_session", { body, repeatable: true, quick: true, signal });
    const id = reply["session_id"];
    if (typeof id !== "string") throw unreadable(connection.transport.base, "a session_id", reply);
    return new TinkerSession(connection, id, heartbeatMs);
  }

  /**
   * A model of this session.
   *
   * @throws TinkerError `refused` for a base model or an adapter that the server does not have
   */
  async createModel({ baseModel, lora, load, signal }: CreateModelOptions): Promise<TrainingModel> {
    this.check();
    const { transport, resultMs } = this.connection;
    const body = {
      session_id: this.id,
      model_seq_id: this.#models++,
      base_model: baseModel,
      ...(lora === null
        ? { lora_config: null }
        : { lora_config: { seed: 0, train_unembed: true, train_mlp: true, train_attn: true, ...lora } }),
      type: "create_model",
    };
    const options = { signal, ...(resultMs === undefined ? {} : { timeoutMs: resultMs }) };
    const done = await this.connection.run("create_model", body, options);
    const id = done["model_id"];
    if (typeof id !== "string") throw unreadable(transport.base, "a model_id", done);
    const model = new TrainingModel(this, id);
    if (load !== undefined) await model.load(load, { signal });
    return model;
  }

  /** A sampler of saved weights, or of a base model as it is. */
  async createSampler(
    of: { readonly modelPath: string } | { readonly baseModel: string },
    signal?: AbortSignal,
  ): Promise<Sampler> {
    this.check();
    const body = {
      session_id: this.id,
      sampling_session_seq_id: this.#samplers++,
      ...("modelPath" in of ? { model_path: of.modelPath } : { base_model: of.baseModel }),
      type: "create_sampling_session",
    };
    const done = await this.connection.run("create_sampling_session", body, { signal });
    const id = done["sampling_session_id"];
    if (typeof id !== "string") throw unreadable(this.connection.transport.base, "a sampling_session_id", done);
    return new Sampler(this, { sampling_session_id: id });
  }

  nextSampler(): number {
    return this.#samplers++;
  }

  check(): void {
    if (this.#lost) throw this.#lost;
  }

  /** Ends the heartbeats; the server drops the session's models after a while. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    const { transport } = this.connection;
    try {
      await transport.call("session_heartbeat", {
        body: { session_id: this.id, type: "session_heartbeat" },
        repeatable: true,
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      if (!(error instanceof TinkerError) || error.code !== "lost") return;
      this.close();
      this.#lost = new TinkerError({
        what: "The server has lost the session, and its models with it.",
        where: `${transport.base}, session ${this.id}`,
        found: error.found,
        fix: "create a new model and load the weights that were saved last",
        code: "lost",
        status: error.status,
      });
    }
  }
}
