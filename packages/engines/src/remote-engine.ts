/**
 * Rollouts from vLLM, SGLang, transformers serve, llama.cpp or another OpenAI-compatible server.
 *
 * Each answer is asked for until it is there, by whichever server is free; a request that broke off is asked for again,
 * with the same seed, and nothing is handed on twice. An answer whose log-probabilities are no numbers is asked for
 * again with another seed. Where a server gives no token ids, its text is tokenized here:
 * the ids are then those that the model would most likely have written, not always those that it did, and there are no
 * log-probabilities.
 */
import type { Processor } from "@v-triune/policy";
import {
  type EngineCompletion,
  type PreparedPrompt,
  type RolloutEngine,
  type SamplingRequest,
  createRandom,
} from "@v-triune/rollouts";
import { EngineError } from "./engine-error";
import { chatCompletion } from "./protocols/chat-completions";
import type { EngineEvents } from "./engine-events";
import type { GenerationTask, ProtocolRequest, ServerAnswer, ServerReply } from "./protocols/generation-task";
import { NoAnswerError, ServerRefusal, httpEvents, httpJson } from "./servers/http-json";
import { pictureUrls } from "./protocols/picture-url";
import { type ServerKind, serverNames } from "./servers/server-kind";
import { type EngineServer, ServerPool } from "./servers/server-pool";
import { sglangGenerate } from "./protocols/sglang-generate";
import type { HandedWeights, WeightTransfer } from "./servers/weight-transfer";

export interface RemoteEngineOptions extends EngineEvents {
  readonly kind: ServerKind;
  readonly servers: readonly string[];
  /** The model's name at the servers. */
  readonly model: string;
  readonly apiKey?: string | undefined;
  /** Requests to one server at once. */
  readonly parallel: number;
  /** For one request. */
  readonly timeoutMs: number;
  /** Further tries of a request that a living server fails; one that finds nobody there is tried for ever. */
  readonly retries: number;
  /** Whether a request may ask for several answers. */
  readonly several: boolean;
  /** Whether log-probabilities that the server gives are those that it sampled by. */
  readonly logProbs: boolean;
  readonly processor: Pick<Processor, "tokenizer">;
  readonly endTokenIds: readonly number[];
  /** What to do with a server that counts other prompt tokens than the trainer: end the run, or warn. */
  readonly promptTokens: "error" | "warn";
  readonly transfer: WeightTransfer;
  /** What to do with an answer of other weights than those asked for. */
  readonly staleWeights: "error" | "allow";
  readonly shortestRestMs?: number;
}

/** A task that is not answered yet. */
interface OpenTask {
  readonly promptIndex: number;
  readonly firstSample: number;
  task: Omit<GenerationTask, "model"> & { readonly prompt: PreparedPrompt };
  tries: number;
}

/** What happened since it was last asked. */
interface Tally {
  answers: number;
  stale: number;
  /** Steps between the oldest answer's weights and those asked for. */
  age: number;
  retokenized: number;
  otherTokenCount: number;
  retries: number;
}

const noTally = (): Tally => ({ answers: 0, stale: 0, age: 0, retokenized: 0, otherTokenCount: 0, retries: 0 });

export class RemoteEngine implements RolloutEngine {
  readonly name: string;
  readonly givesForeignLogProbs: boolean;
  readonly #pool: ServerPool;
  #weights: HandedWeights | undefined;
  /** The weights of the run's start, which a server that takes no new ones is believed to hold. */
  #first: string | undefined;
  #tally = noTally();
  #waitedBefore = 0;
  readonly #told = new Set<string>();

  constructor(readonly options: RemoteEngineOptions) {
    const { kind, servers, parallel } = options;
    this.givesForeignLogProbs = options.logProbs;
    this.name = `${serverNames[kind]} at ${servers.join(", ")}`;
    this.#pool = new ServerPool({
      urls: servers,
      parallel,
      ...(options.onPause ? { onPause: options.onPause } : {}),
      ...(options.onResume ? { onResume: options.onResume } : {}),
      ...(options.shortestRestMs === undefined ? {} : { shortestRestMs: options.shortestRestMs }),
    });
  }

  /**
   * Makes all servers that can be reached use these weights; the others get them when they are back.
   *
   * @throws EngineError when a server refuses
   */
  async updateWeights(
    weights: { readonly label: string; readonly folder: string },
    signal?: AbortSignal,
  ): Promise<void> {
    this.#first ??= weights.label;
    this.#weights = {
      ...weights,
      ...(this.#weights && this.#weights.label !== weights.label ? { previous: this.#weights.label } : {}),
    };
    const abort = signal ?? new AbortController().signal;
    await Promise.all(
      this.#pool.servers.map(async (server) => {
        server.ready = false;
        try {
          await this.#makeReady(server, abort);
        } catch (error) {
          if (!(error instanceof NoAnswerError)) throw error;
          server.failed(error);
        }
      }),
    );
  }

  /** Counts since the last call, under the names of docs/metrics.md. */
  takeMetrics(): Record<string, number> {
    const { answers, stale, age, retokenized, otherTokenCount, retries } = this.#tally;
    const waited = this.#pool.waitedMs - this.#waitedBefore;
    this.#tally = noTally();
    this.#waitedBefore = this.#pool.waitedMs;
    const share = (count: number): number => (answers === 0 ? 0 : count / answers);
    return {
      "rollout/stale": share(stale),
      "rollout/weights_age": age,
      "rollout/retokenised": share(retokenized),
      ...(retokenized === 0 ? {} : { "rollout/retokenised_other_length": share(otherTokenCount) }),
      "rollout/engine_retries": retries,
      "timing_s/engine_down": waited / 1000,
    };
  }

  async *generate(prompts: readonly PreparedPrompt[], request: SamplingRequest): AsyncGenerator<EngineCompletion> {
    request.signal?.throwIfAborted();
    const open = this.#tasks(prompts, request);
    const finished: EngineCompletion[] = [];
    const controller = new AbortController();
    const outer = () => controller.abort(request.signal?.reason);
    request.signal?.addEventListener("abort", outer, { once: true });
    const state = { left: open.length, failure: undefined as unknown, wake: (): void => {}, fed: (): void => {} };
    const run = async (server: EngineServer, item: OpenTask): Promise<void> => {
      try {
        const answers = await this.#answer(server, item, controller.signal);
        this.#pool.give(server, "answered");
        finished.push(...answers);
        state.left -= 1;
      } catch (error) {
        const fault = error instanceof NoAnswerError ? error : undefined;
        this.#pool.give(server, fault ?? (error instanceof EngineError ? "answered" : "called off"));
        if (fault && this.#mayRetry(item, fault)) open.unshift(item);
        else state.failure ??= fault ? this.#givenUp(item, server, fault) : error;
      }
      state.wake();
      state.fed();
    };
    const feed = async (): Promise<void> => {
      while (state.left > 0 && state.failure === undefined && !controller.signal.aborted) {
        if (open.length === 0) {
          await new Promise<void>((resolve) => (state.fed = resolve));
          continue;
        }
        const server = await this.#pool.take(controller.signal);
        const item = open.shift();
        if (item === undefined) this.#pool.give(server, "called off");
        else void run(server, item);
      }
    };
    const feeding = feed().catch((error: unknown) => {
      state.failure ??= error;
      state.wake();
    });
    try {
      for (let handed = 0; handed < prompts.length * request.n;) {
        const completion = finished.shift();
        if (completion) {
          handed += 1;
          yield completion;
        } else if (state.failure !== undefined) throw state.failure;
        else await new Promise<void>((resolve) => (state.wake = resolve));
      }
      await this.#checkHeld(controller.signal);
    } finally {
      request.signal?.removeEventListener("abort", outer);
      controller.abort(new Error("generation has ended"));
      state.fed();
      await feeding;
    }
  }

  #tasks(
    prompts: readonly PreparedPrompt[],
    { n, temperature, topP, topK, maxNewTokens, seed }: SamplingRequest,
  ): OpenTask[] {
    const each = this.options.several ? n : 1;
    return prompts.flatMap((prompt, promptIndex) =>
      Array.from({ length: Math.ceil(n / each) }, (_, part) => {
        const firstSample = part * each;
        const ownSeed = createRandom(seed, promptIndex * n + firstSample).int(0, 0x7fffffff);
        return {
          promptIndex,
          firstSample,
          tries: 0,
          task: {
            prompt,
            samples: Math.min(each, n - firstSample),
            temperature,
            topP,
            topK,
            maxNewTokens,
            seed: ownSeed,
          },
        };
      }),
    );
  }

  async #answer(
    server: EngineServer,
    { task, promptIndex, firstSample }: OpenTask,
    signal: AbortSignal,
  ): Promise<EngineCompletion[]> {
    await this.#makeReady(server, signal);
    const pictures = await pictureUrls(task.prompt.sample);
    const { servers: _, kind, endTokenIds, several, transfer, model } = this.options;
    const named: GenerationTask = { ...task, model: this.#weights ? transfer.modelName(this.#weights, model) : model };
    const request =
      kind === "sglang"
        ? sglangGenerate(named, pictures)
        : chatCompletion(named, pictures, { kind, endTokenIds, several });
    const reply = await this.#send(server, request, task.prompt.id, signal);
    if (reply.answers.length !== task.samples)
      throw new NoAnswerError("failed", `${reply.answers.length} answers where ${task.samples} were asked for`);
    this.#checkPrompt(server, task.prompt, reply);
    this.#checkLogProbs(server, reply);
    const stale = this.#staleLabel(server, reply);
    this.#tally.answers += task.samples;
    if (stale !== undefined) {
      this.#tally.stale += task.samples;
      this.#tally.age = Math.max(this.#tally.age, stepsBetween(stale, this.#weights?.label));
    }
    return reply.answers.map((answer, index) => this.#completion(answer, reply, promptIndex, firstSample + index));
  }

  async #send(
    server: EngineServer,
    { path, body, events, read }: ProtocolRequest,
    id: string,
    signal: AbortSignal,
  ): Promise<ServerReply> {
    const options = { body, apiKey: this.options.apiKey, timeoutMs: this.options.timeoutMs, signal };
    try {
      return read(await (events ? httpEvents : httpJson)(`${server.url}${path}`, options));
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      throw new EngineError({
        what: `${serverNames[this.options.kind]} refuses to answer ${id}.`,
        where: `${server.url}${path}`,
        found: error.message,
        fix:
          error.status === 401 || error.status === 403
            ? "give the server's key by rollout.engine.apiKeyEnv"
            : "try v-triune doctor --engine, which says what the server can do",
        cause: error,
      });
    }
  }

  #completion(
    answer: ServerAnswer,
    { completionTokens, answers }: ServerReply,
    promptIndex: number,
    sampleIndex: number,
  ): EngineCompletion {
    const { finishReason } = answer;
    if (answer.tokenIds) {
      return {
        promptIndex,
        sampleIndex,
        finishReason,
        tokenIds: answer.tokenIds,
        ...(answer.logProbs && this.options.logProbs ? { logProbs: answer.logProbs } : {}),
      };
    }
    const end = finishReason === "stop" ? this.options.endTokenIds.slice(0, 1) : [];
    const encode = (text: string): Int32Array =>
      Int32Array.from([...this.options.processor.tokenizer.encode(text), ...end]);
    const wanted = answers.length === 1 ? completionTokens : undefined;
    const candidates = [answer.text, ...(answer.otherwise === undefined ? [] : [answer.otherwise])].map(encode) as [
      Int32Array,
      ...Int32Array[],
    ];
    const fitting = candidates.find(({ length }) => length === wanted);
    this.#tally.retokenized += 1;
    if (wanted !== undefined && fitting === undefined) this.#tally.otherTokenCount += 1;
    return { promptIndex, sampleIndex, finishReason, tokenIds: fitting ?? candidates[0] };
  }

  /** The prompt that the server's template and picture settings make has to be the one that is trained on. */
  #checkPrompt(server: EngineServer, { id, promptIds }: PreparedPrompt, { promptTokens }: ServerReply): void {
    if (promptTokens === undefined || promptTokens === promptIds.length) return;
    const what = "The server and the trainer tokenize the same messages differently.";
    if (this.options.promptTokens === "warn")
      return this.#warnOnce("prompt", `${what} ${id} has ${promptTokens} tokens there and ${promptIds.length} here.`);
    throw new EngineError({
      what,
      where: `${id}, at ${server.url}`,
      expected: `${promptIds.length} tokens, pictures included`,
      found: `${promptTokens} tokens`,
      fix:
        "serve the model from the folder that is trained (chat template, preprocessor_config.json's pixel bounds), " +
        "or set rollout.engine.promptTokens: warn",
    });
  }

  /** An engine that promised log-probabilities must have them with every answer. @throws NoAnswerError */
  #checkLogProbs(server: EngineServer, { answers }: ServerReply): void {
    const fault = answers.find(({ logProbsFault }) => logProbsFault)?.logProbsFault;
    if (fault === undefined || !this.options.logProbs) return;
    const what = `an answer with numbers that are not log-probabilities (${fault})`;
    this.#warnOnce("log-probs", `${server.url} sent ${what}. Such answers are asked for again, with another seed.`);
    throw new NoAnswerError("unusable", what);
  }

  /** What other weights than those asked for an answer is of. @throws NoAnswerError where that may not be */
  #staleLabel(server: EngineServer, { weights }: ServerReply): string | undefined {
    const { transfer } = this.options;
    if (this.#weights === undefined) return undefined;
    const stated =
      transfer.sync === "none" ? this.#first : weights === undefined ? undefined : transfer.stated?.(weights);
    if (stated === undefined || stated === this.#weights.label) return undefined;
    if (this.options.staleWeights === "allow") return stated;
    // The server has probably restarted with its first weights: it gets the current ones and the request is retried.
    server.ready = false;
    throw new NoAnswerError(
      "failed",
      `an answer of the weights "${stated}" where "${this.#weights.label}" were asked for`,
    );
  }

  /** For servers whose replies do not say which weights gave them: what they hold once all is answered. */
  async #checkHeld(signal: AbortSignal): Promise<void> {
    const { transfer, staleWeights } = this.options;
    if (this.#weights === undefined || transfer.stated !== undefined || transfer.sync === "none") return;
    for (const server of this.#pool.servers.filter(({ gone }) => !gone)) {
      const held = await transfer.held(server.url, this.#http(signal));
      if (held === undefined || held.includes(this.#weights.label)) continue;
      server.ready = false;
      if (staleWeights === "allow") this.#tally.stale = this.#tally.answers;
      else throw this.#staleError(server, held.join(", "));
    }
  }

  #staleError(server: EngineServer, found: string): EngineError {
    return new EngineError({
      what: "The server does not hold the weights that the run asked for.",
      where: server.url,
      expected: String(this.#weights?.label),
      found,
      fix:
        "see whether it has restarted or another run uses it; rollout.engine.staleWeights: allow trains on such " +
        "answers all the same",
    });
  }

  /** Gives the server the present weights unless it has them. */
  async #makeReady(server: EngineServer, signal: AbortSignal): Promise<void> {
    if (server.ready) return;
    server.preparing ??= this.#prepare(server, signal).finally(() => (server.preparing = undefined));
    await server.preparing;
  }

  async #prepare(server: EngineServer, signal: AbortSignal): Promise<void> {
    const { transfer } = this.options;
    if (this.#weights !== undefined && transfer.sync !== "none") {
      const http = this.#http(signal);
      const held = await transfer.held(server.url, http).catch(noAnswerWithoutEndpoint);
      if (!held?.includes(this.#weights.label)) {
        await transfer.push(server.url, this.#weights, http);
        const now = await transfer.held(server.url, http).catch(noAnswerWithoutEndpoint);
        if (now !== undefined && !now.includes(this.#weights.label)) throw this.#staleError(server, now.join(", "));
      }
    }
    server.ready = true;
  }

  #http(signal: AbortSignal) {
    return { apiKey: this.options.apiKey, timeoutMs: this.options.timeoutMs, signal };
  }

  #mayRetry(item: OpenTask, fault: NoAnswerError): boolean {
    this.#tally.retries += 1;
    if (fault.kind === "gone" || fault.kind === "busy") return true;
    item.tries += 1;
    if (fault.kind === "unusable")
      item.task = { ...item.task, seed: createRandom(item.task.seed, item.tries).int(0, 0x7fffffff) };
    return item.tries <= this.options.retries;
  }

  #givenUp({ task, tries }: OpenTask, server: EngineServer, fault: NoAnswerError): EngineError {
    return new EngineError({
      what: `${serverNames[this.options.kind]} gives no answer to ${task.prompt.id}.`,
      where: server.url,
      expected: "an answer",
      found: `${fault.message}, ${tries} times`,
      fix:
        fault.kind === "unusable"
          ? "serve the model in bfloat16 or float32: logits that overflow give such numbers; see the server's log"
          : "see the server's log",
      cause: fault,
    });
  }

  #warnOnce(key: string, message: string): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.options.onWarning?.(message);
  }
}

function noAnswerWithoutEndpoint(error: unknown): undefined {
  if (!(error instanceof ServerRefusal)) throw error;
  return undefined;
}

/** Both labels end in their step; 0 where one does not. */
function stepsBetween(older: string, newer: string | undefined): number {
  const [from, to] = [older, newer ?? ""].map((label) => Number(/\d+$/.exec(label)?.[0] ?? NaN));
  return Number.isFinite(from) && Number.isFinite(to) ? Math.max(0, (to as number) - (from as number)) : 0;
}
