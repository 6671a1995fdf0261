/** JSON over HTTP for servers that may take many minutes to answer. */
import type { IncomingHttpHeaders } from "node:http";
import { BrokenReplyError, httpExchange } from "@v-triune/node-kit/http-exchange";

/**
 * Why a server gave no answer, where asking again may help:
 * - `gone`: nobody listens there;
 * - `broken`: the connection broke off;
 * - `busy`: 429 or 503, which is a server at work;
 * - `failed`: a 5xx, a reply that can't be read, or none in time;
 * - `unusable`: an answer that can be read and not used; with the same seed it would come again.
 */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";

  /** When the server asks to be tried again. */
  readonly retryAfterMs: number | undefined;
  /** Of the reply, if there was one. */
  readonly status: number | undefined;

  constructor(
    readonly kind: "gone" | "broken" | "busy" | "failed" | "unusable",
    message: string,
    reply: { readonly status?: number; readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message);
    this.status = reply.status;
    this.retryAfterMs = reply.retryAfterMs;
  }
}

/** A server's refusal (4xx): asking again changes nothing. */
export class ServerRefusal extends Error {
  override readonly name = "ServerRefusal";

  constructor(
    readonly status: number,
    /** What the server says about it, in short. */
    readonly reason: string,
  ) {
    super(`HTTP ${status}: ${reason}`);
  }
}

export interface HttpJsonOptions {
  /** GET without a body, POST with one. */
  readonly body?: unknown;
  readonly apiKey?: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const UNREACHABLE = ["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"];

/**
 * Sends a request and reads the reply whole.
 *
 * @returns the reply's JSON; undefined for an empty one, its text where it is no JSON
 * @throws NoAnswerError, ServerRefusal, or the signal's reason
 */
export async function httpJson(url: string, options: HttpJsonOptions): Promise<unknown> {
  const text = await exchange(url, options);
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Sends a request and reads the events of the reply (`text/event-stream`), without the closing `[DONE]`.
 *
 * @throws NoAnswerError, ServerRefusal, or the signal's reason
 */
export async function httpEvents(url: string, options: HttpJsonOptions): Promise<unknown[]> {
  const text = await exchange(url, options);
  const events: unknown[] = [];
  for (const line of text.split("\n")) {
    const data = line.startsWith("data:") ? line.slice(5).trim() : "";
    if (data === "" || data === "[DONE]") continue;
    try {
      events.push(JSON.parse(data));
    } catch {
      throw new NoAnswerError("failed", `an event that is no JSON: ${shorten(data)}`);
    }
  }
  return events;
}

/** @returns the text of a reply in the 200s */
async function exchange(url: string, { body, apiKey, timeoutMs, signal }: HttpJsonOptions): Promise<string> {
  signal?.throwIfAborted();
  const overtime = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
  try {
    const { status, statusText, headers, text } = await httpExchange(url, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        accept: "application/json, text/event-stream",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: body === undefined ? undefined : [Buffer.from(JSON.stringify(body))],
      signal: signal ? AbortSignal.any([signal, overtime]) : overtime,
    });
    if (status >= 200 && status < 300) return text;
    const reason = errorText(text) || statusText;
    if (status === 429 || status === 503)
      throw new NoAnswerError("busy", `HTTP ${status}: ${reason}`, { status, retryAfterMs: retryAfter(headers) });
    if (status >= 500) throw new NoAnswerError("failed", `HTTP ${status}: ${reason}`, { status });
    throw new ServerRefusal(status, reason);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (overtime.aborted) throw new NoAnswerError("failed", `no end of the reply within ${timeoutMs / 1000} s`);
    if (error instanceof NoAnswerError || error instanceof ServerRefusal) throw error;
    if (error instanceof BrokenReplyError)
      throw new NoAnswerError(error.kind === "ended" ? "broken" : "failed", error.message);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED") throw new NoAnswerError("gone", "nobody listens there");
    throw new NoAnswerError(UNREACHABLE.includes(code ?? "") ? "gone" : "broken", message || String(code));
  }
}

/** Milliseconds; the header has seconds or a date. */
function retryAfter(headers: IncomingHttpHeaders): number | undefined {
  const said = headers["retry-after"];
  if (said === undefined || said === "") return undefined;
  const ms = Number.isFinite(Number(said)) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** The sentence in an error reply: `error.message`, `detail`, `message` or `error`, else the text itself. */
function errorText(text: string): string {
  try {
    const value = JSON.parse(text) as { error?: { message?: unknown } | string; detail?: unknown; message?: unknown };
    const said =
      (typeof value.error === "object" ? value.error?.message : value.error) ?? value.detail ?? value.message;
    if (said !== undefined) return shorten(typeof said === "string" ? said : JSON.stringify(said));
  } catch {
    // No JSON: the text is all there is.
  }
  return shorten(text.trim());
}

const shorten = (text: string): string => (text.length <= 300 ? text : `${text.slice(0, 298)}..`);
