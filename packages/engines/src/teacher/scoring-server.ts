/**
 * A server that says how likely it finds answers that were written elsewhere: vLLM or SGLang with a teacher's model.
 * Requests that fail are asked again, a server that is gone is waited for.
 */
import type { Processor } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import { isRecord } from "@v-triune/node-kit/is-record";
import { EngineError } from "../engine-error";
import type { EngineEvents } from "../engine-events";
import { pictureUrls } from "../protocols/picture-url";
import { NoAnswerError, ServerRefusal, httpJson } from "../servers/http-json";
import { serverAddress } from "../servers/server-address";
import { serverNames, usualParallel } from "../servers/server-kind";
import { ServerPool } from "../servers/server-pool";
import type { AnswerScores, ScoringTask } from "./answer-scores";
import { sglangScores } from "./sglang-scores";
import { vllmScores } from "./vllm-scores";

export interface ScoringServerConfig {
  readonly kind: "vllm" | "sglang";
  readonly url: string;
  /** The model's name at the server; null: the first that it lists. */
  readonly model: string | null;
  readonly apiKey: string | undefined;
  /** Seconds that one request may take. */
  readonly timeout: number;
}

export interface ScoringServerOptions extends EngineEvents {
  readonly config: ScoringServerConfig;
  readonly processor: Pick<Processor, "tokenizer">;
  /** Where the configuration names the server, for errors. */
  readonly where: string;
  /** Likeliest tokens of each place that the run will ask for; 0: none. */
  readonly topK: number;
  readonly signal?: AbortSignal | undefined;
  /** After a fault; default 500 ms. */
  readonly shortestRestMs?: number;
}

export interface AnswerToScore {
  readonly prompt: Pick<PreparedPrompt, "id" | "sample" | "messages" | "text" | "promptIds">;
  readonly completionIds: Int32Array;
}

/** Further tries of a request that a living server fails. */
const RETRIES = 3;
/** What a server is tried with: most tokenizers cut it in their own way. */
const TRIED = { prompt: "Question: what is 12 × 345?\nAnswer:", answer: " 4,140 – naïve façade {x: [1, 2]}" };

export class ScoringServer {
  readonly #options: ScoringServerOptions;
  readonly #pool: ServerPool;
  readonly #model: string;

  private constructor(options: ScoringServerOptions, model: string) {
    this.#options = options;
    this.#model = model;
    const { config, onPause, onResume, shortestRestMs } = options;
    this.#pool = new ServerPool({
      urls: [config.url],
      parallel: usualParallel[config.kind],
      ...(onPause ? { onPause } : {}),
      ...(onResume ? { onResume } : {}),
      ...(shortestRestMs === undefined ? {} : { shortestRestMs }),
    });
  }

  /**
   * Tries the server with a text.
   *
   * @throws EngineError for a server that cannot be reached, refuses, or reads text as other tokens
   */
  static async open(options: ScoringServerOptions): Promise<ScoringServer> {
    const { config, where, topK, processor, signal } = options;
    const url = serverAddress(config.url);
    try {
      const model = config.model ?? (config.kind === "vllm" ? await firstModel(url, options) : "");
      const server = new ScoringServer(options, model);
      const [prompt, answer] = [TRIED.prompt, TRIED.answer].map((text) => processor.tokenizer.encode(text));
      const text = TRIED.prompt + TRIED.answer;
      // Both parts at once, as the server will read them.
      const ids = processor.tokenizer.encode(text);
      const length = Math.min(answer!.length, Math.max(1, ids.length - prompt!.length));
      const task = {
        id: "the try",
        ids,
        text,
        messages: [],
        answer: { text: TRIED.answer, length },
        pictures: [],
        topK,
      };
      if ((await server.#ask(task, true, signal)) !== undefined) return server;
    } catch (error) {
      if (error instanceof NoAnswerError || error instanceof ServerRefusal)
        throw new EngineError({
          what: "The teacher's server says nothing of how likely it finds a text.",
          where: `${where}: ${url}`,
          expected: "log-probabilities of the tokens of a prompt",
          found: error.message,
          fix: `see that ${serverNames[config.kind]} runs there with the teacher's model`,
          cause: error,
        });
      throw error;
    }
    throw new EngineError({
      what: "The teacher cannot say how likely it finds the tokens of the model that is trained.",
      where: `${where}: ${url}`,
      expected: "the tokens of the model that is trained",
      found: "another tokenizer",
      fix: "take a teacher of the same family",
    });
  }

  /**
   * @returns for each answer its scores; undefined where the server read other tokens than were written, as it may with
   *   pictures, where it is sent text
   * @throws EngineError when the server refuses, or fails again and again
   */
  async score(
    answers: readonly AnswerToScore[],
    topK: number,
    signal: AbortSignal | undefined = this.#options.signal,
  ): Promise<(AnswerScores | undefined)[]> {
    const failed = new AbortController();
    const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    try {
      return await Promise.all(answers.map((answer) => this.#score(answer, topK, either)));
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }

  async #score(
    { prompt, completionIds }: AnswerToScore,
    topK: number,
    signal: AbortSignal,
  ): Promise<AnswerScores | undefined> {
    if (completionIds.length === 0) return { logProbs: new Float32Array() };
    const answer = this.#options.processor.tokenizer.decode(completionIds);
    const pictures = await pictureUrls(prompt.sample);
    const task: ScoringTask = {
      id: prompt.id,
      ids: Int32Array.from([...prompt.promptIds, ...completionIds]),
      text: prompt.text + answer,
      messages: prompt.messages,
      answer: { text: answer, length: completionIds.length },
      pictures,
      topK,
    };
    for (let tries = 0; ;) {
      const server = await this.#pool.take(signal);
      try {
        const scores = await this.#ask(task, pictures.length > 0, signal);
        this.#pool.give(server, "answered");
        return scores;
      } catch (error) {
        const fault = error instanceof NoAnswerError ? error : undefined;
        this.#pool.give(server, fault ?? (error instanceof EngineError ? "answered" : "called off"));
        if (!fault) throw error;
        if (fault.kind === "gone" || fault.kind === "busy") continue;
        tries += 1;
        if (tries > RETRIES) throw this.#givenUp(task.id, fault, tries);
      }
    }
  }

  async #ask(task: ScoringTask, asText: boolean, signal: AbortSignal | undefined): Promise<AnswerScores | undefined> {
    const { kind, apiKey, timeout } = this.#options.config;
    const { path, body, read } = kind === "sglang" ? sglangScores(task, asText) : vllmScores(task, this.#model, asText);
    const url = `${serverAddress(this.#options.config.url)}${path}`;
    try {
      return read(await httpJson(url, { body, apiKey, timeoutMs: timeout * 1000, signal }));
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      throw new EngineError({
        what: `${serverNames[kind]} refuses to say how likely it finds the answer to ${task.id}.`,
        where: url,
        found: error.message,
        fix: refusalFix(error, kind, task.topK),
        cause: error,
      });
    }
  }

  #givenUp(id: string, fault: NoAnswerError, tries: number): EngineError {
    const { config, where } = this.#options;
    return new EngineError({
      what: `The teacher's server does not say how likely it finds the answer to ${id}.`,
      where: `${where}: ${config.url}`,
      expected: "log-probabilities of its tokens",
      found: `${fault.message}, ${tries} times`,
      fix: "see the server's log",
      cause: fault,
    });
  }
}

function refusalFix({ status, reason }: ServerRefusal, kind: "vllm" | "sglang", topK: number): string {
  if (status === 401 || status === 403) return "give the server's key: algorithm.distillation.teacher.apiKey: env:NAME";
  if (kind === "vllm" && /logprobs/.test(reason))
    return `start vLLM with --max-logprobs ${topK} or more, or lower algorithm.distillation.divergence.topK`;
  return "see the server's log";
}

/** @throws NoAnswerError, ServerRefusal */
async function firstModel(url: string, { config, signal }: ScoringServerOptions): Promise<string> {
  const list = await httpJson(`${url}/v1/models`, { apiKey: config.apiKey, timeoutMs: 15_000, signal });
  const models: unknown = isRecord(list) ? list["data"] : undefined;
  const [first] = Array.isArray(models) ? (models as unknown[]) : [];
  if (isRecord(first) && typeof first["id"] === "string") return first["id"];
  throw new NoAnswerError("failed", "no model in /v1/models");
}
