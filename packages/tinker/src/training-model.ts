/**
 * A model that is trained on a server. Requests go out one after another, each with the next `seq_id`.
 *
 * The API has no call that drops gradients. Whenever it is uncertain what has been accumulated (a connection broke, a
 * part of the rows failed), the model refuses every further step: a new model with saved weights goes on.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { inputLength } from "./datum";
import { type FutureOptions, RequestDropped, awaitResult } from "./future";
import { type ChunkLimits, chunkRows, joinOutputs } from "./request-chunks";
import { Sampler, dropped } from "./sampler";
import { TinkerError } from "./tinker-error";
import type { SessionContext } from "./connection";
import { uncertain, unreadable } from "./transport";
import type { AdamSettings, ModelInfo, OptimStepOutput, PassOutput, WireDatum } from "./wire";

export interface PassOptions extends FutureOptions {
  readonly config?: Readonly<Record<string, number>>;
  readonly chunks?: ChunkLimits;
}

const MOST_RESENDS = 3;

export class TrainingModel {
  #seq = 0;
  #last: Promise<unknown> = Promise.resolve();
  #doubt: TinkerError | undefined;

  /** Use `TinkerSession.createModel`. */
  constructor(
    readonly session: SessionContext,
    readonly id: string,
  ) {}

  /** Why the state of gradients or weights is uncertain; undefined when it is not. */
  get doubt(): TinkerError | undefined {
    return this.#doubt;
  }

  /**
   * Log-probabilities of the rows' targets, without a gradient; in `logprobs`, as long as each row's input.
   *
   * @throws TinkerError `unreadable` when outputs are missing or too short, as from a server that drops pictures
   */
  async forward(data: readonly WireDatum[], loss = "cross_entropy", options: PassOptions = {}): Promise<PassOutput> {
    return this.#inTurn(async () => {
      // Nothing adds up here, so the server has the next rows while it computes these.
      const outputs = chunkRows(data, options.chunks).map(async (rows) =>
        this.#passOutput(await this.#send("forward", this.#pass("forward", rows, loss, options), true, options), rows),
      );
      return joinOutputs(await Promise.all(outputs));
    });
  }

  /**
   * Adds the rows' gradients to those that the next `optimStep` uses.
   *
   * @throws TinkerError; `doubt` is set unless it is certain that nothing was added
   */
  async forwardBackward(data: readonly WireDatum[], loss: string, options: PassOptions = {}): Promise<PassOutput> {
    return this.#inTurn(async () => {
      this.#refuseDoubt();
      const outputs: PassOutput[] = [];
      try {
        for (const rows of chunkRows(data, options.chunks)) {
          const body = this.#pass("forward_backward", rows, loss, options);
          const done = await this.#send("forward_backward", body, false, options);
          outputs.push(this.#passOutput(done, rows));
        }
      } catch (error) {
        if (outputs.length > 0 || !this.#leavesNothing(error)) this.#doubtIt("gradients", error);
        throw error;
      }
      return joinOutputs(outputs);
    });
  }

  /** One step of AdamW by the accumulated gradients, which are then gone. */
  async optimStep(adam: AdamSettings, options: FutureOptions = {}): Promise<OptimStepOutput> {
    return this.#inTurn(async () => {
      this.#refuseDoubt();
      const adam_params = { beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0, ...adam };
      try {
        const done = await this.#send("optim_step", { adam_params, type: "optim_step" }, false, options);
        return { metrics: numbers(done["metrics"]) };
      } catch (error) {
        if (!this.#leavesNothing(error)) this.#doubtIt("weights", error);
        throw error;
      }
    });
  }

  /** Answers by the weights as they are now, whatever is trained later. */
  async sampler(options: FutureOptions = {}): Promise<Sampler> {
    return this.#inTurn(async () => {
      const body = { sampling_session_seq_id: this.session.nextSampler(), type: "save_weights_for_sampler" };
      const done = await this.#send("save_weights_for_sampler", body, true, options);
      const { sampling_session_id, path } = done;
      if (typeof sampling_session_id === "string") return new Sampler(this.session, { sampling_session_id });
      if (typeof path === "string") return new Sampler(this.session, { model_path: path });
      throw unreadable(this.#where("save_weights_for_sampler"), "a sampling_session_id or a path", done);
    });
  }

  /** Saves weights and moments on the server. @returns the path to load them by, `tinker://..` */
  async save(name: string, options: FutureOptions = {}): Promise<string> {
    return this.#inTurn(async () => {
      const done = await this.#send(
        "save_weights",
        { path: name, overwrite: true, type: "save_weights" },
        true,
        options,
      );
      if (typeof done["path"] !== "string") throw unreadable(this.#where("save_weights"), "a path", done);
      return done["path"];
    });
  }

  /**
   * Takes saved weights and, with `optimizer`, their moments. Servers may allow it only before a model's first step.
   */
  async load(
    path: string,
    { optimizer = true, ...options }: FutureOptions & { optimizer?: boolean } = {},
  ): Promise<void> {
    await this.#inTurn(async () => {
      await this.#send("load_weights", { path, optimizer, type: "load_weights" }, true, options);
    });
  }

  /** What the server says of the model. */
  async info(options: FutureOptions = {}): Promise<ModelInfo> {
    const body = { model_id: this.id, type: "get_info" };
    return (await this.session.connection.run("get_info", body, options)) as unknown as ModelInfo;
  }

  /** Frees the model's place on the server. */
  async unload(options: FutureOptions = {}): Promise<void> {
    await this.#inTurn(() =>
      this.session.connection.run("unload_model", { model_id: this.id, type: "unload_model" }, options),
    );
  }

  #pass(
    path: "forward" | "forward_backward",
    data: readonly WireDatum[],
    loss: string,
    { config }: PassOptions,
  ): object {
    return {
      [`${path}_input`]: { data, loss_fn: loss, ...(config === undefined ? {} : { loss_fn_config: config }) },
      type: path,
    };
  }

  /** @param harmless whether a second arrival changes nothing on any server */
  async #send(
    path: string,
    body: object,
    harmless: boolean,
    { signal, timeoutMs }: FutureOptions,
  ): Promise<Readonly<Record<string, unknown>>> {
    this.session.check();
    const { transport, deduplicates, resultMs } = this.session.connection;
    const seq = ++this.#seq;
    const repeatable = harmless || deduplicates;
    const request = { model_id: this.id, seq_id: seq, ...body };
    const limit = timeoutMs ?? resultMs;
    for (let resends = 0; ; resends++) {
      const reply = await transport.call(path, {
        body: request,
        repeatable,
        signal,
        idempotencyKey: `${this.id}-${seq}`,
      });
      try {
        return await awaitResult(transport, reply, path, {
          signal,
          ...(limit === undefined ? {} : { timeoutMs: limit }),
        });
      } catch (error) {
        if (!(error instanceof RequestDropped)) throw error;
        if (!repeatable) throw uncertain(this.#where(path), `HTTP 410: ${error.message}`);
        if (resends >= MOST_RESENDS) throw dropped(this.#where(path), error.message);
      }
    }
  }

  #passOutput(body: Readonly<Record<string, unknown>>, data: readonly WireDatum[]): PassOutput {
    const where = this.#where("forward");
    const { loss_fn_outputs } = body;
    if (!Array.isArray(loss_fn_outputs) || loss_fn_outputs.length !== data.length)
      throw unreadable(
        where,
        `outputs of ${data.length} rows`,
        Array.isArray(loss_fn_outputs) ? `${loss_fn_outputs.length} outputs` : body,
      );
    data.forEach((datum, row) => {
      const output = (loss_fn_outputs as unknown[])[row];
      const values = isRecord(output) && isRecord(output["logprobs"]) ? output["logprobs"]["data"] : undefined;
      const expected = inputLength(datum.model_input);
      if (Array.isArray(values) && values.length === expected && values.every(Number.isFinite)) return;
      const pictures = datum.model_input.chunks.some(({ type }) => type === "image");
      throw new TinkerError({
        what: "The server's log-probabilities do not fit the rows that it was sent.",
        where: `${where}, row ${row}`,
        expected: `${expected} finite numbers, one per position of the input`,
        found: Array.isArray(values) ? `${values.length} numbers` : "no logprobs",
        fix: pictures
          ? "the server may drop pictures, or count their tokens otherwise: v-triune doctor --trainer tries it"
          : "check with v-triune doctor --trainer what the server gives",
        code: "unreadable",
      });
    });
    return { loss_fn_outputs: loss_fn_outputs as PassOutput["loss_fn_outputs"], metrics: numbers(body["metrics"]) };
  }

  /** Whether the failure of a single request is certain to have changed nothing. */
  #leavesNothing(error: unknown): boolean {
    if (!(error instanceof TinkerError)) return false;
    if (error.code === "refused" || error.code === "unreachable") return true;
    return error.code === "failed" && this.session.connection.deduplicates;
  }

  #doubtIt(what: "gradients" | "weights", cause: unknown): void {
    this.#doubt = new TinkerError({
      what: `It is uncertain what ${what} the server's model has, so nothing more is trained on it.`,
      where: `${this.session.connection.transport.base}, model ${this.id}`,
      found: cause instanceof TinkerError ? `${cause.what} ${cause.found ?? ""}`.trim() : String(cause),
      fix: "create a new model and load the weights that were saved last",
      code: "uncertain",
      cause,
    });
  }

  #refuseDoubt(): void {
    if (this.#doubt) throw this.#doubt;
  }

  #where(path: string): string {
    return `${this.session.connection.transport.base}/api/v1/${path}, model ${this.id}`;
  }

  /** One after another, in the order of the calls; a failure does not hold up the next. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => {});
    return next;
  }
}

function numbers(value: unknown): Record<string, number> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}
