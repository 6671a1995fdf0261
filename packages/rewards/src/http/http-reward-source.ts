import type { RewardSource } from "../reward-source";
import { streamThrough } from "../stream-through";
import { Dispatcher } from "./dispatcher";
import type { HttpRewardSourceOptions } from "./http-reward-source-options";
import type { RewardServerHealth } from "./remote-servers";

/** Rewards from one or several reward servers. */
export interface HttpRewardSource extends RewardSource {
  /** The state of each server. */
  health(): RewardServerHealth[];
  close(): Promise<void>;
}

/**
 * A reward source over HTTP (`POST /v1/score`, score-contract.ts). Samples are gathered into batches and go to the
 * server with the least outstanding work; verdicts are passed on as their lines arrive. A server that fails rests, and
 * what it left unanswered goes to another: judging is pure, so asking twice does no harm. A server that says when to
 * come again (503 with Retry-After) is busy: its samples wait without losing a try. Verdicts of status `error` are
 * final and are not asked for again.
 *
 * Iteration throws RewardServerError when a server refuses a request for what it is (a wrong token, an unknown
 * verifier).
 *
 * @throws RangeError for a missing or malformed address, or a setting out of range
 * @example createHttpRewardSource({ urls: ["http://10.0.0.1:8000", "http://10.0.0.2:8000"], hedgeAfterMs: 2000 })
 */
export function createHttpRewardSource(options: HttpRewardSourceOptions): HttpRewardSource {
  const settings = {
    batch: 64,
    parallel: 4,
    lingerMs: 3,
    timeoutMs: 120_000,
    retries: 6,
    whenDown: "error",
    hedgeAfterMs: Infinity,
    fetch,
    ...stated(options),
  } as const;
  if (settings.urls.length === 0)
    throw new RangeError("createHttpRewardSource: urls is empty; give at least one server, e.g. http://127.0.0.1:8000");
  for (const url of settings.urls)
    if (!/^https?:\/\/[^/\s]+/.test(url))
      throw new RangeError(
        `createHttpRewardSource: ${JSON.stringify(url)} is not the address of a server, expected something like ` +
          "http://127.0.0.1:8000",
      );
  for (const [name, low] of [
    ["batch", 1],
    ["parallel", 1],
    ["lingerMs", 0],
    ["timeoutMs", 1],
    ["retries", 0],
    ["hedgeAfterMs", 1],
  ] as const) {
    if (!(settings[name] >= low))
      throw new RangeError(`createHttpRewardSource: ${name} is ${settings[name]}, expected at least ${low}`);
  }
  const dispatcher = new Dispatcher(settings);
  const window = settings.urls.length * settings.parallel * settings.batch;
  return {
    score: (requests, scoreOptions) =>
      streamThrough((request) => dispatcher.submit(request), requests, window, scoreOptions),
    health: () => dispatcher.servers.map(({ health }) => health),
    close: () => dispatcher.close(),
  };
}

/** The options without those that are undefined, which would hide their defaults. */
function stated(options: HttpRewardSourceOptions): HttpRewardSourceOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as HttpRewardSourceOptions;
}
