/** What answers the prompts of a run in place of the policy in this process. */
import { ConfigError } from "@v-triune/errors";
import type { RolloutEngine } from "@v-triune/rollouts";
import type { Resources } from "../resources";
import { type ServerEngineOptions, openServerEngine } from "./server-engine";

export interface ForeignEngineOptions extends Omit<ServerEngineOptions, "servers"> {
  /** An engine that was passed; it stays open when the run ends. */
  readonly passed: RolloutEngine | undefined;
}

/**
 * An engine that was passed, or the servers that the configuration names, with the weights that the run begins with.
 *
 * @returns undefined when the policy answers for itself
 * @throws EngineError, ConfigError when it cannot be used for the run
 */
export async function openForeignEngine(
  { passed, ...options }: ForeignEngineOptions,
  resources: Resources,
): Promise<RolloutEngine | undefined> {
  const { config, weights, signal, onWarning } = options;
  const servers = config.rollout.engine;
  if (!passed && servers === "local") return undefined;
  const engine =
    passed ??
    (await resources.open(
      openServerEngine({ ...options, servers: servers as Exclude<typeof servers, "local"> }),
      (opened) => opened.close?.(),
    ));
  if (config.rollout.asyncLevel === 1 && !engine.givesForeignLogProbs) {
    throw new ConfigError({
      what:
        "rollout.asyncLevel: 1 needs the log-probabilities by which answers were drawn, and the engine does not " +
        "give them.",
      where: "rollout.asyncLevel",
      expected: `0 for ${engine.name}`,
      found: "1",
      fix:
        "use vLLM or SGLang, which give token ids and log-probabilities, or leave rollout.asyncLevel out; v-triune " +
        "doctor --engine shows what a server gives",
    });
  }
  if (engine.useWeights) await engine.useWeights(weights, signal);
  else
    onWarning?.(
      `${engine.name} takes no weights: its answers are those of other weights than the ones that are trained.`,
    );
  return engine;
}
