/** One batch to one reward server, as `POST /v1/score`. */
import { VTriuneError } from "@v-triune/errors";
import type { RewardRequest, RewardResult } from "../reward-source";
import { ScoreRequestError, readScoreResult, scoreWireRequest } from "../score-contract";

/** A refusal of a reward server, by which another try would not help. */
export interface RewardServerRefusal {
  readonly url: string;
  /** The HTTP status. */
  readonly status: number;
  readonly body: string;
}

const FIXES: Readonly<Record<number, string>> = {
  401: "pass the server's bearer token (token)",
  403: "pass a bearer token that the server accepts (token)",
  404: "check the address, and that the server has the verifier",
  413: "send smaller batches (batch), or start the server with larger limits",
};

/** A server refuses a request for what it is: trying again would not help. */
export class RewardServerError extends VTriuneError {
  override readonly name = "RewardServerError";
  readonly url: string;
  readonly status: number;
  readonly body: string;

  constructor({ url, status, body }: RewardServerRefusal) {
    super({
      what: `${url}/v1/score answered HTTP ${status}.`,
      found: body.slice(0, 500) || "an empty reply",
      fix: FIXES[status],
    });
    this.url = url;
    this.status = status;
    this.body = body;
  }
}

/**
 * A batch was not answered as it should be; another try, or another server, may do better. Never leaves this package.
 */
export class BatchError extends Error {
  override readonly name = "BatchError";
  /** `gone`: nothing answers there; `busy`: it said when to come again; `broken`: it answers, but not as it should. */
  readonly kind: "gone" | "busy" | "broken";
  readonly retryAfterMs: number | undefined;

  constructor(message: string, kind: BatchError["kind"], retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** What a proxy answers for a server that is gone, and a server that is stopping. */
const GONE = new Set([502, 503, 504]);

/** How a batch is sent. */
export interface BatchSettings {
  readonly token?: string;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
}

/**
 * Sends one batch and yields results as their lines arrive; `index` is the position in the batch. The caller checks
 * whether all results have come when the reply ends.
 *
 * @throws BatchError for connections, passing statuses and broken replies; RewardServerError for a refusal; the
 *   signal's reason
 */
export async function* scoreBatch(
  url: string,
  requests: readonly RewardRequest[],
  { token, fetch, signal }: BatchSettings,
): AsyncGenerator<RewardResult, void, undefined> {
  let reply: Response;
  try {
    reply = await fetch(`${url}/v1/score`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/x-ndjson, application/json;q=0.5",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ requests: requests.map(scoreWireRequest) }),
      signal,
    });
  } catch (error) {
    throw asBatchError(error, signal);
  }
  if (reply.status !== 200) {
    const body = await reply.text().catch(() => "");
    if (!PASSING.has(reply.status)) throw new RewardServerError({ url, status: reply.status, body });
    const message = `HTTP ${reply.status}${body === "" ? "" : `: ${body.slice(0, 200)}`}`;
    const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
    if (Number.isFinite(seconds) && (reply.status === 503 || reply.status === 429))
      throw new BatchError(message, "busy", seconds * 1000);
    throw new BatchError(message, GONE.has(reply.status) ? "gone" : "broken");
  }
  const isList = reply.headers.get("content-type")?.startsWith("application/json") === true;
  try {
    if (isList) {
      const { results } = (await reply.json()) as { results?: unknown };
      if (!Array.isArray(results)) throw new BatchError('the reply has no list "results"', "broken");
      for (const result of results) yield readScoreResult(result);
      return;
    }
    for await (const line of lines(reply)) yield readScoreResult(JSON.parse(line));
  } catch (error) {
    // A reply that is cut off, is not JSON or has something other than results is the server's fault, not the sample's.
    throw asBatchError(error, signal);
  }
}

function asBatchError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof BatchError) return error;
  if (error instanceof ScoreRequestError || error instanceof SyntaxError)
    return new BatchError(`broken reply: ${error.message}`, "broken");
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new BatchError(cause instanceof Error ? cause.message || cause.name : String(cause), "gone");
}

/** The lines of a reply as they arrive, without an unfinished last one. */
async function* lines(reply: Response): AsyncGenerator<string, void, undefined> {
  if (reply.body === null) return;
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of reply.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() as string;
    for (const line of parts) if (line.trim() !== "") yield line;
  }
}
