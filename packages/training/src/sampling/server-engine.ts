/** Rollout servers as the engine of a run: new weights are handed over in a folder after each update. */
import { createHash } from "node:crypto";
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type EngineEvents, type RemoteEngineConfig, openRemoteEngine } from "@v-triune/engines";
import type { EngineWeights, RolloutEngine } from "@v-triune/rollouts";
import type { RunConfig, TrainingConfig } from "../config/training-config";
import type { ModelParts } from "../model/load-model";
import { writeFolderAtomic } from "../run-folder/write-file-atomic";

export interface ServerEngineOptions extends EngineEvents {
  readonly servers: RemoteEngineConfig;
  readonly config: TrainingConfig;
  readonly model: ModelParts;
  /** Those that the run begins with. */
  readonly weights: EngineWeights;
  readonly signal?: AbortSignal | undefined;
  readonly onReport?: (line: string) => void;
}

/** @throws EngineError, ConfigError when servers cannot be reached or lack what the run needs */
export async function openServerEngine(options: ServerEngineOptions): Promise<RolloutEngine> {
  const { servers, config, model, weights, ...rest } = options;
  const handOver = new HandOver(
    config.run,
    servers.weights.folder ?? join(config.run.folder, "weights"),
    servers.weights.serverFolder,
  );
  const remote = await openRemoteEngine({
    ...rest,
    config: servers,
    processor: model.processor,
    endTokenIds: model.policy.config.eosTokenIds,
    temperature: config.rollout.temperature,
    adapter: config.model.adapter !== null,
    // transformers serve has to be told a folder before it can be tried.
    modelFolder: async () => (await handOver.write(weights, "model")).folder,
  });
  return {
    name: remote.name,
    givesForeignLogProbs: remote.givesForeignLogProbs,
    generate: (prompts, request) => remote.generate(prompts, request),
    async useWeights(next, signal) {
      const { sync, content } = remote.options.transfer;
      if (sync === "none") return remote.updateWeights({ label: handOver.label(next.step), folder: "" }, signal);
      const written = await handOver.write(next, content);
      await remote.updateWeights(written, signal);
      await handOver.keepOnly(written.label);
    },
    takeMetrics: () => remote.takeMetrics(),
    close: () => handOver.clear(),
  };
}

/** The folder in which weights are handed over: one folder per version, there in full or not at all. */
class HandOver {
  readonly #prefix: string;
  #written: string | undefined;

  constructor(
    run: RunConfig,
    readonly root: string,
    readonly serverRoot: string | null,
  ) {
    // Two runs of one name in different folders may share a server.
    const mark = createHash("sha256").update(run.folder).digest("hex").slice(0, 6);
    this.#prefix = `${run.name.replace(/[^\w.-]+/g, "-")}-${mark}-step-`;
  }

  label(step: number): string {
    return `${this.#prefix}${String(step).padStart(6, "0")}`;
  }

  /** @returns the folder as the server sees it */
  async write(weights: EngineWeights, content: "model" | "adapter"): Promise<{ label: string; folder: string }> {
    const label = this.label(weights.step);
    const folder = join(this.root, label);
    const seen = {
      label,
      folder: this.serverRoot === null ? folder : `${this.serverRoot.replace(/\/+$/, "")}/${label}`,
    };
    if (this.#written === label) return seen;
    // Left by a run that was killed: it may be of another attempt at this step.
    await rm(folder, { recursive: true, force: true });
    await writeFolderAtomic(folder, (temporary) => weights.save(temporary, content));
    this.#written = label;
    return seen;
  }

  async keepOnly(label: string): Promise<void> {
    const names = await readdir(this.root);
    for (const name of names)
      if (name.startsWith(this.#prefix) && name !== label)
        await rm(join(this.root, name), { recursive: true, force: true });
  }

  async clear(): Promise<void> {
    if (this.#written === undefined) return;
    await this.keepOnly("");
    // Another run may hand over its weights there, too.
    await rmdir(this.root).catch(() => {});
  }
}
