/**
 * A chat endpoint in OpenAI's protocol, within limits: requests at a time, requests per minute, tokens in all. What may
 * pass (429, 5xx, a broken connection) is tried again, later each time, or when the server says.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { JudgeFault, JudgeRefusedError } from "./judge-fault";
import type { ChatMessages } from "./judge-prompt";
import type { JudgeEndpointSettings } from "./judge-settings";

/** What the model wrote, and what it cost. */
export interface ChatReply {
  readonly text: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface ChatRequest {
  readonly messages: ChatMessages;
  readonly temperature: number;
  readonly seed: number;
}

/** Tokens that all endpoints of a judge may spend together. */
export interface TokenBudget {
  readonly limit: number | null;
  spent: number;
}

/** Of a server that does not count its tokens. */
const CHARACTERS_PER_TOKEN = 4;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

export class ChatEndpoint {
  readonly settings: JudgeEndpointSettings;
  readonly #key: string | undefined;
  readonly #budget: TokenBudget;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** When the next request may start, by `requestsPerMinute`. */
  #nextStart = 0;

  constructor(settings: JudgeEndpointSettings, key: string | undefined, budget: TokenBudget) {
    this.settings = settings;
    this.#key = key;
    this.#budget = budget;
  }

  /** @throws JudgeFault for a request that failed; JudgeRefusedError if every one will; the signal's reason */
  async ask(request: ChatRequest, signal: AbortSignal): Promise<ChatReply> {
    await this.#takeTurn();
    try {
      for (let tries = 0; ; tries++) {
        signal.throwIfAborted();
        const { limit, spent } = this.#budget;
        if (limit !== null && spent >= limit) throw new JudgeFault("judge", `the budget of ${limit} tokens is used up`);
        await this.#keepPace(signal);
        const found = await this.#once(request, signal);
        if (!("again" in found)) {
          this.#budget.spent += found.promptTokens + found.completionTokens;
          return found;
        }
        if (tries >= this.settings.retries)
          throw new JudgeFault(found.code, `${found.again}, after ${tries + 1} ${tries === 0 ? "try" : "tries"}`);
        await sleep(found.afterMs ?? Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS), signal);
      }
    } finally {
      // A turn passes to the next in line, so that none can come in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#running < this.settings.parallel) this.#running += 1;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  async #keepPace(signal: AbortSignal): Promise<void> {
    const { requestsPerMinute } = this.settings;
    if (requestsPerMinute === null) return;
    const start = Math.max(this.#nextStart, performance.now());
    this.#nextStart = start + 60_000 / requestsPerMinute;
    await sleep(start - performance.now(), signal);
  }

  async #once(
    { messages, temperature, seed }: ChatRequest,
    signal: AbortSignal,
  ): Promise<ChatReply | { readonly again: string; readonly code: "server" | "timeout"; readonly afterMs?: number }> {
    const { url, model, maxTokens, timeoutMs } = this.settings;
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url.replace(/\/+$/, "")}/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` }),
        },
        body: JSON.stringify({ model, messages, temperature, seed, max_tokens: maxTokens }),
        signal: AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted) return { again: `no reply within ${timeoutMs} ms`, code: "timeout" };
      const { cause, message } = error as Error;
      return { again: `${url}: ${cause instanceof Error ? cause.message : message}`, code: "server" };
    }
    if (response.ok) return this.#read(text, messages);
    const { status } = response;
    const said = `HTTP ${status}: ${text.slice(0, 200)}`;
    if (status === 429 || status === 408 || status >= 500) {
      const after = Number(response.headers.get("retry-after"));
      const wait = after > 0 ? { afterMs: Math.min(after * 1000, LONGEST_WAIT_MS) } : {};
      return { again: said, code: "server", ...wait };
    }
    if (status === 401 || status === 403 || status === 404) throw this.#refusal(said, status);
    throw new JudgeFault("server", said);
  }

  #read(text: string, messages: ChatMessages): ChatReply {
    let reply: unknown;
    try {
      reply = JSON.parse(text);
    } catch {
      throw new JudgeFault("judge", `the endpoint's reply is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
    }
    const choices = isRecord(reply) ? reply["choices"] : undefined;
    const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
    const message = isRecord(first) ? first["message"] : undefined;
    const content = isRecord(message) ? message["content"] : undefined;
    if (typeof content !== "string")
      throw new JudgeFault("judge", `the endpoint's reply has no text: ${JSON.stringify(text.slice(0, 80))}`);
    const usage = isRecord(reply) && isRecord(reply["usage"]) ? reply["usage"] : {};
    const tokens = (name: string, characters: number): number =>
      typeof usage[name] === "number" ? usage[name] : Math.ceil(characters / CHARACTERS_PER_TOKEN);
    const asked = messages.reduce((sum, { content: part }) => sum + part.length, 0);
    return {
      text: content,
      promptTokens: tokens("prompt_tokens", asked),
      completionTokens: tokens("completion_tokens", content.length),
    };
  }

  #refusal(found: string, status: number): JudgeRefusedError {
    const { url, model, apiKeyEnv } = this.settings;
    return new JudgeRefusedError({
      what: "The judge's endpoint refuses the request.",
      where: `${url}, model ${model}`,
      found,
      fix:
        status === 404
          ? "fix url, which ends in /v1, and model"
          : apiKeyEnv === null
            ? "name the environment variable with the key in apiKeyEnv"
            : `check the key in ${apiKeyEnv}`,
    });
  }
}

/** Waits; ends early, with the signal's reason, when the signal is aborted. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (!(ms > 0)) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
