/** The engine of a training run: what it answers with, and the handing over of weights after each update. */
import { createHash } from "node:crypto";
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type EngineEvents, type RemoteEngine, openRemoteEngine } from "@v-triune/engines";
import { ConfigError } from "@v-triune/errors";
import { type RolloutEngine, createLocalEngine } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { writeFolderAtomic } from "../run-folder/write-file-atomic";
import type { LoadedModel } from "../model/load-model";

export interface RunEngine {
  readonly engine: RolloutEngine;
  /** Gives the engine the policy's present weights, as those of `step`. @throws EngineError, WriteError */
  publish(step: number, signal?: AbortSignal): Promise<void>;
  /** Of the step that was generated last, under the names of docs/metrics.md. */
  takeMetrics(): Record<string, number>;
  /** Takes away what was handed over. */
  close(): Promise<void>;
}

export interface RunEngineOptions extends EngineEvents {
  readonly config: TrainingConfig;
  readonly model: LoadedModel;
  /** The run's folder. */
  readonly folder: string;
  /** Steps done. */
  readonly step: number;
  readonly signal?: AbortSignal | undefined;
  readonly onReport?: (line: string) => void;
}

/** @throws EngineError, ConfigError when servers can't be reached or lack what the run needs */
export async function openRunEngine({ config, model, folder, step, ...options }: RunEngineOptions): Promise<RunEngine> {
  const { engine } = config.rollout;
  if (engine === "local")
    return {
      engine: createLocalEngine(model.policy),
      publish: async () => {},
      takeMetrics: () => ({}),
      close: async () => {},
    };
  const handOver = new HandOver(
    config,
    model,
    engine.weights.folder ?? join(folder, "weights"),
    engine.weights.serverFolder,
  );
  const remote = await openRemoteEngine({
    ...options,
    config: engine,
    processor: model.processor,
    endTokenIds: model.policy.config.eosTokenIds,
    temperature: config.rollout.temperature,
    adapter: config.model.adapter !== null,
    // transformers serve has to be told a folder before it can be tried.
    modelFolder: async () => (await handOver.write(step, "model")).folder,
  });
  if (config.rollout.asyncLevel === 1 && !remote.givesForeignLogProbs) {
    throw new ConfigError({
      what: "Answers of the weights before can only be trained on with the probabilities by which they were drawn, and the server does not give them.",
      where: "rollout.asyncLevel",
      expected: `0 for ${remote.name}`,
      found: "1",
      fix: "use vLLM or SGLang, which give token ids and log-probabilities, or leave rollout.asyncLevel out; v-triune doctor --engine shows what a server gives",
    });
  }
  const publish = async (at: number, signal?: AbortSignal): Promise<void> => {
    const { transfer } = remote.options;
    if (transfer.sync === "none") return remote.updateWeights({ label: handOver.label(at), folder: "" }, signal);
    const weights = await handOver.write(at, transfer.content);
    await remote.updateWeights(weights, signal);
    await handOver.keepOnly(weights.label);
  };
  await publish(step, options.signal);
  return {
    engine: remote satisfies RemoteEngine,
    publish,
    takeMetrics: () => remote.takeMetrics(),
    close: () => handOver.clear(),
  };
}

/** The folder in which weights are handed over: one folder a version, there in full or not at all. */
class HandOver {
  readonly #prefix: string;
  #written: string | undefined;

  constructor(
    config: TrainingConfig,
    readonly model: LoadedModel,
    readonly root: string,
    readonly serverRoot: string | null,
  ) {
    // Two runs of one name in different folders may share a server.
    const mark = createHash("sha256").update(config.run.folder).digest("hex").slice(0, 6);
    this.#prefix = `${config.run.name.replace(/[^\w.-]+/g, "-")}-${mark}-step-`;
  }

  label(step: number): string {
    return `${this.#prefix}${String(step).padStart(6, "0")}`;
  }

  async write(step: number, content: "model" | "adapter"): Promise<{ label: string; folder: string }> {
    const label = this.label(step);
    const folder = join(this.root, label);
    const seen = {
      label,
      folder: this.serverRoot === null ? folder : `${this.serverRoot.replace(/\/+$/, "")}/${label}`,
    };
    if (this.#written === label) return seen;
    // Left by a run that was killed: it may be of another attempt at this step.
    await rm(folder, { recursive: true, force: true });
    await writeFolderAtomic(folder, async (temporary) => {
      await this.model.policy.save(temporary, content === "model" ? { adapter: "merged" } : {});
    });
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
