import { type RewardSource, createHttpRewardSource, createLocalRewardSource } from "@v-triune/rewards";
import type { VerifierRegistry } from "@v-triune/verifiers";
import type { RewardConfig } from "../config/training-config";
import { ConfigError } from "../errors";
import type { EngineEvents } from "../engines/engine-events";

/**
 * What judges a run's answers: this process, or reward servers. A run waits for servers that are gone; it never takes a fault of theirs
 * for a verdict.
 *
 * @throws ConfigError when the servers' token is not in the environment
 */
export function openRewards({ servers, tokenEnv, normalised }: RewardConfig, registry: VerifierRegistry, { onPause, onResume }: EngineEvents): RewardSource {
  if (servers.length === 0) return createLocalRewardSource(registry, { normalised });
  const token = tokenEnv === null ? undefined : process.env[tokenEnv];
  if (tokenEnv !== null && !token) {
    throw new ConfigError({ what: "The token of the reward servers is not there.", where: "reward.tokenEnv", expected: `the environment variable ${tokenEnv}`, found: "it is not set" });
  }
  return createHttpRewardSource({
    urls: servers,
    whenDown: "wait",
    ...(token === undefined ? {} : { token }),
    onPause: (health) => onPause?.(`No reward server answers: ${health.map(({ url, lastFault }) => `${url} (${lastFault ?? "no reply"})`).join(", ")}. Waiting for one; the step goes on when it is back.`),
    onResume: ({ url, pausedMs }) => onResume?.(`${url} is back after ${Math.round(pausedMs / 1000)} s.`),
  });
}
