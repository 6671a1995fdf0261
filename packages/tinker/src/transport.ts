/**
 * JSON over HTTP: what is sent again, what is waited for, and what a failure means.
 *
 * A request that never left (nobody listens) can always be sent again, and so can one that the server turned away while
 * busy. A connection that broke after that leaves open whether the work is done: only a request whose repetition
 * changes nothing goes out again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { httpExchange } from "@v-triune/node-kit/http-exchange";
import { isRecord } from "@v-triune/node-kit/is-record";
import { requestBody } from "./request-body";
import { TinkerError } from "./tinker-error";

export interface TransportOptions {
  /** `http://gpu:8000`, or the address under which `/api/v1` lies. */
  readonly url: string;
  /** Sent as X-API-Key. The hosted service and the Python SDK want keys that begin with `tml-`. */
  readonly apiKey?: string | undefined;
  /** How long one HTTP exchange may take, in ms. Default 330,000: servers hold a waiting request for up to 300 s. */
  readonly exchangeMs?: number;
  /** How long an unreachable server is waited for, in ms; Infinity: until the signal says otherwise. Default 60,000. */
  readonly patienceMs?: number;
  /** Told when a server does not answer and is waited for. */
  readonly onPause?: (message: string) => void;
  /** Told when it answers again. */
  readonly onResume?: (message: string) => void;
}

export interface CallOptions {
  readonly method?: "GET" | "POST";
  readonly body?: object | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether a second arrival of the same request changes nothing. */
  readonly repeatable: boolean;
  /** Whether a server that lives answers within {@link QUICKLY_MS}: no work is waited for. */
  readonly quick?: boolean;
  /** Names the request for a server that drops the second of two alike. */
  readonly idempotencyKey?: string;
}

/** A reply that was read: its status and its JSON. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Codes of connections that were never made. */
const NOT_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"];

/** A server that takes longer for what needs no work hangs, and counts as away. */
const QUICKLY_MS = 30_000;

const PREFERENCE = "wait=20";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

type Failure = { readonly sent: boolean; readonly reason: string; readonly timedOut: boolean };

export class Transport {
  readonly base: string;
  readonly #options: TransportOptions;
  /** Calls that wait for the server now. */
  #waiting = 0;

  /** @throws TinkerError `refused` for an address that is not one of HTTP */
  constructor(options: TransportOptions) {
    if (!/^https?:\/\/[^/\s]+/.test(options.url) || !URL.canParse(options.url))
      throw new TinkerError({
        what: "The address is not one of a server.",
        where: "url",
        expected: "http:// or https:// and a host, such as http://127.0.0.1:8000",
        found: options.url,
        fix: "correct the address",
        code: "refused",
      });
    this.base = options.url.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
    this.#options = options;
  }

  /**
   * Sends a request and reads its reply, whatever its status, except those by which a server turns it away for now.
   *
   * @throws TinkerError `unreachable`, `timed-out`, `uncertain`, `unreadable`; the signal's reason
   */
  async exchange(path: string, options: CallOptions): Promise<Reply> {
    const { patienceMs = 60_000 } = this.#options;
    const began = performance.now();
    let pauseMs = FIRST_PAUSE_MS;
    let waits = false;
    // A kept connection that the server has closed meanwhile fails here, where nothing is uncertain.
    if (!options.repeatable)
      await this.exchange("healthz", { method: "GET", repeatable: true, quick: true, signal: options.signal });
    try {
      for (;;) {
        const outcome = await this.#attempt(path, options);
        if ("reply" in outcome) {
          const { reply, retryAfterMs } = outcome;
          if (![429, 503].includes(reply.status)) return reply;
          if (performance.now() - began > patienceMs) throw busy(this.#where(path), reply);
          await sleep(retryAfterMs ?? pauseMs, undefined, { signal: options.signal }).catch(() => {});
        } else {
          const { failure } = outcome;
          if (failure.sent && !options.repeatable) throw uncertain(this.#where(path), failure.reason);
          if (performance.now() - began > patienceMs) throw unreachable(this.#where(path), failure);
          if (!waits) {
            waits = true;
            if (this.#waiting++ === 0)
              this.#options.onPause?.(`${this.base} does not answer (${failure.reason}); it is waited for`);
          }
          await sleep(pauseMs, undefined, { signal: options.signal }).catch(() => {});
        }
        options.signal?.throwIfAborted();
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      }
    } finally {
      if (waits && --this.#waiting === 0) this.#options.onResume?.(`${this.base} is no longer waited for`);
    }
  }

  /**
   * The JSON of a reply in the 200s.
   *
   * @throws TinkerError as `exchange` does, and `refused`, `failed`, `lost` for other replies
   */
  async call(path: string, options: CallOptions): Promise<Readonly<Record<string, unknown>>> {
    const reply = await this.exchange(path, options);
    if (reply.status >= 200 && reply.status < 300) return record(reply.body, this.#where(path));
    throw errorOfReply(reply, this.#where(path));
  }

  #where(path: string): string {
    return `${this.base}/api/v1/${path}`;
  }

  async #attempt(
    path: string,
    { method = "POST", body, signal, quick = false, idempotencyKey }: CallOptions,
  ): Promise<{ reply: Reply; retryAfterMs: number | undefined } | { failure: Failure }> {
    const { apiKey, exchangeMs = 330_000 } = this.#options;
    signal?.throwIfAborted();
    const limitMs = Math.min(exchangeMs, quick ? QUICKLY_MS : 2 ** 31 - 1);
    const overtime = AbortSignal.timeout(limitMs);
    try {
      const { status, headers, text } = await httpExchange(this.#where(path), {
        method,
        headers: {
          accept: "application/json",
          // A server that knows it (RFC 7240) answers with the result at once and saves the request for it.
          prefer: PREFERENCE,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
          ...(idempotencyKey === undefined ? {} : { "x-idempotency-key": idempotencyKey }),
        },
        body: body === undefined ? undefined : requestBody(body),
        signal: signal ? AbortSignal.any([signal, overtime]) : overtime,
      });
      const after = Number(headers["retry-after"] ?? Number.NaN);
      return {
        reply: { status, body: parse(text) },
        retryAfterMs: Number.isFinite(after) ? Math.max(0, after * 1000) : undefined,
      };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (overtime.aborted)
        return { failure: { sent: true, reason: `no reply within ${limitMs / 1000} s`, timedOut: true } };
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      if (/CERT|SSL|TLS|SIGNATURE|EPROTO/.test(code ?? "")) throw insecure(this.#where(path), error);
      const connects = code === "ETIMEDOUT" && syscall !== "read" && syscall !== "write";
      const sent = !connects && !NOT_SENT.includes(code ?? "");
      return { failure: { sent, reason: code ?? message, timedOut: false } };
    }
  }
}

/** The server's own words in a reply: `detail`, `error`, `message`, else the text. */
export function serverWords(body: unknown): string {
  if (typeof body === "string") return shorten(body.trim());
  if (typeof body !== "object" || body === null) return JSON.stringify(body) ?? "nothing";
  const { detail, error, message } = body as Readonly<Record<string, unknown>>;
  const said = detail ?? (isRecord(error) ? (error["message"] ?? error) : error) ?? message ?? body;
  return shorten(typeof said === "string" ? said : JSON.stringify(said));
}

/** What a reply of another status than 2xx means. */
export function errorOfReply({ status, body }: Reply, where: string): TinkerError {
  const said = serverWords(body);
  const found = `HTTP ${status}${said === "" ? "" : `: ${said}`}`;
  if (status === 401 || status === 403)
    return new TinkerError({
      what: "The server does not accept the API key.",
      where,
      found,
      fix: "give the key that the server was started with",
      code: "refused",
      status,
    });
  if (status === 404)
    return new TinkerError({
      what: "The server does not know what it is asked about.",
      where,
      expected: "a session, model or request that lives on this server",
      found,
      fix: "check the address; a server that was restarted has lost its models: load saved weights into a new one",
      code: "lost",
      status,
    });
  if (status >= 500)
    return new TinkerError({
      what: "The server failed.",
      where,
      found,
      fix: "look into the server's log",
      code: "failed",
      status,
    });
  return new TinkerError({
    what: "The server refuses the request.",
    where,
    found,
    fix: "change what the server's words name; v-triune doctor --trainer tries what it can do",
    code: "refused",
    status,
  });
}

export function uncertain(where: string, reason: string): TinkerError {
  return new TinkerError({
    what: "It is uncertain whether the server has done this request, and doing it twice would change the result.",
    where,
    found: reason,
    fix: "go on from saved weights (load them into a new model), or repeat the request if the server drops repetitions",
    code: "uncertain",
  });
}

function unreachable(where: string, { reason, timedOut }: Failure): TinkerError {
  return new TinkerError({
    what: timedOut ? "The server gave no reply in time." : "The server cannot be reached.",
    where,
    found: reason,
    fix: timedOut ? "wait longer, or send less at once" : "start the server, or correct the address",
    code: timedOut ? "timed-out" : "unreachable",
  });
}

/** Asking again would not help. */
function insecure(where: string, cause: unknown): TinkerError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new TinkerError({
    what: "No secure connection to the server can be made.",
    where,
    found: code === "EPROTO" ? "EPROTO, as from a server without TLS" : `${code}: ${message}`,
    fix: "correct the address, or name the file of the server's certificate authority in NODE_EXTRA_CA_CERTS",
    code: "refused",
    cause,
  });
}

function busy(where: string, { status, body }: Reply): TinkerError {
  return new TinkerError({
    what: "The server stays too busy to take the request.",
    where,
    found: `HTTP ${status}: ${serverWords(body)}`,
    fix: "try again later, or raise the server's limits",
    code: "timed-out",
    status,
  });
}

export function unreadable(where: string, expected: string, body: unknown): TinkerError {
  return new TinkerError({
    what: "The server's reply is not what the API has.",
    where,
    expected,
    found: serverWords(body),
    fix: "check that the address is that of a Tinker API (JSON)",
    code: "unreadable",
  });
}

function record(body: unknown, where: string): Readonly<Record<string, unknown>> {
  if (isRecord(body)) return body;
  throw unreadable(where, "a JSON object", body);
}

function parse(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const shorten = (text: string): string => (text.length <= 400 ? text : `${text.slice(0, 398)}..`);
