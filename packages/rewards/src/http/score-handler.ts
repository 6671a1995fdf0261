/**
 * `POST /v1/score` (../score-contract.ts) as one function of a web `Request`, for serverless graders: Workers, Lambda
 * adapters, route handlers, Hono, Deno, Bun. The same batches, replies and refusals as the reward server, for both
 * clients. It judges in the calling thread, without deadlines, workers and a queue: for built-in verifiers, whose work
 * is bounded by design.
 */
import { createVerifierRegistry, UnknownVerifierError, type Verifier } from "@v-triune/verifiers";
import type { RewardResult } from "../reward-source";
import { readScoreItems, readScoreRequest, ScoreRequestError } from "../score-contract";
import { type RewardRule, scoreRequest } from "../score-request";

export interface ScoreHandlerOptions extends RewardRule {
  readonly verifiers: readonly Verifier[];
  /** What requests must carry as `Authorization: Bearer ..`. Default: nothing is asked. */
  readonly token?: string;
  /** Most bytes of a body. Default 4 MiB. */
  readonly bodyBytes?: number;
  /** Most samples of a request. Default 1024. */
  readonly batch?: number;
}

/** What is wrong with a request as a whole. */
class Refusal {
  constructor(
    readonly status: 400 | 401 | 404 | 405 | 413,
    readonly code: string,
    readonly message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {}
}

/**
 * @example export default { fetch: createScoreHandler({ verifiers: [answer, detection], token: env.TOKEN }) };
 * @throws RangeError for verifiers of one name, or an empty token
 */
export function createScoreHandler(options: ScoreHandlerOptions): (request: Request) => Promise<Response> {
  const { verifiers, token, bodyBytes = 4 << 20, batch = 1024, ...rule } = options;
  if (token === "") throw new RangeError("createScoreHandler: the token is empty, so anybody would have it");
  const registry = createVerifierRegistry(verifiers);
  const judge = (item: unknown, path: string): Omit<RewardResult, "index"> | Refusal => {
    try {
      return scoreRequest(registry, readScoreRequest(item, path), rule);
    } catch (error) {
      if (error instanceof ScoreRequestError)
        return new Refusal(400, "invalid-request", error.message, { field: error.where });
      if (!(error instanceof UnknownVerifierError)) throw error;
      const known = registry.names;
      const message = `${path}.verifier: one of ${known.join(", ")} expected`;
      return new Refusal(404, "unknown-verifier", message, { field: `${path}.verifier`, known });
    }
  };
  return async (request) => {
    if (request.method !== "POST") return refuse(new Refusal(405, "method", "POST a batch"), { allow: "POST" });
    if (token !== undefined && !(await isToken(request.headers.get("authorization"), token)))
      return refuse(new Refusal(401, "unauthorized", "a valid bearer token is needed: Authorization: Bearer .."));
    const items = await readItems(request, bodyBytes, batch);
    if (items instanceof Refusal) return refuse(items);
    const outcomes = items.map((item, index) => judge(item, `requests[${index}]`));
    const refused = outcomes.filter((outcome) => outcome instanceof Refusal);
    // A mistake that all samples share refuses the request; one sample's does not cost the others their verdicts.
    if (refused.length > 0 && refused.length === outcomes.length) return refuse(refused[0]!);
    const results = outcomes.map((outcome, index) =>
      outcome instanceof Refusal
        ? { index, status: "error", reason: outcome.message, code: "request" }
        : { index, ...outcome },
    );
    if (request.headers.get("accept")?.includes("application/x-ndjson") !== true) return Response.json({ results });
    const lines = results.map((result) => `${JSON.stringify(result)}\n`).join("");
    return new Response(lines, { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } });
  };
}

async function readItems(request: Request, bodyBytes: number, batch: number): Promise<readonly unknown[] | Refusal> {
  const tooLarge = new Refusal(413, "too-large", `a body of at most ${bodyBytes} bytes expected`);
  // What a client says of its body is checked before the body is read, and what arrives as it arrives.
  if (Number(request.headers.get("content-length")) > bodyBytes) return tooLarge;
  const decoder = new TextDecoder();
  let [text, read] = ["", 0];
  const reader = request.body?.getReader();
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader!.read()) {
    read += part.value.byteLength;
    if (read > bodyBytes) {
      await reader!.cancel();
      return tooLarge;
    }
    text += decoder.decode(part.value, { stream: true });
  }
  let items: readonly unknown[];
  try {
    items = readScoreItems(JSON.parse(text + decoder.decode()));
  } catch (error) {
    return error instanceof ScoreRequestError
      ? new Refusal(400, "invalid-request", error.message, { field: error.where })
      : new Refusal(400, "invalid-json", "the body is not JSON");
  }
  if (items.length <= batch) return items;
  return new Refusal(413, "too-large", `at most ${batch} requests expected, found ${items.length}`);
}

function refuse({ status, code, message, details }: Refusal, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ error: { code, message, ...details } }, { status, headers });
}

/** Digests are compared, and whole, so that the time tells nothing of the token. */
async function isToken(authorization: string | null, token: string): Promise<boolean> {
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? "";
  const [left, right] = await Promise.all([digest(given), digest(token)]);
  return left.reduce((difference, byte, i) => difference | (byte ^ right[i]!), 0) === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
