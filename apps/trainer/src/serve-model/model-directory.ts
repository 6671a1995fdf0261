/** What the server's thread knows of its models and samplers: enough to refuse a request before it waits its turn. */
import { basename } from "node:path";
import { type VlmConfig, readModelConfig } from "@v-triune/policy";
import type { CompleteModelSettings } from "./model-settings";
import type { SamplerSource } from "./model-work";
import type { LoraConfig } from "./request-bodies";
import { RequestRefusal, unknownModel, unknownSampler } from "./request-refusal";
import { SavedWeights } from "./saved-weights";

export interface KnownModel {
  readonly session: string;
  /** The adapter; null for a whole model. */
  readonly lora: LoraConfig | null;
}

export class ModelDirectory {
  readonly architecture: VlmConfig;
  readonly saved: SavedWeights;
  readonly #models = new Map<string, KnownModel>();
  readonly #samplers = new Map<string, { readonly source: SamplerSource; readonly modelId?: string }>();

  /** @throws ModelConfigError for a folder that is no model */
  constructor(readonly settings: CompleteModelSettings) {
    this.architecture = readModelConfig(settings.model);
    this.saved = new SavedWeights(settings.weightsFolder);
  }

  get size(): number {
    return this.#models.size;
  }

  add(id: string, model: KnownModel): void {
    this.#models.set(id, model);
  }

  /** @throws RequestRefusal 404 for a model that this server does not have */
  model(id: string): KnownModel {
    const model = this.#models.get(id);
    if (model) return model;
    throw unknownModel(id);
  }

  /** Forgets a model with its samplers. */
  remove(id: string): void {
    this.#models.delete(id);
    for (const [sampler, { modelId }] of this.#samplers) if (modelId === id) this.#samplers.delete(sampler);
  }

  /** Forgets all models with their samplers. */
  clear(): void {
    for (const id of this.#models.keys()) this.remove(id);
  }

  /** @param modelId the model that the sampler's weights are of, if it is one of this server's */
  addSampler(id: string, source: SamplerSource, modelId?: string): void {
    this.#samplers.set(id, { source, ...(modelId === undefined ? {} : { modelId }) });
  }

  removeSampler(id: string): void {
    this.#samplers.delete(id);
  }

  /** @throws RequestRefusal 404 for a sampler that was dropped or never was */
  sampler(id: string): SamplerSource {
    const known = this.#samplers.get(id);
    if (known) return known.source;
    throw unknownSampler(id);
  }

  /** @throws RequestRefusal 400 for a base model or an adapter that this server does not have */
  check(baseModel: string, lora: LoraConfig | null): void {
    const { name, model, maxRank } = this.settings;
    if (![name, model, basename(model)].includes(baseModel))
      throw new RequestRefusal(400, `base_model: ${name} expected, found ${baseModel}`);
    if (lora === null || lora.rank === 0) return;
    if (lora.rank > maxRank)
      throw new RequestRefusal(400, `lora_config.rank: at most ${maxRank} expected, found ${lora.rank}`);
    if (lora.train_attn === false && lora.train_mlp === false)
      throw new RequestRefusal(
        400,
        "lora_config: train_attn or train_mlp expected; the output layer has no adapter here",
      );
  }
}
