/**
 * The models of a server: those that clients train, weights as they were for samplers, and policies for saved weights
 * and the base model. Everything here runs as work of the queue, one after another.
 */
import { basename } from "node:path";
import {
  type GeneratedCompletion,
  type Processor,
  type PromptInput,
  type VlmConfig,
  type VlmPolicy,
  createProcessor,
  loadVlm,
  readModelConfig,
} from "@v-triune/policy";
import type { CompleteModelSettings } from "./model-settings";
import { InputReader } from "./read-input";
import type { LoraConfig } from "./request-bodies";
import { RequestRefusal } from "./request-refusal";
import { type SavedAddress, SavedWeights } from "./saved-weights";
import { ServedModel, type Values } from "./served-model";

/** Samplers of one model that are kept; older ones are dropped. */
const SAMPLERS_PER_MODEL = 8;
/** Policies that are kept for saved weights and the base model. */
const SAMPLING_POLICIES = 2;

export interface ModelEntry {
  readonly id: string;
  readonly session: string;
  readonly lora: LoraConfig | null;
  readonly model: ServedModel;
}

/** Whose weights a sampler has: a model's at one version, saved ones, or the base model's. */
export type SamplerSource =
  | { readonly modelId: string; readonly version: number; values?: Values }
  | { readonly saved: SavedAddress }
  | "base";

export interface SampleJob {
  readonly prompts: readonly PromptInput[];
  /** The number of each prompt in the seeded streams. */
  readonly numbers: readonly number[];
  readonly n: number;
  readonly seed: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly stopTokens: readonly number[];
  readonly stopTexts: readonly string[];
}

export class ModelStore {
  readonly architecture: VlmConfig;
  readonly processor: Processor;
  readonly reader: InputReader;
  readonly saved: SavedWeights;
  readonly #models = new Map<string, ModelEntry>();
  readonly #samplers = new Map<string, SamplerSource>();
  readonly #samplingPolicies = new Map<string, VlmPolicy>();

  /** @throws ModelConfigError, TokenizerError for a folder that is no model */
  constructor(readonly settings: CompleteModelSettings) {
    this.architecture = readModelConfig(settings.model);
    this.processor = createProcessor(settings.model, {}, this.architecture);
    this.reader = new InputReader(this.processor, this.architecture);
    this.saved = new SavedWeights(settings.weightsFolder);
  }

  get size(): number {
    return this.#models.size;
  }

  /** @throws RequestRefusal 404 for a model that this server does not have */
  entry(id: string): ModelEntry {
    const entry = this.#models.get(id);
    if (entry) return entry;
    throw new RequestRefusal(
      404,
      `model ${id} is not on this server: it was unloaded, or lost when the server started again`,
    );
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

  async create(id: string, session: string, lora: LoraConfig | null): Promise<ModelEntry> {
    const { maxModels, microBatchTokens } = this.settings;
    if (this.#models.size >= maxModels)
      throw new RequestRefusal(503, `${maxModels} models are loaded, the most of this server; unload one`);
    const adapted = lora !== null && lora.rank > 0 ? lora : null;
    const entry = {
      id,
      session,
      lora: adapted,
      model: new ServedModel(await this.#basePolicy(adapted), microBatchTokens),
    };
    this.#models.set(id, entry);
    return entry;
  }

  unload(id: string): void {
    const { model } = this.entry(id);
    this.#models.delete(id);
    for (const [sampler, source] of this.#samplers)
      if (typeof source === "object" && "modelId" in source && source.modelId === id) this.#samplers.delete(sampler);
    model.dispose();
  }

  /** @returns the ids of the models that were unloaded */
  unloadSession(session: string): string[] {
    const ids = [...this.#models.values()].filter((entry) => entry.session === session).map(({ id }) => id);
    for (const id of ids) this.unload(id);
    return ids;
  }

  /** Called before a model's weights change: samplers of the present ones keep them. */
  keepForSamplers(id: string): void {
    const { model } = this.entry(id);
    let values: Values | undefined;
    for (const source of this.#samplers.values()) {
      if (source === "base" || !("modelId" in source)) continue;
      if (source.modelId !== id || source.version !== model.version || source.values) continue;
      source.values = values ??= model.values();
    }
  }

  addSampler(id: string, source: SamplerSource): void {
    this.#samplers.set(id, source);
    if (source === "base" || !("modelId" in source)) return;
    const own = [...this.#samplers].filter(
      ([, other]) => other !== "base" && "modelId" in other && other.modelId === source.modelId,
    );
    for (const [oldest] of own.slice(0, Math.max(0, own.length - SAMPLERS_PER_MODEL))) this.#samplers.delete(oldest);
  }

  /** @throws RequestRefusal 404 for a sampler that was dropped or never was */
  sampler(id: string): SamplerSource {
    const source = this.#samplers.get(id);
    if (source) return source;
    throw new RequestRefusal(404, `sampling session ${id} is not known: ${keptText}`);
  }

  async save(id: string, name: string, kind: "weights" | "sampler_weights", overwrite: boolean): Promise<string> {
    const { model, lora } = this.entry(id);
    const address = this.saved.address(id, kind, name);
    await this.saved.write(
      address,
      { baseModel: this.settings.name, loraRank: lora?.rank ?? null },
      (folder) => model.policy.save(folder),
      { ...(kind === "weights" ? { state: model.optimizerState } : {}), overwrite },
    );
    return this.saved.url(address);
  }

  async load(id: string, path: string, optimizer: boolean): Promise<void> {
    const { model, lora } = this.entry(id);
    const address = this.saved.parse(path);
    const description = await this.saved.describe(address);
    const rank = lora?.rank ?? null;
    if (description.loraRank !== rank)
      throw new RequestRefusal(
        400,
        `${path} has ${rankText(description.loraRank)}, and model ${id} has ${rankText(rank)}`,
      );
    this.keepForSamplers(id);
    const state = optimizer ? await this.saved.moments(address, description) : undefined;
    model.replace(await this.#savedPolicy(address, description.loraRank), state);
  }

  /** Answers prompts together, each n times. */
  async sample(source: SamplerSource, job: SampleJob): Promise<GeneratedCompletion[]> {
    return this.#with(source, (policy) => this.#generate(policy, job));
  }

  /** Log-probabilities of a prompt's own tokens, from the last picture on; null before. [T] */
  async promptLogProbs(source: SamplerSource, prompt: PromptInput): Promise<(number | null)[]> {
    const from = Math.max(0, prompt.promptIds.lastIndexOf(this.architecture.imageTokenId));
    const completionIds = prompt.promptIds.slice(from + 1);
    const row = { ...prompt, promptIds: prompt.promptIds.slice(0, from + 1), completionIds };
    const zero = new Float64Array(completionIds.length);
    const scored = { row, length: prompt.promptIds.length, from: 0, weights: zero, old: zero, advantages: zero };
    const found = await this.#with(source, async (policy) => {
      const model = new ServedModel(policy, this.settings.microBatchTokens);
      const { logProbs } = await model.forward([scored], { inputs: [], token: () => ({ loss: 0, gradient: 0 }) });
      return logProbs[0]!;
    });
    return [...Array.from({ length: from + 1 }, () => null), ...found];
  }

  dispose(): void {
    for (const { model } of this.#models.values()) model.dispose();
    for (const policy of this.#samplingPolicies.values()) policy.dispose();
    this.#models.clear();
    this.#samplers.clear();
    this.#samplingPolicies.clear();
  }

  async #with<T>(source: SamplerSource, work: (policy: VlmPolicy) => Promise<T>): Promise<T> {
    if (source === "base") return work(await this.#samplingPolicy("base", () => this.#basePolicy(null)));
    if ("saved" in source) {
      const { loraRank } = await this.saved.describe(source.saved);
      const url = this.saved.url(source.saved);
      return work(await this.#samplingPolicy(url, () => this.#savedPolicy(source.saved, loraRank)));
    }
    const { model } = this.entry(source.modelId);
    if (source.version === model.version) return work(model.policy);
    if (!source.values) throw new RequestRefusal(404, `the sampling session was dropped: ${keptText}`);
    return model.withValues(source.values, () => work(model.policy));
  }

  async #generate(policy: VlmPolicy, job: SampleJob): Promise<GeneratedCompletion[]> {
    const { prompts, numbers, n, seed, maxNewTokens, temperature, topP, topK, stopTokens, stopTexts } = job;
    // A stop text may begin some tokens before the last one.
    const window = Math.max(0, ...stopTexts.map(({ length }) => length)) + 4;
    const found: GeneratedCompletion[] = [];
    const answers = policy.generate(prompts, {
      n,
      seed,
      temperature,
      topP,
      topK,
      maxNewTokens,
      promptNumbers: numbers,
      bannedTokenIds: [],
      ...(stopTokens.length > 0 ? { stopTokenIds: [...this.architecture.eosTokenIds, ...stopTokens] } : {}),
      ...(stopTexts.length > 0
        ? {
            stopWhen: ({ tokenIds }) => {
              const tail = this.processor.decode(tokenIds.slice(-window));
              return stopTexts.some((text) => tail.includes(text));
            },
          }
        : {}),
    });
    for await (const answer of answers) found.push(answer);
    return found;
  }

  async #samplingPolicy(key: string, load: () => Promise<VlmPolicy>): Promise<VlmPolicy> {
    const known = this.#samplingPolicies.get(key);
    const policy = known ?? (await load());
    this.#samplingPolicies.delete(key);
    this.#samplingPolicies.set(key, policy);
    for (const [oldest, other] of this.#samplingPolicies) {
      if (this.#samplingPolicies.size <= SAMPLING_POLICIES) break;
      this.#samplingPolicies.delete(oldest);
      other.dispose();
    }
    return policy;
  }

  #basePolicy(lora: LoraConfig | null): Promise<VlmPolicy> {
    if (lora === null) return loadVlm(this.settings.model);
    const { rank, seed, train_attn = true, train_mlp = true } = lora;
    const layers = [
      ...(train_attn ? ["q_proj", "k_proj", "v_proj", "o_proj"] : []),
      ...(train_mlp ? ["gate_proj", "up_proj", "down_proj"] : []),
    ];
    const targetModules = `.*language_model.*\\.(${layers.join("|")})`;
    return loadVlm(this.settings.model, { adapter: { rank, seed: seed ?? 0, targetModules } });
  }

  #savedPolicy(address: SavedAddress, loraRank: number | null): Promise<VlmPolicy> {
    const folder = this.saved.path(address);
    if (loraRank !== null) return loadVlm(this.settings.model, { adapter: { folder } });
    return loadVlm(folder, { sourceFolder: this.settings.model });
  }
}

const keptText = `the newest ${SAMPLERS_PER_MODEL} of a model are kept`;
const rankText = (rank: number | null): string => (rank === null ? "the whole model" : `an adapter of rank ${rank}`);
