/**
 * Qwen2.5-VL as a policy: log-probabilities with gradients, generation, saving. One object owns the tensors; everything
 * else is functions over plain data.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VlmConfig } from "../config/model-config";
import { modelConfigText, parameterShapes } from "../families/model-families";
import { WeightsError } from "../input-error";
import type { DecoderName } from "../generation/choose-decoder";
import { DecodingMemory } from "../generation/decoding-memory";
import { generateCompletions, type GeneratedCompletion, type GenerateOptions } from "../generation/generate";
import type { GradientCheckpointing } from "../kernels/checkpoint";
import { gatherRows } from "../kernels/gather-rows";
import { linear } from "../kernels/linear";
import { candidateLogProbs, topTokens, type TopTokens } from "../kernels/candidate-log-probs";
import { tokenLogProbs } from "../kernels/token-log-probs";
import { attachAdapter, type AdapterOptions, type AttachedAdapter } from "../lora/adapter";
import type { UpdateKernels } from "../kernels/native/own-ops";
import { headWeight, languageModel } from "../model/language-model";
import { type Bfloat16Values, holdsBfloat16, roundToBfloat16, type WeightDtype } from "../kernels/bfloat16-matrix";
import { ModelWeights, type ModelParameter } from "../weights/model-weights";
import { countTreeTokens, packTrees, type PackedTokens } from "../model/packed-batch";
import { isLinearWeight, type ParameterGroup, type ParameterShape } from "../weights/parameter-shapes";
import { placesIn, predictedTokens, type PredictedTokens } from "../model/predicted-tokens";
import type { PromptInput, TokenizedRollout } from "../model/tokenized-rollout";
import { safetensorsBytes } from "../safetensors/encode";
import { checkUpdateKernels } from "./arithmetic";
import type { PolicyPlatform } from "./policy-platform";
import { storedTensors } from "./stored-tensors";
import { takeSnapshot, type PolicySnapshot } from "./snapshot";
import type { Trace } from "../vision/trace";
import type { VisualInput } from "../vision/visual-input";
import { FeatureSource } from "../model/feature-source";

export interface VlmOptions {
  /** Groups that are not trained: constants, left out of `parameters` and of every backward pass. */
  readonly freeze?: readonly ParameterGroup[];
  /** A low-rank adapter (LoRA): the model itself is then constant, and `parameters` are the adapter's matrices. */
  readonly adapter?: AdapterOptions;
  /**
   * What the matrices that are not trained are kept in. "bfloat16" takes half the memory and gives a bfloat16
   * checkpoint's results exactly: each product widens its matrix to float32 for as long as it takes, which costs some of
   * an update's time, and up to twice the time of a token that the backend decodes. Other checkpoints are rounded.
   * Everything that is trained, norms, biases and all arithmetic stay float32. It takes native TensorFlow. Default
   * "float32".
   */
  readonly dtype?: WeightDtype;
  /**
   * true keeps only the input of each block for the backward pass and computes the block again there: far less memory for
   * about a third more time. "mlp" does so with the part after attention of the language model's blocks, for about a
   * fifth more time. Gradients are the same to the bit. Default false.
   */
  readonly gradientCheckpointing?: GradientCheckpointing;
  /**
   * What generates: "kernels", the package's own; "backend", TensorFlow.js ops; or "auto". The kernels are native where
   * `v-triune native install` compiled them, and read TensorFlow's weights. Otherwise they run in WebAssembly with a
   * packed copy of the language model, and "auto" takes them for what fits into 4 GiB, except for larger models on a GPU
   * and for answers of a few tokens. On wasm the kernels always do. Default "auto".
   */
  readonly decodeWith?: DecoderName;
  /**
   * What computes log-probabilities and their gradients: "kernels", the package's own ops beside native TensorFlow, which
   * are faster and round otherwise; "backend", TensorFlow.js ops; or "auto", the kernels where `v-triune native install`
   * compiled them. On wasm the package's kernels always do. Default "auto".
   */
  readonly computeWith?: UpdateKernels;
  /** The folder from which `save` copies tokenizer and templates. Default: the folder that was loaded. */
  readonly sourceFolder?: string;
}

export interface SaveOptions {
  /**
   * What a policy with an adapter writes: "separate", the adapter alone in peft's layout (vLLM and peft load it over
   * the base model), or "merged", the whole model with the adapter added in. Default "separate".
   */
  readonly adapter?: "separate" | "merged";
  /** Of the model's numbers; an adapter apart is always float32. "bfloat16" rounds to nearest. Default "float32". */
  readonly dtype?: WeightDtype;
}

export interface LogProbsOptions {
  /** The width T of the result; at least the longest completion of the rows. */
  readonly width: number;
  /** Divides the logits before the softmax. Default 1. */
  readonly temperature?: number;
  /** Whether the entropy of each position's distribution is wanted as well (with gradient). */
  readonly entropy?: boolean;
  /** K tokens of each position of each row, flat [T · K], whose log-probabilities are wanted as well. */
  readonly candidates?: { readonly ids: readonly Int32Array[]; readonly count: number };
}

export interface TokenLogProbs {
  /** log p of each completion token, [B, T], 0 past a row's end. */
  readonly logProbs: tf.Tensor2D;
  /** Entropy of the full distribution at each completion position, [B, T], 0 past a row's end. */
  readonly entropy?: tf.Tensor2D;
  /** log p of the candidates of each completion position, [B, T · K], 0 past a row's end. */
  readonly candidates?: tf.Tensor2D;
}

/** A vision-language model on the current TensorFlow.js backend. Fits the learner of `@v-triune/grpo`. */
export class VlmPolicy {
  /** The tensors that are trained now; frozen ones are not in it. */
  readonly parameters: readonly ModelParameter[];
  readonly #weights: ModelWeights;
  readonly #adapter: AttachedAdapter | undefined;
  readonly #vision: FeatureSource;
  readonly #decoding: DecodingMemory;
  readonly #platform: PolicyPlatform;

  /** Takes ownership of the weights. Use `createVlm` or `loadVlm`. */
  constructor(
    readonly config: VlmConfig,
    weights: ModelWeights,
    readonly options: VlmOptions,
    platform: PolicyPlatform,
  ) {
    this.#weights = weights;
    this.#platform = platform;
    this.#decoding = new DecodingMemory(platform.threads);
    try {
      this.#adapter = options.adapter && attachAdapter(weights, options.adapter, platform.files);
    } catch (error) {
      weights.dispose();
      throw error;
    }
    this.parameters = this.#adapter?.parameters ?? weights.parameters();
    this.#vision = new FeatureSource(weights, config, options.gradientCheckpointing === true);
  }

  /** Whether ops of v-triune's own beside TensorFlow compute updates of this model. */
  get inOneOp(): boolean {
    return this.#weights.inOneOp;
  }

  /**
   * Log-probabilities of the rows' completions, differentiable in `parameters`. Rows that share a prompt compute it
   * once; logits are computed only at positions that predict completion tokens that the policy wrote.
   *
   * @throws PromptError when a prompt does not match its pictures, is too long, or holds unknown tokens
   * @throws RangeError when a completion is longer than `width`
   */
  logProbs(rows: readonly TokenizedRollout[], options: LogProbsOptions): TokenLogProbs {
    const { width, temperature = 1, entropy = false, candidates } = options;
    const long = rows.findIndex(({ completionIds }) => completionIds.length > width);
    if (long >= 0)
      throw new RangeError(
        `logProbs: row ${long} has ${rows[long]!.completionIds.length} completion tokens, more than the width ${width}`,
      );
    const predicted = predictedTokens(rows, this.config);
    const { targets, at } = predicted;
    const place = placesIn(predicted, rows.length, width);
    return tf.tidy(() => {
      const zeros = (columns: number): tf.Tensor2D => tf.zeros([rows.length, columns]);
      if (targets.length === 0)
        return {
          logProbs: zeros(width),
          ...(entropy ? { entropy: zeros(width) } : {}),
          ...(candidates ? { candidates: zeros(width * candidates.count) } : {}),
        };
      const hidden = this.#predicting(predicted);
      const head = headWeight(this.#weights);
      const { inOneOp } = this.#weights;
      const values = tokenLogProbs(hidden, head, targets, { temperature, entropy, inOneOp });
      const spread = gatherRows(values, place);
      const column = (index: number): tf.Tensor2D =>
        tf.reshape(entropy ? tf.slice2d(spread, [0, index], [-1, 1]) : spread, [rows.length, width]);
      const spreadCandidates = (wanted: NonNullable<LogProbsOptions["candidates"]>): tf.Tensor2D => {
        const found = candidateLogProbs(hidden, head, idsAt(at, wanted), { temperature, oneDnn: inOneOp });
        return tf.reshape(gatherRows(found, place), [rows.length, width * wanted.count]);
      };
      return {
        logProbs: column(0),
        ...(entropy ? { entropy: column(1) } : {}),
        ...(candidates ? { candidates: spreadCandidates(candidates) } : {}),
      };
    });
  }

  /**
   * The K likeliest tokens at each position of the rows' completions and their log-probabilities, flat [T · K] for each
   * row; without a gradient. What a tool wrote has zeros.
   *
   * @throws PromptError as `logProbs`
   */
  topTokens(rows: readonly TokenizedRollout[], count: number, temperature = 1): TopTokens[] {
    const predicted = predictedTokens(rows, this.config);
    const { at } = predicted;
    const found = rows.map(({ completionIds: { length } }): TopTokens => ({
      ids: new Int32Array(length * count),
      logProbs: new Float32Array(length * count),
    }));
    if (at.length === 0) return found;
    const hidden = tf.tidy(() => this.#predicting(predicted));
    const top = topTokens(hidden, headWeight(this.#weights), count, temperature);
    hidden.dispose();
    at.forEach(([row, t], i) => {
      found[row]!.ids.set(top.ids.subarray(i * count, (i + 1) * count), t * count);
      found[row]!.logProbs.set(top.logProbs.subarray(i * count, (i + 1) * count), t * count);
    });
    return found;
  }

  /**
   * The number of tokens that `logProbs` computes for these rows together: prompts with the tokens of their pictures, a
   * prompt that rows share once, and completions without their last token. The learner's `microBatch.tokens` counts in
   * this unit.
   *
   * @example policy.tokenCount(rows) // 2 rows of one prompt of 100 tokens, completions of 11 and 21: 100 + 10 + 20 = 130
   */
  tokenCount(rows: readonly TokenizedRollout[]): number {
    return countTreeTokens(rows);
  }

  /**
   * Logits at every position of plain sequences, packed one after another, [Σ length, vocabulary]; differentiable. For
   * checks and small inputs: training goes through `logProbs`, which never holds this matrix.
   *
   * @param trace called with `vision.block.i`, `vision.merged` and `hidden.i`
   */
  forward(sequences: readonly PromptInput[], trace?: Trace): tf.Tensor2D {
    return tf.tidy(() => {
      const tokens = packTrees(
        sequences.map((prompt) => ({ prompt, branches: [] })),
        this.config,
      );
      const hidden = languageModel(
        tokens,
        this.#features(tokens, trace),
        this.#weights,
        this.config.text,
        trace ? { trace } : {},
      );
      return linear(hidden, [headWeight(this.#weights)], [null]);
    });
  }

  /**
   * Features of pictures as they enter the language model, [merged tokens, hidden]; differentiable. With DeepStack
   * (Qwen3-VL), what is added after each of the first k layers stands beside them: [merged tokens, (1 + k) · hidden].
   */
  visionFeatures(inputs: readonly VisualInput[]): tf.Tensor2D {
    return tf.tidy(() => this.#vision.compute(inputs));
  }

  /**
   * The features of pictures that this policy has computed and still remembers; undefined if it has not, or trains the
   * tower. With `rememberFeatures`, replicas of a policy compute each picture once between them.
   */
  knownFeatures(input: VisualInput): Float32Array | undefined {
    return this.#vision.known(input);
  }

  /** Stores what `knownFeatures` of a policy with the same tower gave for these pictures. */
  rememberFeatures(input: VisualInput, values: Float32Array): void {
    if (!this.#weights.trainsVision()) this.#vision.remember(input, values);
  }

  /** All of the policy as plain data, weights in shared memory; see `createReplica`. */
  snapshot(): PolicySnapshot {
    return takeSnapshot(this.config, this.options, this.#weights, this.#adapter);
  }

  /**
   * Samples `n` completions of each prompt and yields each as it ends. The prompt is computed once for its n samples.
   * A row's tokens depend on the seed, its prompt's index and its sample's index only, not on its neighbors.
   *
   * @throws PromptError when a prompt does not match its pictures or, with the new tokens, exceeds the model's limit
   */
  generate(prompts: readonly PromptInput[], options: GenerateOptions): AsyncIterable<GeneratedCompletion> {
    return generateCompletions({
      weights: this.#weights,
      config: this.config,
      vision: this.#vision,
      prompts,
      options,
      memory: this.#decoding,
      ...(this.options.decodeWith && { decodeWith: this.options.decodeWith }),
    });
  }

  /**
   * Writes the model in Hugging Face layout (`model.safetensors`, `config.json`, and the tokenizer's files when it was
   * loaded from a folder), which transformers, vLLM and SGLang load. Every file is replaced only when it is complete.
   * With an adapter see `SaveOptions`.
   */
  async save(folder: string, options: SaveOptions = {}): Promise<void> {
    if (this.#adapter && options.adapter !== "merged")
      await this.#platform.saveAdapter(folder, this.#adapter, this.options.sourceFolder);
    else {
      const { sourceFolder } = this.options;
      await this.#platform.saveModel(folder, this.config, this.#weights, { ...options, sourceFolder });
    }
  }

  /**
   * The model, adapter merged in, as the bytes of `config.json` and `model.safetensors`: what `save` writes, for where
   * there are no folders.
   */
  async toFiles(): Promise<Map<string, Uint8Array>> {
    return new Map([
      ["config.json", new TextEncoder().encode(modelConfigText(this.config))],
      ["model.safetensors", await safetensorsBytes("model.safetensors", storedTensors(this.config, this.#weights))],
    ]);
  }

  /** Frees all tensors and ends the threads. The policy cannot be used afterwards. */
  dispose(): void {
    this.#decoding.close();
    this.#weights.dispose();
  }

  /** Final hidden states of the positions that predict, [M, hidden]. */
  #predicting({ tokens, select }: PredictedTokens): tf.Tensor2D {
    const checkpointing = this.options.gradientCheckpointing ?? false;
    return languageModel(tokens, this.#features(tokens), this.#weights, this.config.text, { select, checkpointing });
  }

  #features(tokens: PackedTokens, trace?: Trace): tf.Tensor2D | undefined {
    if (tokens.visuals.length === 0) return undefined;
    const inputs = tokens.visuals.map(({ input }) => input);
    if (trace) return this.#vision.compute(inputs, { trace });
    return this.#vision.features(inputs);
  }
}

/** The candidates of the positions that predict, flat [M · K]. */
function idsAt(at: PredictedTokens["at"], { ids, count }: NonNullable<LogProbsOptions["candidates"]>): Int32Array {
  const found = new Int32Array(at.length * count);
  at.forEach(([row, t], i) => found.set(ids[row]!.subarray(t * count, (t + 1) * count), i * count));
  return found;
}

/**
 * A model of this configuration with the given weights on the current backend, which `createVlm` completes.
 *
 * @param weights values by tensor name, as `randomWeights` makes them
 * @throws PolicyInputError when kernels are asked for that the backend does not have
 * @throws WeightsError when a tensor is missing, has another size, or does not belong to the model
 */
export function assembleVlm(
  config: VlmConfig,
  weights: ReadonlyMap<string, Float32Array | Bfloat16Values>,
  options: VlmOptions,
  platform: PolicyPlatform,
): VlmPolicy {
  checkWeightDtype(options);
  checkUpdateKernels(options.computeWith);
  const halved = keptInBfloat16(options);
  const shapes = parameterShapes(config);
  const known = new Set(shapes.map(({ name }) => name));
  const extra = [...weights.keys()].filter((name) => !known.has(name));
  if (extra.length > 0)
    throw new WeightsError({
      what: "The weights hold tensors that this model does not have.",
      expected: `the ${shapes.length} tensors of the configuration`,
      found: extra.slice(0, 4).join(", "),
    });
  const values = (shape: ParameterShape): Float32Array | Bfloat16Values | undefined => {
    const given = weights.get(shape.name);
    return given instanceof Float32Array && halved(shape) ? roundToBfloat16(given) : given;
  };
  const kept = new ModelWeights(shapes, values, isFrozen(options), options.computeWith);
  return new VlmPolicy(config, kept, options, platform);
}

/** Which tensors are constants: those of frozen groups, and all of them under an adapter. */
export function isFrozen(options: Pick<VlmOptions, "adapter" | "freeze">): (shape: ParameterShape) => boolean {
  return ({ group }) => options.adapter !== undefined || (options.freeze?.includes(group) ?? false);
}

/** Which tensors `dtype: "bfloat16"` keeps so: constant matrices of layers and the embedding. */
export function keptInBfloat16(options: Pick<VlmOptions, "adapter" | "freeze" | "dtype">) {
  const frozen = isFrozen(options);
  return (shape: ParameterShape): boolean =>
    options.dtype === "bfloat16" &&
    frozen(shape) &&
    (isLinearWeight(shape) || shape.name === "model.embed_tokens.weight") &&
    shape.shape[1]! % 2 === 0;
}

/** @throws WeightsError when weights are to be kept in what the present backend can't keep */
export function checkWeightDtype({ dtype }: VlmOptions): void {
  if (dtype !== "bfloat16" || holdsBfloat16()) return;
  throw new WeightsError({
    what: "This backend can't keep weights in bfloat16.",
    where: `backend ${tf.getBackend()}`,
    expected: "native TensorFlow, or wasm with SIMD and without threads",
    fix:
      'install TensorFlow (v-triune native install), take wasm, or take dtype "float32", which needs twice the memory ' +
      "for weights",
  });
}
