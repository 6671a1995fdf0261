/**
 * JSON over HTTP/1.1 for servers that may take many minutes to answer. The global `fetch` gives up on the head of a
 * reply after five minutes, which a long answer on a busy server exceeds; this client waits as long as it is told to.
 */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { brotliDecompressSync, unzipSync } from "node:zlib";

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

const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };

/**
 * Sends a request and reads the reply whole.
 *
 * @returns the reply's JSON; undefined for an empty one, its text where it is no JSON
 * @throws NoAnswerError, ServerRefusal, or the signal's reason
 */
export async function httpJson(url: string, options: HttpJsonOptions): Promise<unknown> {
  const text = await exchange(url, options, readText);
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
  const text = await exchange(url, options, readText);
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

async function exchange<T>(
  url: string,
  { body, apiKey, timeoutMs, signal }: HttpJsonOptions,
  read: (response: IncomingMessage) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const overtime = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
  const either = signal ? AbortSignal.any([signal, overtime]) : overtime;
  try {
    const response = await send(new URL(url), body, apiKey, either);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return await read(response);
    const reason = errorText(await readText(response)) || (response.statusMessage ?? "");
    if (status === 429 || status === 503)
      throw new NoAnswerError("busy", `HTTP ${status}: ${reason}`, { status, retryAfterMs: retryAfter(response) });
    if (status >= 500) throw new NoAnswerError("failed", `HTTP ${status}: ${reason}`, { status });
    throw new ServerRefusal(status, reason);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (overtime.aborted) throw new NoAnswerError("failed", `no end of the reply within ${timeoutMs / 1000} s`);
    if (error instanceof NoAnswerError || error instanceof ServerRefusal) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED") throw new NoAnswerError("gone", "nobody listens there");
    throw new NoAnswerError(UNREACHABLE.includes(code ?? "") ? "gone" : "broken", message || String(code));
  }
}

function send(url: URL, body: unknown, apiKey: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const protocol = url.protocol as keyof typeof agents;
    const request = (protocol === "https:" ? httpsRequest : httpRequest)(
      url,
      {
        method: data === undefined ? "GET" : "POST",
        agent: agents[protocol],
        signal,
        headers: {
          accept: "application/json, text/event-stream",
          ...(data === undefined ? {} : { "content-type": "application/json", "content-length": data.length }),
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
      },
      resolve,
    );
    request.on("error", reject);
    request.end(data);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  if (!response.complete) throw new NoAnswerError("broken", "the reply broke off");
  return unpacked(Buffer.concat(parts), response.headers["content-encoding"]).toString("utf8");
}

/** Nothing compressed is asked for, but some gateways compress all the same. */
function unpacked(bytes: Buffer, encoding = "identity"): Buffer {
  try {
    if (["gzip", "x-gzip", "deflate"].includes(encoding)) return unzipSync(bytes);
    if (encoding === "br") return brotliDecompressSync(bytes);
  } catch (error) {
    throw new NoAnswerError("broken", `a reply that is not ${encoding}, as it says: ${String(error)}`);
  }
  if (encoding === "identity" || encoding === "") return bytes;
  throw new NoAnswerError("failed", `a reply compressed with ${shorten(encoding)}, which was not asked for`);
}

/** Milliseconds; the header has seconds or a date. */
function retryAfter(response: IncomingMessage): number | undefined {
  const said = response.headers["retry-after"];
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
