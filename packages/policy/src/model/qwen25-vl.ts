/**
 * Qwen2.5-VL as a policy: log-probabilities with gradients, generation, saving. One object owns the tensors; everything
 * else is functions over plain data.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Qwen25VlConfig } from "../config/model-config";
import { generateCompletions, type Completion, type GenerateOptions } from "../generation/generate";
import { gatherRows } from "../kernels/gather-rows";
import { linear } from "../kernels/linear";
import { tokenLogProbs } from "../kernels/token-log-probs";
import { headWeight, languageModel } from "./language-model";
import { ModelWeights, type ModelParameter } from "./model-weights";
import { groupRows, packTrees, type PackedTokens } from "./packed-batch";
import { parameterShapes, type ParameterGroup } from "./parameter-shapes";
import type { PromptInput, RolloutRow, VisualInput } from "./rollout-row";
import { saveQwen25Vl } from "./save";
import type { Trace } from "./trace";
import { visionFeatures } from "./vision-tower";

export interface Qwen25VlOptions {
  /** Groups that are not trained: constants, left out of `parameters` and of every backward pass. */
  readonly freeze?: readonly ParameterGroup[];
  /** The folder the weights came from; `save` takes the tokenizer and templates along from it. */
  readonly sourceFolder?: string;
}

export interface LogProbsOptions {
  /** The width T of the result; at least the longest completion of the rows. */
  readonly width: number;
  /** Divides the logits before the softmax; 1 unless told. */
  readonly temperature?: number;
  /** Whether the entropy of each position's distribution is wanted as well (with gradient). */
  readonly entropy?: boolean;
}

export interface TokenLogProbs {
  /** log p of each completion token, [B, T], 0 past a row's end. */
  readonly logProbs: tf.Tensor2D;
  /** Entropy of the full distribution at each completion position, [B, T], 0 past a row's end. */
  readonly entropy?: tf.Tensor2D;
}

/** A Qwen2.5-VL model on the current TensorFlow.js backend. Fits the learner of `@v-triune/grpo`. */
export class Qwen25VlPolicy {
  readonly parameters: readonly ModelParameter[];
  readonly #weights: ModelWeights;

  constructor(
    readonly config: Qwen25VlConfig,
    weights: ModelWeights,
    parameters: readonly ModelParameter[],
    readonly options: Qwen25VlOptions,
  ) {
    this.#weights = weights;
    this.parameters = parameters;
  }

  /**
   * Log-probabilities of the rows' completions, differentiable in `parameters`. Rows that share a prompt compute it once;
   * only positions that predict completion tokens meet the vocabulary.
   *
   * @throws PromptError when a prompt does not match its pictures, is too long, or holds unknown tokens
   * @throws RangeError when a completion is longer than `width`
   */
  logProbs(rows: readonly RolloutRow[], options: LogProbsOptions): TokenLogProbs {
    const { width, temperature = 1, entropy = false } = options;
    const { trees, order } = groupRows(rows);
    const tokens = packTrees(trees, this.config);
    const total = rows.reduce((sum, row) => sum + row.completionIds.length, 0);
    const select = new Int32Array(total);
    const targets = new Int32Array(total);
    const place = new Int32Array(rows.length * width).fill(-1);
    let next = 0;
    rows.forEach((row, i) => {
      const count = row.completionIds.length;
      if (count > width) throw new RangeError(`logProbs: row ${i} has ${count} completion tokens, more than the width ${width}`);
      const { tree, branch } = order[i]!;
      const at = tokens.trees[tree]!;
      for (let t = 0; t < count; t++, next++) {
        select[next] = t === 0 ? at.start + at.promptLength - 1 : at.branchStarts[branch]! + t - 1;
        targets[next] = row.completionIds[t]!;
        place[i * width + t] = next;
      }
    });
    return tf.tidy(() => {
      if (total === 0) return { logProbs: tf.zeros<tf.Rank.R2>([rows.length, width]), ...(entropy ? { entropy: tf.zeros<tf.Rank.R2>([rows.length, width]) } : {}) };
      const hidden = languageModel(tokens, this.#features(tokens), this.#weights, this.config.text, { select });
      const values = tokenLogProbs(hidden, headWeight(this.#weights), targets, { temperature, entropy });
      const spread = gatherRows(values, place);
      const column = (index: number): tf.Tensor2D => tf.reshape(entropy ? tf.slice2d(spread, [0, index], [-1, 1]) : spread, [rows.length, width]);
      return { logProbs: column(0), ...(entropy ? { entropy: column(1) } : {}) };
    });
  }

  /**
   * Logits at every position of plain sequences, packed one after another, [Σ length, vocabulary]; differentiable. For
   * checks and small inputs: training goes through `logProbs`, which never holds this matrix.
   *
   * @param trace is shown `vision.block.i`, `vision.merged` and `hidden.i` on the way
   */
  forward(sequences: readonly PromptInput[], trace?: Trace): tf.Tensor2D {
    return tf.tidy(() => {
      const tokens = packTrees(sequences.map((prompt) => ({ prompt, branches: [] })), this.config);
      const hidden = languageModel(tokens, this.#features(tokens, trace), this.#weights, this.config.text, trace ? { trace } : {});
      return linear(hidden, [headWeight(this.#weights)], [null]);
    });
  }

  /** Features of pictures as they enter the language model, [merged tokens, hidden]; differentiable. */
  visionFeatures(inputs: readonly VisualInput[]): tf.Tensor2D {
    return tf.tidy(() => visionFeatures(inputs, this.#weights, this.config.vision));
  }

  /**
   * Samples `n` completions of each prompt and yields each as it ends. The prompt is computed once for its n samples.
   * A row's tokens depend on the seed, its prompt's index and its sample's index only, not on its neighbours.
   *
   * @throws PromptError when a prompt does not match its pictures or, with the new tokens, exceeds the model's limit
   */
  generate(prompts: readonly PromptInput[], options: GenerateOptions): AsyncIterable<Completion> {
    return generateCompletions({ weights: this.#weights, config: this.config, prompts, options });
  }

  /**
   * Writes the model in Hugging Face layout (`model.safetensors`, `config.json`, and the tokenizer's files when it was
   * loaded from a folder), which transformers, vLLM and SGLang load. Every file is replaced only when it is complete.
   */
  async save(folder: string): Promise<void> {
    await saveQwen25Vl(folder, this.config, this.#weights, this.options.sourceFolder);
  }

  /** Frees all tensors. The policy can't be used afterwards. */
  dispose(): void {
    this.#weights.dispose();
  }

  #features(tokens: PackedTokens, trace?: Trace): tf.Tensor2D | undefined {
    if (tokens.visuals.length === 0) return undefined;
    return visionFeatures(tokens.visuals.map(({ input }) => input), this.#weights, this.config.vision, trace);
  }
}

/**
 * A model of this configuration with the given weights on the current backend.
 *
 * @param weights values by published tensor name, as `randomWeights` makes them
 * @throws WeightsError when a tensor is missing, has another size, or is none of the model's
 */
export function createQwen25Vl(config: Qwen25VlConfig, weights: ReadonlyMap<string, Float32Array>, options: Qwen25VlOptions = {}): Qwen25VlPolicy {
  const shapes = parameterShapes(config);
  const store = new ModelWeights(shapes, ({ name }) => weights.get(name), ({ group }) => options.freeze?.includes(group) ?? false);
  return new Qwen25VlPolicy(config, store, store.parameters(), options);
}
