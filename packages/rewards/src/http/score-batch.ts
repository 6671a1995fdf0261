import type { RewardRequest, RewardResult } from "../reward-source";
import { ScoreRequestError, readScoreResult, scoreWireRequest } from "../score-contract";

/** A server that refuses a request for what it is: trying again would not help. */
export class RewardServerError extends Error {
  override readonly name = "RewardServerError";
  constructor(
    readonly url: string,
    readonly status: number,
    readonly body: string,
  ) {
    super(`${url}/v1/score answered HTTP ${status}: ${body.slice(0, 500) || "(empty)"}`);
  }
}

/** A fault that another try, or another server, may not have. */
export class ServerFault extends Error {
  override readonly name = "ServerFault";
  constructor(
    message: string,
    /** `gone`: nobody answers there; `busy`: it said when to come again; `broken`: it answers, but not as it should. */
    readonly kind: "gone" | "busy" | "broken",
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** What a proxy says when there is nobody behind it, and a server that is stopping. */
const GONE = new Set([502, 503, 504]);

/** How a batch is sent. */
export interface BatchSettings {
  readonly token?: string;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
}

/**
 * Sends one batch and yields results as their lines arrive; `index` is the position in the batch. A result that was asked for and
 * has not come when the reply ends is the caller's to notice.
 *
 * @throws ServerFault for connections, passing statuses and broken replies; RewardServerError for a refusal; the signal's reason
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
    throw asFault(error, signal);
  }
  if (reply.status !== 200) {
    const body = await reply.text().catch(() => "");
    if (!PASSING.has(reply.status)) throw new RewardServerError(url, reply.status, body);
    const message = `HTTP ${reply.status}${body === "" ? "" : `: ${body.slice(0, 200)}`}`;
    const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
    if (Number.isFinite(seconds) && (reply.status === 503 || reply.status === 429))
      throw new ServerFault(message, "busy", seconds * 1000);
    throw new ServerFault(message, GONE.has(reply.status) ? "gone" : "broken");
  }
  const isList = reply.headers.get("content-type")?.startsWith("application/json") === true;
  try {
    if (isList) {
      const { results } = (await reply.json()) as { results?: unknown };
      if (!Array.isArray(results)) throw new ServerFault('the reply has no list "results"', "broken");
      for (const result of results) yield readScoreResult(result);
      return;
    }
    for await (const line of lines(reply)) yield readScoreResult(JSON.parse(line));
  } catch (error) {
    // A reply that is cut off, is not JSON or holds something else than results: the server's fault, not the sample's.
    throw asFault(error, signal);
  }
}

function asFault(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof ServerFault) return error;
  if (error instanceof ScoreRequestError || error instanceof SyntaxError)
    return new ServerFault(`broken reply: ${error.message}`, "broken");
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new ServerFault(cause instanceof Error ? cause.message || cause.name : String(cause), "gone");
}

/** The lines of a reply, as they arrive; an unfinished last line is not one. */
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
