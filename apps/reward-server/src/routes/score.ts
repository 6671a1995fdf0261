import { ScoreRequestError, readScoreRequests, type RewardRequest, type RewardResult } from "@v-triune/rewards";
import { CLIENT_GONE, invalidField } from "../http/refusal-error";
import { checkBatch, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * `POST /v1/score` (score-contract.ts of `@v-triune/rewards`): a batch in, verdicts out: as NDJSON in the order of completion
 * if the client accepts that, else as a JSON list in the order of the request.
 */
export function scoreRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const given = (body as { requests?: unknown } | null)?.requests;
    if (Array.isArray(given)) checkBatch(given.length, tools);
    const requests = readRequests(body);
    for (const [index, request] of requests.entries()) {
      const path = `requests[${index}].`;
      tools.source.check(request, {
        verifier: `${path}verifier`,
        params: `${path}params`,
        accuracyRatio: `${path}accuracy_ratio`,
      });
    }
    const results = tools.source.many(requests, signal);
    if (c.env.incoming.headers.accept?.includes("application/x-ndjson") === true) {
      return c.body(ndjson(results, signal), 200, {
        "content-type": "application/x-ndjson",
        "cache-control": "no-store",
      });
    }
    const list: (RewardResult | undefined)[] = requests.map(() => undefined);
    for await (const result of results) list[result.index] = result;
    return c.json({ results: list });
  };
}

function readRequests(body: unknown): RewardRequest[] {
  try {
    return readScoreRequests(body);
  } catch (error) {
    throw error instanceof ScoreRequestError ? invalidField(error.where, error.message) : error;
  }
}

/** Results as lines; those that are ready together are sent together. */
function ndjson(results: AsyncIterable<RewardResult>, signal: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async start(controller) {
      let lines = "";
      let planned: NodeJS.Immediate | undefined;
      const flush = () => {
        planned = undefined;
        if (lines !== "" && !signal.aborted) controller.enqueue(encoder.encode(lines));
        lines = "";
      };
      try {
        for await (const result of results) {
          lines += `${JSON.stringify(result)}\n`;
          planned ??= setImmediate(flush);
        }
        clearImmediate(planned);
        if (lines !== "") controller.enqueue(encoder.encode(lines));
        controller.close();
      } catch (error) {
        clearImmediate(planned);
        // A client that has gone gets nothing. Any other fault cuts the reply, and clients ask again for what is missing.
        if (error === CLIENT_GONE) controller.close();
        else controller.error(error);
      }
    },
  });
}
