/**
 * The sampling loop: prompts are admitted while rows are free, decoded together, and each completion is yielded as it
 * ends, which frees its row for the next prompt (continuous batching).
 */
import { VTriuneError } from "@v-triune/errors";
import type { VlmConfig } from "../config/model-config";
import { PromptError } from "../input-error";
import { Bfloat16Matrix } from "../kernels/bfloat16-matrix";
import { heap } from "../kernels/wasm/heap";
import type { FeatureSource } from "../model/feature-source";
import type { ModelWeights } from "../weights/model-weights";
import type { PromptInput } from "../model/tokenized-rollout";
import { computesOnGpu, decodesByKernels, type DecoderName } from "./choose-decoder";
import type { Decoder, RowHandle } from "./decoder";
import type { DecodingMemory } from "./decoding-memory";
import { eventLoopTurn } from "./event-loop-turn";
import { KernelDecoder, TILE_ROWS } from "./kernel-decoder";
import { rowRandom } from "./row-random";
import { TokenSampler } from "./sampler";
import { TensorDecoder } from "./tensor-decoder";

/** Why a completion ended: at a stop token, or at the limit of new tokens. */
export type FinishReason = "stop" | "length";

/** One sampled completion. */
export interface GeneratedCompletion {
  /** Which of the prompts it answers. */
  readonly promptIndex: number;
  /** Which of the prompt's n samples it is. */
  readonly sampleIndex: number;
  /** Its tokens, the stop token included. */
  readonly tokenIds: Int32Array;
  /**
   * log p of each token at the sampling temperature (1 for greedy) over the whole vocabulary, before penalties and
   * filters: what `logProbs` gives for the same weights.
   */
  readonly logProbs: Float32Array;
  readonly finishReason: FinishReason;
}

/** How to sample. Steps are those of transformers, in its order (./logits-processors). */
export interface GenerateOptions {
  /** Number of samples per prompt. Default 1. */
  readonly n?: number;
  /** 0 takes the most probable token. Default 1. */
  readonly temperature?: number;
  /** Keeps the k most probable tokens; 0 is off. */
  readonly topK?: number;
  /** Keeps the most probable tokens that together hold this much; 1 is off. */
  readonly topP?: number;
  /** Drops tokens less probable than this times the most probable one; 0 is off. */
  readonly minP?: number;
  /** Divides (or multiplies, below 0) the logits of tokens that prompt or completion hold; 1 is off. */
  readonly repetitionPenalty?: number;
  /** Never repeats an n-gram of this size; 0 is off. */
  readonly noRepeatNgramSize?: number;
  readonly maxNewTokens: number;
  readonly seed: number;
  /**
   * The number of each prompt in the seeded streams. Default: its index. Prompts that are a part of a larger request
   * keep their numbers in it, and with them their tokens.
   */
  readonly promptNumbers?: readonly number[];
  /** Any of these ends a completion. Default: config.json's end-of-sequence tokens. */
  readonly stopTokenIds?: readonly number[];
  /**
   * Called after every token; true ends the completion as a stop token does. For stop strings: decode with a
   * `TextStream` per row and look for them.
   */
  readonly stopWhen?: (row: {
    readonly promptIndex: number;
    readonly sampleIndex: number;
    readonly tokenIds: readonly number[];
  }) => boolean;
  /** Never sampled; `[config.imageTokenId, config.videoTokenId]` keeps placeholders out. Default: none. */
  readonly bannedTokenIds?: readonly number[];
  /** Rows decoded at once. Default 256. */
  readonly maxRows?: number;
  /** Prompt tokens computed at once. Default 8192. */
  readonly maxPrefillTokens?: number;
  /**
   * Threads that decode where this package's own kernels do (see `VlmOptions.decodeWith`). Default: all
   * cores, or one inside a worker thread. Tokens do not depend on it.
   */
  readonly threads?: number;
  /** Ends generation early: completions still running are dropped. */
  readonly signal?: AbortSignal;
}

export interface GenerateRequest {
  readonly weights: ModelWeights;
  readonly config: VlmConfig;
  readonly vision: FeatureSource;
  readonly prompts: readonly PromptInput[];
  readonly options: GenerateOptions;
  readonly memory: DecodingMemory;
  /** Decodes; disposed at the end. Default: what `decodeWith` says. */
  readonly decoder?: Decoder;
  /** Default "auto". */
  readonly decodeWith?: DecoderName;
}

/** The model produced NaN or infinite logits. */
export class NotFiniteError extends VTriuneError {
  override readonly name = "NotFiniteError";
}

interface RunningRow {
  readonly promptIndex: number;
  readonly sampleIndex: number;
  readonly handle: RowHandle;
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly random: () => number;
}

/** See `VlmPolicy.generate`. */
export async function* generateCompletions({
  weights,
  config,
  vision,
  prompts,
  options,
  memory,
  decoder: given,
  decodeWith,
}: GenerateRequest): AsyncGenerator<GeneratedCompletion> {
  const n = options.n ?? 1;
  checkOptions(options, n, config);
  checkRoom(prompts, options.maxNewTokens, config);
  const maxRows = Math.max(n, options.maxRows ?? 256);
  const maxPrefillTokens = options.maxPrefillTokens ?? 8192;
  const stop = new Set(options.stopTokenIds ?? config.eosTokenIds);
  const sampler = new TokenSampler({
    temperature: options.temperature ?? 1,
    topK: options.topK ?? 0,
    topP: options.topP ?? 1,
    minP: options.minP ?? 0,
    repetitionPenalty: options.repetitionPenalty ?? 1,
    noRepeatNgramSize: options.noRepeatNgramSize ?? 0,
    bannedTokenIds: options.bannedTokenIds ?? [],
  });
  const vocabulary = config.text.vocabSize;
  const { decoder, close } = given
    ? { decoder: given, close: () => given.dispose() }
    : openDecoder({ weights, config, vision, prompts, options, memory, ...(decodeWith && { decodeWith }) }, maxRows);
  let running: RunningRow[] = [];
  let admitted = 0;
  const finished: GeneratedCompletion[] = [];

  const sample = (row: RunningRow, logits: Float32Array): boolean => {
    const { token, logProb } = sampler.sample(
      logits,
      () => [...prompts[row.promptIndex]!.promptIds, ...row.tokens],
      row.random,
    );
    if (!Number.isFinite(logProb)) {
      const tensor = weights.findNotFinite();
      throw new NotFiniteError({
        what: "The model produced NaN or infinite logits.",
        where: `prompt ${row.promptIndex}, sample ${row.sampleIndex}, token ${row.tokens.length}`,
        expected: "finite numbers",
        found: tensor
          ? `weights that are NaN or infinite, first in ${tensor}`
          : "finite weights, but activations that overflow",
        fix: "go back to an earlier checkpoint and lower the learning rate",
      });
    }
    row.tokens.push(token);
    row.logProbs.push(logProb);
    const stopped =
      stop.has(token) ||
      (options.stopWhen?.({ promptIndex: row.promptIndex, sampleIndex: row.sampleIndex, tokenIds: row.tokens }) ??
        false);
    if (!stopped && row.tokens.length < options.maxNewTokens) return true;
    decoder.removeRow(row.handle);
    finished.push({
      promptIndex: row.promptIndex,
      sampleIndex: row.sampleIndex,
      tokenIds: Int32Array.from(row.tokens),
      logProbs: Float32Array.from(row.logProbs),
      finishReason: stopped ? "stop" : "length",
    });
    return false;
  };

  const admit = (): void => {
    const batch: PromptInput[] = [];
    let tokens = 0;
    while (admitted + batch.length < prompts.length && running.length + (batch.length + 1) * n <= maxRows) {
      const prompt = prompts[admitted + batch.length]!;
      if (batch.length > 0 && tokens + prompt.promptIds.length > maxPrefillTokens) break;
      tokens += prompt.promptIds.length;
      batch.push(prompt);
    }
    if (batch.length === 0) return;
    const { handles, logits } = decoder.prefill(batch);
    handles.forEach((handle, i) => {
      const promptIndex = admitted + i;
      for (let sampleIndex = 0; sampleIndex < n; sampleIndex++) {
        const row: RunningRow = {
          promptIndex,
          sampleIndex,
          handle: decoder.addRow(handle),
          tokens: [],
          logProbs: [],
          random: rowRandom(options.seed, options.promptNumbers?.[promptIndex] ?? promptIndex, sampleIndex),
        };
        if (sample(row, logits.subarray(i * vocabulary, (i + 1) * vocabulary))) running.push(row);
      }
      decoder.releasePrompt(handle);
    });
    admitted += batch.length;
  };

  try {
    while ((admitted < prompts.length || running.length > 0) && !options.signal?.aborted) {
      admit();
      if (running.length > 0) {
        const logits = decoder.step(
          running.map(({ handle }) => handle),
          Int32Array.from(running, ({ tokens }) => tokens[tokens.length - 1]!),
        );
        running = running.filter((row, i) => sample(row, logits.subarray(i * vocabulary, (i + 1) * vocabulary)));
      }
      while (finished.length > 0) yield finished.shift()!;
      await eventLoopTurn();
    }
  } finally {
    close();
  }
}

/**
 * What `choose-decoder` chooses. With several threads the kernels get a memory of their own, otherwise they run on the
 * backend's heap where there is one.
 */
function openDecoder(
  { weights, config, vision, prompts, options, memory, decodeWith }: GenerateRequest,
  maxRows: number,
): { decoder: Decoder; close: () => void } {
  const shared = heap();
  const { parameters, halves } = countNumbers(weights);
  const rows = prompts.length * (options.n ?? 1);
  const threads = Math.min(
    memory.threadsFor(options.threads, 2 * parameters * rows * options.maxNewTokens),
    Math.ceil(Math.min(rows, maxRows) / TILE_ROWS),
  );
  if (shared && threads === 1) return closing(new KernelDecoder(shared, weights, config, vision));
  const together = Math.min(rows, maxRows);
  const decodingSize = {
    parameters,
    halves,
    halfEmbedding: weights.matrix("model.embed_tokens.weight") instanceof Bfloat16Matrix,
    rows: together,
    promptTokens: longestTogether(prompts, Math.ceil(together / (options.n ?? 1))),
    maxNewTokens: options.maxNewTokens,
  };
  const byKernels =
    shared !== undefined || decodesByKernels(decodeWith ?? "auto", config.text, decodingSize, computesOnGpu());
  const place = byKernels ? memory.acquire(threads) : undefined;
  if (!place) return closing(new TensorDecoder(weights, config, vision));
  try {
    return closing(new KernelDecoder(place.memory, weights, config, vision, place.threads), () => memory.release());
  } catch (error) {
    memory.release();
    throw error;
  }
}

/** Numbers of the language model, and those of them that are packed in bfloat16. */
function countNumbers(weights: ModelWeights): { parameters: number; halves: number } {
  let [parameters, halves] = [0, 0];
  for (const { name, group, shape } of weights.shapes) {
    if (group !== "language") continue;
    const count = shape.reduce((a, b) => a * b, 1);
    parameters += count;
    if (weights.adapters.has(name.slice(0, -".weight".length)) || shape.length !== 2) continue;
    if (weights.matrix(name) instanceof Bfloat16Matrix) halves += count;
  }
  return { parameters, halves };
}

/** Tokens of the longest prompts that can be decoded at once. */
function longestTogether(prompts: readonly PromptInput[], count: number): number {
  const lengths = prompts.map(({ promptIds }) => promptIds.length).sort((a, b) => b - a);
  return lengths.slice(0, count).reduce((sum, length) => sum + length, 0);
}

function closing(decoder: Decoder, after: () => void = () => {}): { decoder: Decoder; close: () => void } {
  return {
    decoder,
    close: () => {
      decoder.dispose();
      after();
    },
  };
}

function checkOptions(options: GenerateOptions, n: number, config: VlmConfig): void {
  const require = (ok: boolean, key: keyof GenerateOptions, expected: string): void => {
    if (!ok) throw new RangeError(`generate: ${key} is ${String(options[key])}, expected ${expected}`);
  };
  require(Number.isInteger(n) && n >= 1, "n", "a whole number from 1 on");
  require(Number.isInteger(options.maxNewTokens) &&
    options.maxNewTokens >= 1, "maxNewTokens", "a whole number from 1 on");
  require(Number.isFinite(options.seed), "seed", "a number");
  require(options.threads === undefined ||
    (Number.isInteger(options.threads) && options.threads >= 1), "threads", "a whole number from 1 on");
  require((options.temperature ?? 1) >= 0, "temperature", "0 or more");
  require((options.topP ?? 1) >= 0 && (options.topP ?? 1) <= 1, "topP", "0 to 1");
  require((options.minP ?? 0) >= 0 && (options.minP ?? 0) <= 1, "minP", "0 to 1");
  require((options.topK ?? 0) >= 0, "topK", "0 or more");
  require((options.repetitionPenalty ?? 1) > 0, "repetitionPenalty", "more than 0");
  for (const id of [...(options.stopTokenIds ?? []), ...(options.bannedTokenIds ?? [])]) {
    if (!Number.isInteger(id) || id < 0 || id >= config.text.vocabSize) {
      throw new PromptError({
        what: "A stop or banned token is not in the model's vocabulary.",
        expected: `0 to ${config.text.vocabSize - 1}`,
        found: String(id),
        fix: "check that the tokenizer belongs to this model",
      });
    }
  }
}

function checkRoom(prompts: readonly PromptInput[], maxNewTokens: number, config: VlmConfig): void {
  const limit = config.text.maxPositionEmbeddings;
  prompts.forEach(({ promptIds }, index) => {
    if (promptIds.length + maxNewTokens <= limit) return;
    throw new PromptError({
      what: "A prompt is too long for the new tokens.",
      where: `prompt ${index}, ${promptIds.length} tokens`,
      expected: `at most ${limit} tokens in all (max_position_embeddings)`,
      found: `${promptIds.length + maxNewTokens} tokens with ${maxNewTokens} new ones`,
      fix: "shorten the prompt, shrink its pictures, or lower maxNewTokens",
    });
  });
}
