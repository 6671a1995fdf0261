/** From the configuration to an engine that has been tried. */
import { ConfigError } from "@v-triune/errors";
import type { Processor } from "@v-triune/policy";
import { EngineError } from "./engine-error";
import type { EngineEvents } from "./engine-events";
import type { RemoteEngineConfig } from "./remote-engine-config";
import { engineLine } from "./probe/format-engine-report";
import { NoAnswerError, ServerRefusal } from "./servers/http-json";
import { type Ability, type EngineReport, can, probeEngine } from "./probe/probe-engine";
import { RemoteEngine } from "./remote-engine";
import { type ServerKind, recognizeServer, serverNames, usualParallel } from "./servers/server-kind";
import { serverAddress } from "./servers/server-address";
import { weightTransfer } from "./servers/weight-transfer";

export interface OpenEngineOptions extends EngineEvents {
  readonly config: RemoteEngineConfig;
  readonly processor: Processor;
  readonly endTokenIds: readonly number[];
  readonly temperature: number;
  /** Whether an adapter is trained. */
  readonly adapter: boolean;
  /**
   * The folder, as the server sees it, of the model that it is tried with, for a server that serves whatever folder it
   * is told.
   */
  readonly modelFolder: () => Promise<string>;
  readonly signal?: AbortSignal | undefined;
  /** The line about what the server can do. */
  readonly onReport?: (line: string) => void;
}

/**
 * Recognizes and tries the servers, refuses what a run can't do without, and works round the rest.
 *
 * @throws EngineError when a server can't be reached, or lacks what can't be worked round; ConfigError for a missing
 *   key
 */
export async function openRemoteEngine(options: OpenEngineOptions): Promise<RemoteEngine> {
  const { config, processor, endTokenIds, temperature, signal, onPause, onResume, onWarning } = options;
  const apiKey = readApiKey(config.apiKeyEnv);
  const urls = config.servers.map(serverAddress);
  const kinds = await Promise.all(
    urls.map((url) =>
      config.kind === "auto"
        ? reach(url, async () => (await recognizeServer(url, { apiKey, signal })).kind)
        : config.kind,
    ),
  );
  const [kind] = kinds as [ServerKind, ...ServerKind[]];
  const other = kinds.findIndex((found) => found !== kind);
  if (other > 0)
    throw differ(`${serverNames[kind]} at ${urls[0]}`, `${serverNames[kinds[other] as ServerKind]} at ${urls[other]}`);
  const transfer = weightTransfer(kind, config.weights.sync, options.adapter);
  const model = config.model ?? (kind === "transformers" ? await options.modelFolder() : undefined);
  const probed = await Promise.all(
    urls.map((url) => reach(url, () => probeEngine({ url, kind, model, apiKey, signal, endTokenIds, temperature }))),
  );
  for (const report of probed) {
    checkAbilities(report, temperature);
    options.onReport?.(engineLine(report));
  }
  const all = (ability: Ability): boolean => probed.every((report) => can(report, ability));
  if (transfer.sync === "none" && config.staleWeights === "error") {
    throw new ConfigError({
      what:
        "With weights.sync: none the servers keep the weights that they were started with, and every step but the " +
        "first trains on answers of stale weights.",
      where: "rollout.engine.staleWeights",
      expected: "allow, which trains on them with rollout.correction",
      found: "error",
    });
  }
  return new RemoteEngine({
    kind,
    servers: urls,
    model: (probed[0] as EngineReport).model,
    apiKey,
    parallel: config.parallel ?? usualParallel[kind],
    timeoutMs: config.timeout * 1000,
    retries: config.retries,
    several: kind !== "sglang" && all("n"),
    logProbs: all("token_ids") && all("log_probs"),
    processor,
    endTokenIds,
    promptTokens: config.promptTokens,
    transfer,
    staleWeights: config.staleWeights,
    ...(onPause ? { onPause } : {}),
    ...(onResume ? { onResume } : {}),
    ...(onWarning ? { onWarning } : {}),
  });
}

/** @throws ConfigError when the variable is not set */
export function readApiKey(name: string | null): string | undefined {
  if (name === null) return undefined;
  const key = process.env[name];
  if (key !== undefined && key !== "") return key;
  throw new ConfigError({
    what: "The key of the rollout servers is not set.",
    where: "rollout.engine.apiKeyEnv",
    expected: `the environment variable ${name}`,
    found: "it is not set",
  });
}

/** What a run can't do without: pictures that are seen, and answers that differ. */
function checkAbilities({ url, abilities }: EngineReport, temperature: number): void {
  const needed: readonly Ability[] = ["pictures", "max_tokens", ...(temperature > 0 ? (["temperature"] as const) : [])];
  for (const { ability, status, detail, pinned } of abilities) {
    if (status === "yes" || !needed.includes(ability)) continue;
    throw new EngineError({
      what: "The rollout server can't give rollouts for this run.",
      where: url,
      expected:
        status === "failed"
          ? "an answer to a question about a picture"
          : {
              pictures: "that it sees pictures",
              max_tokens: "that it keeps to max_tokens",
              temperature: "that it samples",
            }[ability as "pictures"],
      found: detail,
      fix: pinned
        ? "start transformers serve without a model on its command line: each step's weights are a folder of their own"
        : `v-triune doctor --engine ${url} shows all that was tried`,
    });
  }
}

function differ(first: string, other: string): EngineError {
  return new EngineError({
    what: "The rollout servers are not of one kind.",
    where: "rollout.engine.servers",
    expected: `the same as the first, ${first}`,
    found: other,
  });
}

/** Says which server it is that can't be reached. */
export async function reach<T>(url: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof NoAnswerError) && !(error instanceof ServerRefusal)) throw error;
    throw new EngineError({
      what: "The rollout server can't be used.",
      where: url,
      expected: "an answer",
      found: error.message,
      fix: unreachedFix(error),
      cause: error,
    });
  }
}

function unreachedFix(error: NoAnswerError | ServerRefusal): string {
  if (error instanceof ServerRefusal)
    return "give the server's key by rollout.engine.apiKeyEnv (doctor: --api-key-env)";
  if (error.kind === "busy") return "try again when the server has less to do, or raise its limit on requests";
  return "start it, or fix its address (rollout.engine.servers)";
}
