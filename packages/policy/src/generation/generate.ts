/**
 * The sampling loop: prompts are admitted while rows are free, decoded together, and each completion is yielded as it
 * ends, which frees its row for the next prompt (continuous batching).
 *
 * With `nextTurn` a completion may go on: what it is shown is computed behind what it has (the prefix is kept), and it
 * joins the others again. Rows may be at different turns, and some may wait for their continuation, while the others
 * are decoded.
 */
import { VTriuneError } from "@v-triune/errors";
import type { VlmConfig } from "../config/model-config";
import { PromptError } from "../input-error";
import { Bfloat16Matrix } from "../kernels/bfloat16-matrix";
import { heap } from "../kernels/wasm/heap";
import type { FeatureSource } from "../model/feature-source";
import type { ModelWeights } from "../weights/model-weights";
import type { PromptInput } from "../model/tokenized-rollout";
import { chooseDecoder, computesOnGpu, type DecoderName } from "./choose-decoder";
import type { VisualInput } from "../vision/visual-input";
import type { Decoder, RowContinuation, RowHandle } from "./decoder";
import type { DecodingMemory } from "./decoding-memory";
import { eventLoopTurn } from "./event-loop-turn";
import { KernelDecoder } from "./kernel-decoder";
import { decodeAddon, NativeStepKernels } from "./native-step-kernels";
import { rowRandom } from "./row-random";
import { type DrawRows, type SampledToken, TokenSampler } from "./sampler";
import type { StepKernels } from "./step-kernels";
import { TensorDecoder } from "./tensor-decoder";
import { TILE_ROWS, WasmStepKernels } from "./wasm-step-kernels";

/** Why a completion ended: at a stop token, or at the limit of new tokens. */
export type FinishReason = "stop" | "length";

/** What follows a turn: the tokens that end it for the model, an observation, and the opening of the next turn. */
export interface TurnContinuation {
  /** With one placeholder for each merged visual token; at least one token. */
  readonly tokenIds: Int32Array;
  /** In the order of their placeholders. Default: none. */
  readonly pictures?: readonly VisualInput[];
}

/** A turn that ended at a stop token. */
export interface EndedTurn {
  readonly promptIndex: number;
  readonly sampleIndex: number;
  /** Which turn of the completion, from 0. */
  readonly turn: number;
  /** As generated, the stop token included. */
  readonly tokenIds: Int32Array;
}

/** One turn of a completion. */
export interface GeneratedTurn {
  /** As generated, the stop token included. */
  readonly tokenIds: Int32Array;
  readonly logProbs: Float32Array;
  /** What was shown after it; absent after the last turn. */
  readonly continuation?: TurnContinuation;
}

/** One sampled completion. */
export interface GeneratedCompletion {
  /** Which of the prompts it answers. */
  readonly promptIndex: number;
  /** Which of the prompt's n samples it is. */
  readonly sampleIndex: number;
  /** Its tokens, the stop token included; those of all turns one after another, without what was shown between. */
  readonly tokenIds: Int32Array;
  /**
   * log p of each token at the sampling temperature (1 for greedy) over the whole vocabulary, before penalties and
   * filters: what `logProbs` gives for the same weights.
   */
  readonly logProbs: Float32Array;
  readonly finishReason: FinishReason;
  /** Turn by turn; absent without `nextTurn`. */
  readonly turns?: readonly GeneratedTurn[];
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
  /** Tokens that are written, in all turns together. */
  readonly maxNewTokens: number;
  readonly seed: number;
  /**
   * Called when a turn ends at a stop token. What it returns follows the turn, without visual placeholders that the
   * model wrote itself, and the completion goes on; undefined ends it. Default: a completion is one turn.
   */
  readonly nextTurn?: (turn: EndedTurn) => TurnContinuation | undefined | Promise<TurnContinuation | undefined>;
  /** Tokens that a completion may be shown by `nextTurn`, by which memory is planned. Default 1024. */
  readonly maxShownTokens?: number;
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
  /** Of this turn. */
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly random: () => number;
  /** Prompt and earlier turns, as the model sees them. */
  readonly before: Int32Array;
  /** Tokens that the turn may have. */
  readonly limit: number;
  /** Turns before, each with what was shown after it. */
  readonly turns: readonly GeneratedTurn[];
}

/** A row whose turn has ended, and what follows. */
interface ContinuedRow {
  readonly row: RunningRow;
  readonly continuation: TurnContinuation;
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
  const { nextTurn } = options;
  const placeholders = new Set([config.imageTokenId, config.videoTokenId]);
  const turns = { waiting: 0, continued: [] as ContinuedRow[], failure: undefined as unknown, wake: (): void => {} };
  let ended = false;
  const wake = (): void => turns.wake();
  options.signal?.addEventListener("abort", wake);

  const finish = (row: RunningRow, finishReason: FinishReason): void => {
    decoder.removeRow(row.handle);
    const last = { tokenIds: Int32Array.from(row.tokens), logProbs: Float32Array.from(row.logProbs) };
    const all = [...row.turns, last];
    const { promptIndex, sampleIndex } = row;
    finished.push({
      promptIndex,
      sampleIndex,
      tokenIds: row.turns.length === 0 ? last.tokenIds : Int32Array.from(all.flatMap(({ tokenIds }) => [...tokenIds])),
      logProbs:
        row.turns.length === 0 ? last.logProbs : Float32Array.from(all.flatMap(({ logProbs }) => [...logProbs])),
      finishReason,
      ...(nextTurn ? { turns: all } : {}),
    });
  };

  /** The turn has ended: it goes on with what follows, or it was the last. */
  const takeTurn = (row: RunningRow, continuation: TurnContinuation | undefined): void => {
    if (continuation) turns.continued.push({ row, continuation });
    else finish(row, "stop");
  };

  const endTurn = (row: RunningRow, ask: NonNullable<GenerateOptions["nextTurn"]>): void => {
    const { promptIndex, sampleIndex } = row;
    const tokenIds = Int32Array.from(row.tokens);
    const next = ask({ promptIndex, sampleIndex, turn: row.turns.length, tokenIds });
    if (!(next instanceof Promise)) return takeTurn(row, next);
    turns.waiting += 1;
    void next
      .then(
        (continuation) => ended || takeTurn(row, continuation),
        (error: unknown) => (turns.failure ??= { error }),
      )
      .finally(() => {
        turns.waiting -= 1;
        turns.wake();
      });
  };

  /** Draws the next token of rows, [rows · V], and returns those that go on. */
  const sample = (rows: readonly RunningRow[], logits: Float32Array, drawRows?: DrawRows): RunningRow[] => {
    const drawn = sampler.sampleRows(
      logits,
      rows.map((row) => ({ history: () => [...row.before, ...row.tokens], random: row.random })),
      drawRows,
    );
    return rows.filter((row, i) => append(row, drawn[i]!));
  };

  /** @returns whether the row goes on */
  const append = (row: RunningRow, { token, logProb }: SampledToken): boolean => {
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
    if (!stopped && row.tokens.length < row.limit) return true;
    if (stopped && nextTurn) endTurn(row, nextTurn);
    else finish(row, stopped ? "stop" : "length");
    return false;
  };

  /** Gives rows whose turn has ended what follows, as many at once as are computed at once. */
  const resume = (): void => {
    const parts: (RowContinuation & { readonly next: Omit<RunningRow, "handle"> })[] = [];
    let tokens = 0;
    while (turns.continued.length > 0) {
      const { row, continuation } = turns.continued[0]!;
      const written = row.tokens.filter((id) => !placeholders.has(id));
      const before = Int32Array.from([...row.before, ...written, ...continuation.tokenIds]);
      if (parts.length > 0 && tokens + before.length > maxPrefillTokens) break;
      turns.continued.shift();
      const left =
        options.maxNewTokens - row.tokens.length - row.turns.reduce((n, turn) => n + turn.tokenIds.length, 0);
      const limit = Math.min(left, config.text.maxPositionEmbeddings - before.length);
      if (limit < 1) {
        finish(row, "length");
        continue;
      }
      tokens += before.length;
      // The newest token was never fed; what follows a placeholder was computed with it.
      const fed = row.tokens.length - 1;
      const clean = row.tokens.findIndex((id) => placeholders.has(id));
      const kept = clean < 0 ? fed : Math.min(fed, clean);
      parts.push({
        row: row.handle,
        drop: fed - kept,
        ids: Int32Array.from([...written.slice(kept), ...continuation.tokenIds]),
        pictures: continuation.pictures ?? [],
        next: {
          promptIndex: row.promptIndex,
          sampleIndex: row.sampleIndex,
          random: row.random,
          tokens: [],
          logProbs: [],
          before,
          limit,
          turns: [
            ...row.turns,
            { tokenIds: Int32Array.from(row.tokens), logProbs: Float32Array.from(row.logProbs), continuation },
          ],
        },
      });
    }
    if (parts.length === 0) return;
    const { handles, logits } = decoder.extend(parts);
    parts.forEach(({ row: old, next }, i) => {
      const row: RunningRow = { ...next, handle: decoder.addRow(handles[i]!) };
      decoder.releasePrompt(handles[i]!);
      decoder.removeRow(old);
      running.push(...sample([row], logits.subarray(i * vocabulary, (i + 1) * vocabulary)));
    });
  };

  const admit = (): void => {
    const batch: PromptInput[] = [];
    let tokens = 0;
    while (
      admitted + batch.length < prompts.length &&
      running.length + turns.waiting + turns.continued.length + (batch.length + 1) * n <= maxRows
    ) {
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
          before: batch[i]!.promptIds,
          limit: options.maxNewTokens,
          turns: [],
        };
        running.push(...sample([row], logits.subarray(i * vocabulary, (i + 1) * vocabulary)));
      }
      decoder.releasePrompt(handle);
    });
    admitted += batch.length;
  };

  try {
    const left = (): boolean =>
      admitted < prompts.length || running.length > 0 || turns.waiting > 0 || turns.continued.length > 0;
    while (left() && !options.signal?.aborted) {
      resume();
      admit();
      if (running.length > 0) {
        const logits = decoder.step(
          running.map(({ handle }) => handle),
          Int32Array.from(running, ({ tokens }) => tokens[tokens.length - 1]!),
        );
        running = sample(running, logits, decoder.draw);
      }
      while (finished.length > 0) yield finished.shift()!;
      await eventLoopTurn();
      if (turns.failure) throw (turns.failure as { error: unknown }).error;
      if (running.length === 0 && turns.continued.length === 0 && turns.waiting > 0 && admitted === prompts.length)
        await new Promise<void>((resolve) => (turns.wake = resolve));
    }
    while (finished.length > 0) yield finished.shift()!;
  } finally {
    ended = true;
    options.signal?.removeEventListener("abort", wake);
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
  const wanted = memory.threadsFor(options.threads, 2 * parameters * rows * options.maxNewTokens);
  const threads = Math.min(wanted, Math.ceil(Math.min(rows, maxRows) / TILE_ROWS));
  const decode = (kernels: StepKernels): KernelDecoder => new KernelDecoder(kernels, weights, config, vision);
  if (shared && threads === 1) return closing(decode(new WasmStepKernels(shared, weights, config)));
  const together = Math.min(rows, maxRows);
  const decodingSize = {
    parameters,
    halves,
    halfEmbedding: weights.matrix("model.embed_tokens.weight") instanceof Bfloat16Matrix,
    rows: together,
    // A row that goes on has a copy of its prompt and of all turns before.
    promptTokens: options.nextTurn
      ? together * (longestTogether(prompts, 1) + options.maxNewTokens + (options.maxShownTokens ?? 1024))
      : longestTogether(prompts, Math.ceil(together / (options.n ?? 1))),
    maxNewTokens: options.maxNewTokens,
  };
  const addon = decodeAddon();
  const means = { onGpu: computesOnGpu(), hasAddon: addon !== undefined };
  const path = shared ? "wasm" : chooseDecoder(decodeWith ?? "auto", config.text, decodingSize, means);
  if (path === "native") return closing(decode(new NativeStepKernels(addon!, weights, config, { threads: wanted })));
  const place = path === "wasm" ? memory.acquire(threads) : undefined;
  if (!place) return closing(new TensorDecoder(weights, config, vision));
  try {
    const kernels = new WasmStepKernels(place.memory, weights, config, place.threads);
    return closing(decode(kernels), () => memory.release());
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
