/**
 * The models of a server: those that clients train, weights as they were for samplers, and policies for saved weights
 * and the base model. It lives in the thread that computes, and does one call after another.
 */
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
import { lossFunction } from "./losses";
import { type CompleteModelSettings, SAMPLERS_PER_MODEL } from "./model-settings";
import type { ModelWork, NumberedPrompt, SampleSettings, SamplerSource } from "./model-work";
import { InputReader } from "./read-input";
import type { AdamParams, LoraConfig, ModelInput, PassInput } from "./request-bodies";
import { RequestRefusal, unknownModel, unknownSampler } from "./request-refusal";
import type { Failure, Outcome } from "./results";
import { type SavedAddress, SavedWeights } from "./saved-weights";
import { type PassResult, ServedModel, type StepResult, type Values } from "./served-model";

/** Policies that are kept for saved weights and the base model. */
const SAMPLING_POLICIES = 2;

interface ModelEntry {
  readonly session: string;
  readonly lora: LoraConfig | null;
  readonly model: ServedModel;
}

/** The weights that a model had at one version. */
interface KeptVersion {
  readonly modelId: string;
  readonly version: number;
  /** Undefined while the model still has them. */
  values?: Values;
}

export class ModelStore implements ModelWork {
  readonly architecture: VlmConfig;
  readonly processor: Processor;
  readonly reader: InputReader;
  readonly saved: SavedWeights;
  readonly #models = new Map<string, ModelEntry>();
  readonly #samplers = new Map<string, KeptVersion>();
  readonly #samplingPolicies = new Map<string, VlmPolicy>();

  /**
   * @param failureOf what a client is told of a prompt that could not be answered
   * @throws ModelConfigError, TokenizerError for a folder that is no model
   */
  constructor(
    readonly settings: CompleteModelSettings,
    readonly failureOf: (error: unknown) => Failure,
  ) {
    this.architecture = readModelConfig(settings.model);
    this.processor = createProcessor(settings.model, {}, this.architecture);
    this.reader = new InputReader(this.processor, this.architecture);
    this.saved = new SavedWeights(settings.weightsFolder);
  }

  async create(id: string, session: string, config: LoraConfig | null): Promise<LoraConfig | null> {
    const { maxModels, microBatchTokens } = this.settings;
    if (this.#models.size >= maxModels)
      throw new RequestRefusal(503, `${maxModels} models are loaded, the most of this server; unload one`);
    const lora = config !== null && config.rank > 0 ? config : null;
    const model = new ServedModel(await this.#basePolicy(lora), microBatchTokens);
    this.#models.set(id, { session, lora, model });
    return lora;
  }

  async unload(id: string): Promise<void> {
    const { model } = this.#entry(id);
    this.#models.delete(id);
    for (const [sampler, { modelId }] of this.#samplers) if (modelId === id) this.#samplers.delete(sampler);
    model.dispose();
  }

  async unloadSession(session: string): Promise<string[]> {
    const ids = [...this.#models].filter(([, entry]) => entry.session === session).map(([id]) => id);
    for (const id of ids) await this.unload(id);
    return ids;
  }

  async pass(id: string, { data, loss_fn, loss_fn_config }: PassInput, backward: boolean): Promise<string> {
    const { model } = this.#entry(id);
    const loss = lossFunction(loss_fn, loss_fn_config);
    const rows = await Promise.all(data.map((datum, row) => this.reader.row(datum, loss, `data[${row}]`)));
    return passOutput(await (backward ? model.forwardBackward(rows, loss) : model.forward(rows, loss)));
  }

  async optimStep(id: string, adam: AdamParams): Promise<StepResult> {
    const { model } = this.#entry(id);
    this.#keepForSamplers(id);
    return model.optimStep(adam);
  }

  async keepSampler(sampler: string, id: string): Promise<string[]> {
    this.#samplers.set(sampler, { modelId: id, version: this.#entry(id).model.version });
    const own = [...this.#samplers].filter(([, { modelId }]) => modelId === id).map(([name]) => name);
    const dropped = own.slice(0, Math.max(0, own.length - SAMPLERS_PER_MODEL));
    for (const name of dropped) this.#samplers.delete(name);
    return dropped;
  }

  async save(id: string, name: string, kind: SavedAddress["kind"], overwrite: boolean): Promise<string> {
    const { model, lora } = this.#entry(id);
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
    const { model, lora } = this.#entry(id);
    const address = this.saved.parse(path);
    const description = await this.saved.describe(address);
    const rank = lora?.rank ?? null;
    if (description.loraRank !== rank)
      throw new RequestRefusal(
        400,
        `${path} has ${rankText(description.loraRank)}, and model ${id} has ${rankText(rank)}`,
      );
    this.#keepForSamplers(id);
    const state = optimizer ? await this.saved.moments(address, description) : undefined;
    model.replace(await this.#savedPolicy(address, description.loraRank), state);
  }

  async sample(
    source: SamplerSource,
    asked: readonly NumberedPrompt[],
    settings: SampleSettings,
  ): Promise<Outcome<string>[]> {
    const { maxTokens, promptLogProbs } = settings;
    const outcomes: Outcome<string>[] = [];
    const ready: { readonly at: number; readonly number: number; readonly prompt: PromptInput }[] = [];
    for (const [at, { prompt, number }] of asked.entries()) {
      try {
        ready.push({ at, number, prompt: await this.#roomyPrompt(prompt, maxTokens ?? 1) });
      } catch (error) {
        outcomes[at] = this.failureOf(error);
      }
    }
    if (ready.length === 0) return outcomes;
    const longest = Math.max(...ready.map(({ prompt }) => prompt.promptIds.length));
    const maxNewTokens = maxTokens ?? Math.max(1, this.architecture.text.maxPositionEmbeddings - longest);
    const answers = await this.#with(source, (policy) => this.#generate(policy, ready, settings, maxNewTokens));
    for (const [index, { at, prompt }] of ready.entries()) {
      const sequences = answers
        .filter(({ promptIndex }) => promptIndex === index)
        .sort((a, b) => a.sampleIndex - b.sampleIndex)
        .map(({ tokenIds, logProbs, finishReason }) => ({
          tokens: [...tokenIds],
          logprobs: [...logProbs],
          stop_reason: finishReason,
        }));
      const prompt_logprobs = promptLogProbs ? await this.#promptLogProbs(source, prompt) : null;
      outcomes[at] = { value: JSON.stringify({ sequences, prompt_logprobs, type: "sample" }) };
    }
    return outcomes;
  }

  dispose(): void {
    for (const { model } of this.#models.values()) model.dispose();
    for (const policy of this.#samplingPolicies.values()) policy.dispose();
    this.#models.clear();
    this.#samplers.clear();
    this.#samplingPolicies.clear();
  }

  /** @throws RequestRefusal 404 for a model that this server does not have */
  #entry(id: string): ModelEntry {
    const entry = this.#models.get(id);
    if (entry) return entry;
    throw unknownModel(id);
  }

  /** Called before a model's weights change: samplers of the present ones keep them. */
  #keepForSamplers(id: string): void {
    const { model } = this.#entry(id);
    let values: Values | undefined;
    for (const kept of this.#samplers.values())
      if (kept.modelId === id && kept.version === model.version && !kept.values)
        kept.values = values ??= model.values();
  }

  /** A prompt that leaves room for its answer: one that does not must not spoil the others that it is answered with. */
  async #roomyPrompt(input: ModelInput, maxTokens: number): Promise<PromptInput> {
    const prompt = await this.reader.prompt(input, "prompt");
    const limit = this.architecture.text.maxPositionEmbeddings;
    const { length } = prompt.promptIds;
    if (length + maxTokens <= limit) return prompt;
    throw new RequestRefusal(
      400,
      `prompt: ${length} tokens and max_tokens ${maxTokens} are more than the ${limit} of the model`,
    );
  }

  /** Log-probabilities of a prompt's own tokens, from the last picture on; null before. [T] */
  async #promptLogProbs(source: SamplerSource, prompt: PromptInput): Promise<(number | null)[]> {
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

  async #with<T>(source: SamplerSource, work: (policy: VlmPolicy) => Promise<T>): Promise<T> {
    if (source === "base") return work(await this.#samplingPolicy("base", () => this.#basePolicy(null)));
    if ("saved" in source) {
      const { loraRank } = await this.saved.describe(source.saved);
      const url = this.saved.url(source.saved);
      return work(await this.#samplingPolicy(url, () => this.#savedPolicy(source.saved, loraRank)));
    }
    const kept = this.#samplers.get(source.sampler);
    if (!kept) throw unknownSampler(source.sampler);
    const { model } = this.#entry(kept.modelId);
    if (kept.version === model.version) return work(model.policy);
    if (!kept.values) throw unknownSampler(source.sampler);
    return model.withValues(kept.values, () => work(model.policy));
  }

  async #generate(
    policy: VlmPolicy,
    ready: readonly { readonly number: number; readonly prompt: PromptInput }[],
    { n, seed, temperature, topP, topK, stopTokens, stopTexts }: SampleSettings,
    maxNewTokens: number,
  ): Promise<GeneratedCompletion[]> {
    const prompts = ready.map(({ prompt }) => prompt);
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
      promptNumbers: ready.map(({ number }) => number),
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

const rankText = (rank: number | null): string => (rank === null ? "the whole model" : `an adapter of rank ${rank}`);

function passOutput({ logProbs, lossSum }: PassResult): string {
  return JSON.stringify({
    loss_fn_output_type: "scalar",
    loss_fn_outputs: logProbs.map((values) => ({
      logprobs: { data: [...values], dtype: "float32", shape: [values.length] },
    })),
    metrics: { "loss:sum": lossSum },
  });
}
