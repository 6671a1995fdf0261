import { EngineError, type EngineEvents } from "@v-triune/engines";
import { ConfigError } from "@v-triune/errors";
import {
  type AsyncVerifier,
  type HttpRewardSource,
  type RewardResult,
  type RewardSource,
  RewardServerError,
  createHttpRewardSource,
  createLocalRewardSource,
  withAsyncVerifiers,
} from "@v-triune/rewards";
import { openJudge } from "@v-triune/rewards/judge";
import type { VerifierRegistry } from "@v-triune/verifiers";
import type { RewardConfig } from "../config/training-config";

/**
 * What judges a run's answers: this process, or reward servers, and judges for the samples that name one. A run waits for
 * servers that are gone; it never takes a fault of theirs for a verdict.
 *
 * @throws ConfigError when the servers' token is not in the environment
 */
export function openRewards(
  config: Pick<RewardConfig, "servers" | "tokenEnv" | "normalised">,
  { registry, judges }: RewardVerifiers,
  events: EngineEvents = {},
): RewardSource {
  const source = openOtherRewards(config, registry, events);
  return judges.length === 0 ? source : withAsyncVerifiers(source, judges, { normalized: config.normalised });
}

/** What judges in this process. */
export interface RewardVerifiers {
  readonly registry: VerifierRegistry;
  /** Verifiers whose verdicts take time. */
  readonly judges: readonly AsyncVerifier[];
}

/**
 * The judge that a configuration names, and those that were passed.
 *
 * @throws ConfigError for settings that cannot be used
 */
export async function openJudges(
  { judge }: Pick<RewardConfig, "judge">,
  passed: readonly AsyncVerifier[] = [],
): Promise<readonly AsyncVerifier[]> {
  // A run.json of an earlier version does not have the key.
  return judge ? [await openJudge(judge), ...passed] : passed;
}

function openOtherRewards(
  { servers, tokenEnv, normalised }: Pick<RewardConfig, "servers" | "tokenEnv" | "normalised">,
  registry: VerifierRegistry,
  { onPause, onResume }: EngineEvents,
): RewardSource {
  if (servers.length === 0) return createLocalRewardSource(registry, { normalized: normalised });
  const token = tokenEnv === null ? undefined : process.env[tokenEnv];
  if (tokenEnv !== null && !token) {
    throw new ConfigError({
      what: "The token of the reward servers is not set.",
      where: "reward.tokenEnv",
      expected: `the environment variable ${tokenEnv}`,
      found: "it is not set",
    });
  }
  const source = createHttpRewardSource({
    urls: servers,
    whenDown: "wait",
    ...(token === undefined ? {} : { token }),
    onPause: (health) =>
      onPause?.(
        "No reward server answers: " +
          `${health.map(({ url, lastFault }) => `${url} (${lastFault ?? "no reply"})`).join(", ")}. Waiting for one; ` +
          "the step goes on when it is back.",
      ),
    onResume: ({ url, pausedMs }) => onResume?.(`${url} is back after ${Math.round(pausedMs / 1000)} s.`),
  });
  return {
    score: (requests, options) => judgedAtAll(source, source.score(requests, options)),
    close: () => source.close(),
  };
}

/**
 * Single answers that a server could not judge are counted and left out of training. When it judged none at all it is
 * no reward server, or a broken one, and to go on would be to train on nothing.
 */
async function* judgedAtAll(
  source: HttpRewardSource,
  results: AsyncIterable<RewardResult>,
): AsyncGenerator<RewardResult, void, undefined> {
  let failed = false;
  let judged = false;
  try {
    for await (const result of results) {
      if (result.status === "error" && result.code === "server") failed = true;
      else judged = true;
      yield result;
    }
  } catch (cause) {
    if (!(cause instanceof RewardServerError)) throw cause;
    const refusedKey = cause.status === 401 || cause.status === 403;
    throw new EngineError({
      what: "The reward server rejected the request.",
      where: "reward.servers",
      found: `${cause.what} ${cause.body}`,
      fix: refusedKey
        ? "name the environment variable with its token in reward.tokenEnv"
        : cause.status === 404
          ? "fix the address: a reward server, as v-triune serve starts one, has this path"
          : undefined,
      cause,
    });
  }
  if (judged || !failed) return;
  throw new EngineError({
    what: "The reward servers answer, but judge nothing.",
    where: "reward.servers",
    expected: "a reward server, as v-triune serve starts one",
    found: source
      .health()
      .map(({ url, lastFault }) => `${url}: ${lastFault ?? "no reply"}`)
      .join("; "),
    fix: "fix the address or the server, then continue with --resume",
  });
}
