import {
  ScoreRequestError,
  readScoreItems,
  readScoreRequest,
  type RewardOutcome,
  type RewardRequest,
  type RewardResult,
} from "@v-triune/rewards";
import { CLIENT_GONE, invalidField } from "../http/refusal-error";
import { judgeEach, readEach, reportLeftOut } from "./readable-samples";
import { checkBatch, contentOptions, openRequest, type RouteContext, type RouteTools } from "./route";

/**
 * `POST /v1/score` (score-contract.ts of `@v-triune/rewards`): a batch in, verdicts out: as NDJSON in the order of
 * completion if the client accepts that, else as a JSON list in the order of the request. A sample that cannot be read
 * is `error` with the code `request`; if none can, the request is refused.
 */
export function scoreRoute(tools: RouteTools): (c: RouteContext) => Promise<Response> {
  return async (c) => {
    const { body, signal } = await openRequest(c, tools);
    const items = asRefusal(() => readScoreItems(body));
    checkBatch(items.length, tools);
    const samples = readEach(items, (item, index) => readSample(item, `requests[${index}]`, tools));
    const results = judgeEach(tools, samples, signal);
    const outcomes: RewardOutcome[] = [];
    const note = ({ index, outcome }: { readonly index: number; readonly outcome: RewardOutcome }): RewardResult => {
      outcomes[index] = outcome;
      return { index, ...outcome };
    };
    const report = () => reportLeftOut(tools, "/v1/score", outcomes, samples);
    if (c.env.incoming.headers.accept?.includes("application/x-ndjson") === true) {
      return c.body(ndjson(through(results, note, report), signal), 200, {
        "content-type": "application/x-ndjson",
        "cache-control": "no-store",
      });
    }
    const list: (RewardResult | undefined)[] = samples.map(() => undefined);
    for await (const result of through(results, note, report)) list[result.index] = result;
    return c.json({ results: list });
  };
}

async function* through<Item, Result>(
  items: AsyncIterable<Item>,
  change: (item: Item) => Result,
  end: () => void,
): AsyncGenerator<Result, void, undefined> {
  for await (const item of items) yield change(item);
  end();
}

function readSample(item: unknown, path: string, tools: RouteTools): RewardRequest {
  const request = asRefusal(() => readScoreRequest(item, path, contentOptions(tools)));
  tools.source.check(request, {
    verifier: `${path}.verifier`,
    params: `${path}.params`,
    accuracyRatio: `${path}.accuracy_ratio`,
  });
  return request;
}

function asRefusal<T>(read: () => T): T {
  try {
    return read();
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
        // A client that has gone gets nothing. Any other fault cuts the reply, and clients ask again for what is
        // missing.
        if (error === CLIENT_GONE) controller.close();
        else controller.error(error);
      }
    },
  });
}
