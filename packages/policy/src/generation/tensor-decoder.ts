/**
 * Decoding by TensorFlow.js ops, for every backend but wasm. Keys and values lie padded in [rows, kv heads, length, d],
 * one pair per layer, in the order in which rows were added; a removed row's place is squeezed out before the next
 * step.
 *
 * Tensors can't grow in place, so a step appends to a copy. The newest tokens lie apart from the others, and only they
 * are copied; each time there are `RECENT` of them, they move to the others. Attention runs over both parts.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { VlmConfig } from "../config/model-config";
import { gatherRows } from "../kernels/gather-rows";
import { linear } from "../kernels/linear";
import { rmsNorm } from "../kernels/rms-norm";
import { rotate } from "../kernels/rotary";
import { rotaryTensors } from "../kernels/rotary-values";
import { swiglu } from "../kernels/swiglu";
import { takeValues } from "../kernels/take-values";
import type { FeatureSource } from "../model/feature-source";
import { headWeight, languageModel, projectQkv } from "../model/language-model";
import type { ModelWeights } from "../weights/model-weights";
import { mropePositions } from "../model/mrope-positions";
import { continuedPositions, packContinuations, packTrees } from "../model/packed-batch";
import type { PromptInput } from "../model/tokenized-rollout";
import { textRotary } from "../model/text-rotary";
import { computesOnGpu } from "./choose-decoder";
import type { Decoder, PromptHandle, RowContinuation, RowHandle } from "./decoder";

const HIDDEN = -1e9;
/** Tokens that lie apart: a step copies half as many of them on average, and 1 / 64 of all others. */
const RECENT = 64;

/** Rotated keys and values of a prompt, one [length, kv heads · d] pair per layer. */
interface PromptCache {
  readonly keys: tf.Tensor2D[];
  readonly values: tf.Tensor2D[];
  readonly length: number;
  /** The position of the token that follows. */
  readonly next: number;
}

interface Row {
  readonly handle: RowHandle;
  readonly prompt: PromptCache;
  /** Tokens fed so far. */
  count: number;
  /** Keys and values with the prompt's, one [length, kv heads · d] pair per layer, while others are decoded without it. */
  apart?: { readonly keys: tf.Tensor2D[]; readonly values: tf.Tensor2D[] };
}

export class TensorDecoder implements Decoder {
  readonly #prompts = new Map<PromptHandle, PromptCache>();
  /** Rows of the cache in its order; new ones are appended at the next step. */
  #cached: Row[] = [];
  readonly #rows = new Map<RowHandle, Row>();
  /** [rows, kv heads, length, d] per layer; rows are padded on the left, so that all end at the same place. */
  #keys: tf.Tensor4D[] = [];
  #values: tf.Tensor4D[] = [];
  /** What follows these, fewer than `RECENT` tokens; empty where nothing does. */
  #recentKeys: tf.Tensor4D[] = [];
  #recentValues: tf.Tensor4D[] = [];
  #nextHandle = 0;

  constructor(
    readonly weights: ModelWeights,
    readonly config: VlmConfig,
    readonly vision: FeatureSource,
  ) {}

  prefill(prompts: readonly PromptInput[]): { handles: PromptHandle[]; logits: Float32Array } {
    const { text } = this.config;
    const tokens = packTrees(
      prompts.map((prompt) => ({ prompt, branches: [] })),
      this.config,
    );
    const select = Int32Array.from(tokens.trees, ({ start, promptLength }) => start + promptLength - 1);
    const caches = prompts.map((prompt): PromptCache => ({
      keys: [],
      values: [],
      length: prompt.promptIds.length,
      next: mropePositions(prompt, this.config).next,
    }));
    // Registered before they are filled: if a layer fails, `dispose` frees what the layers before it kept.
    const handles = caches.map((cache) => {
      this.#prompts.set(this.#nextHandle, cache);
      return this.#nextHandle++;
    });
    const logits = tf.tidy(() => {
      const features =
        tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      const hidden = languageModel(tokens, features, this.weights, text, {
        select,
        onQkv: (_layer, qkv, rotary) => {
          const width = text.headDim * text.numKeyValueHeads;
          const own = text.headDim * text.numHeads;
          const keys = rotate(tf.slice2d(qkv, [0, own], [-1, width]), rotary, text.headDim);
          const values = tf.slice2d(qkv, [0, own + width], [-1, width]);
          tokens.trees.forEach(({ start, promptLength }, i) => {
            caches[i]!.keys.push(tf.keep(tf.slice2d(keys, [start, 0], [promptLength, width])));
            caches[i]!.values.push(tf.keep(tf.slice2d(values, [start, 0], [promptLength, width])));
          });
        },
      });
      return linear(hidden, [headWeight(this.weights)], [null]);
    });
    return { handles, logits: takeValues(logits) };
  }

  extend(parts: readonly RowContinuation[]): { handles: PromptHandle[]; logits: Float32Array } {
    this.#joinRecent();
    const { text } = this.config;
    const rows = parts.map(({ row }) => this.#rows.get(row)!);
    const lengths = parts.map(({ drop }, i) => rows[i]!.prompt.length + rows[i]!.count - drop);
    const nexts = parts.map(({ drop }, i) => rows[i]!.prompt.next + rows[i]!.count - drop);
    const tokens = packContinuations(
      parts.map(({ ids, pictures }, i) => ({ ids, pictures, past: lengths[i]!, next: nexts[i]! })),
      this.config,
    );
    const caches = parts.map(({ ids, pictures }, i): PromptCache => ({
      keys: [],
      values: [],
      length: lengths[i]! + ids.length,
      next: continuedPositions(ids, pictures, nexts[i]!, this.config).next,
    }));
    const handles = caches.map((cache) => {
      this.#prompts.set(this.#nextHandle, cache);
      return this.#nextHandle++;
    });
    const before = lengths.reduce((sum, length) => sum + length, 0);
    const logits = tf.tidy(() => {
      const features =
        tokens.visuals.length > 0 ? this.vision.features(tokens.visuals.map(({ input }) => input)) : undefined;
      const hidden = languageModel(tokens, features, this.weights, text, {
        select: Int32Array.from(tokens.trees, ({ start, promptLength }) => start + promptLength - 1),
        past: (layer) => this.#past(layer, rows, lengths),
        onQkv: (_layer, qkv, rotary) => {
          const width = text.headDim * text.numKeyValueHeads;
          const own = text.headDim * text.numHeads;
          const keys = rotate(tf.slice2d(qkv, [0, own], [-1, width]), rotary, text.headDim);
          const values = tf.slice2d(qkv, [0, own + width], [-1, width]);
          let start = 0;
          tokens.trees.forEach(({ start: first, promptLength }, i) => {
            const whole = (all: tf.Tensor2D): tf.Tensor2D =>
              tf.keep(
                tf.concat2d(
                  [
                    tf.slice2d(all, [start, 0], [lengths[i]!, width]),
                    tf.slice2d(all, [before + first, 0], [promptLength, width]),
                  ],
                  0,
                ),
              );
            caches[i]!.keys.push(whole(keys));
            caches[i]!.values.push(whole(values));
            start += lengths[i]!;
          });
        },
      });
      return linear(hidden, [headWeight(this.weights)], [null]);
    });
    return { handles, logits: takeValues(logits) };
  }

  addRow(prompt: PromptHandle): RowHandle {
    const handle = this.#nextHandle++;
    this.#rows.set(handle, { handle, prompt: this.#prompts.get(prompt)!, count: 0 });
    return handle;
  }

  removeRow(row: RowHandle): void {
    const { prompt, apart } = this.#rows.get(row)!;
    this.#rows.delete(row);
    if (apart) tf.dispose([...apart.keys, ...apart.values]);
    this.#freeUnused(prompt);
  }

  releasePrompt(prompt: PromptHandle): void {
    const cache = this.#prompts.get(prompt)!;
    this.#prompts.delete(prompt);
    this.#freeUnused(cache);
  }

  step(handles: readonly RowHandle[], tokens: Int32Array): Float32Array {
    const rows = handles.map((handle) => this.#rows.get(handle)!);
    this.#arrange(rows);
    const { text } = this.config;
    const { numHeads, numKeyValueHeads, headDim } = text;
    const count = rows.length;
    const settled = this.#keys[0]!.shape[2];
    const newest = 1 + (this.#recentKeys[0]?.shape[2] ?? 0);
    const length = settled + newest;
    const positions = Int32Array.from({ length: 3 * count }, (_, i) => {
      const row = rows[i % count]!;
      return row.prompt.next + row.count;
    });
    // Padding is on the left.
    const mask = new Float32Array(count * length);
    rows.forEach((row, i) => mask.fill(HIDDEN, i * length, (i + 1) * length - 1 - row.prompt.length - row.count));

    const products = { weightFirst: count > 1 && !computesOnGpu() };
    const { logits, keys, values } = tf.tidy(() => {
      const rotary = rotaryTensors(textRotary(positions, text));
      const hiddenMask = tf.tensor(mask, [count, 1, 1, length]);
      const keys: tf.Tensor4D[] = [];
      const values: tf.Tensor4D[] = [];
      let hidden = gatherRows(this.weights.matrix("model.embed_tokens.weight"), tokens);
      for (let i = 0; i < text.numLayers; i++) {
        const name = `model.layers.${i}`;
        const normal = rmsNorm(hidden, this.weights.vector(`${name}.input_layernorm.weight`), text.rmsNormEps);
        const qkv = projectQkv(normal, i, this.weights, text, products);
        const turned = rotate(tf.slice2d(qkv, [0, 0], [-1, (numHeads + numKeyValueHeads) * headDim]), rotary, headDim);
        const append = (recent: tf.Tensor4D | undefined, projected: tf.Tensor2D, from: number): tf.Tensor4D => {
          const last = tf.reshape(tf.slice2d(projected, [0, from], [-1, -1]), [count, numKeyValueHeads, 1, headDim]);
          return recent ? tf.concat4d([recent, last as tf.Tensor4D], 2) : (last as tf.Tensor4D);
        };
        const recentKeys = append(this.#recentKeys[i], turned, numHeads * headDim);
        const recentValues = append(this.#recentValues[i], qkv, (numHeads + numKeyValueHeads) * headDim);
        const queries = tf.reshape(tf.slice2d(turned, [0, 0], [-1, numHeads * headDim]), [
          count,
          numKeyValueHeads,
          numHeads / numKeyValueHeads,
          headDim,
        ]);
        // The few queries are transposed, not the keys: TensorFlow takes a third of the time on the CPU.
        const both = [this.#keys[i]!, recentKeys].map((keys) => tf.matMul(keys, queries, false, true));
        const scores = tf.add(
          tf.mul(tf.transpose(tf.concat(both, 2), [0, 1, 3, 2]), 1 / Math.sqrt(headDim)),
          hiddenMask,
        );
        const [before, now] = tf.split(tf.softmax(scores), [settled, newest], 3);
        const attended = tf.reshape(tf.add(tf.matMul(before!, this.#values[i]!), tf.matMul(now!, recentValues)), [
          count,
          numHeads * headDim,
        ]) as tf.Tensor2D;
        hidden = tf.add(hidden, this.weights.project(attended, [`${name}.self_attn.o_proj`], products));
        const inner = rmsNorm(hidden, this.weights.vector(`${name}.post_attention_layernorm.weight`), text.rmsNormEps);
        hidden = tf.add(
          hidden,
          this.weights.project(
            swiglu(this.weights.project(inner, [`${name}.mlp.gate_proj`, `${name}.mlp.up_proj`], products)),
            [`${name}.mlp.down_proj`],
            products,
          ),
        );
        keys.push(recentKeys);
        values.push(recentValues);
      }
      const final = rmsNorm(hidden, this.weights.vector("model.norm.weight"), text.rmsNormEps);
      return { logits: linear(final, [headWeight(this.weights)], [null], products), keys, values };
    });
    tf.dispose([...this.#recentKeys, ...this.#recentValues]);
    this.#recentKeys = keys.map((tensor) => tf.keep(tensor));
    this.#recentValues = values.map((tensor) => tf.keep(tensor));
    for (const row of rows) row.count++;
    const read = takeValues(logits);
    if (newest === RECENT) this.#joinRecent();
    return read;
  }

  dispose(): void {
    tf.dispose([...this.#keys, ...this.#values, ...this.#recentKeys, ...this.#recentValues]);
    const rows = [...this.#rows.values()];
    const caches = new Set([
      ...this.#prompts.values(),
      ...rows.flatMap(({ prompt, apart }) => [prompt, apart ?? []].flat()),
    ]);
    for (const { keys, values } of caches) tf.dispose([...keys, ...values]);
    this.#prompts.clear();
    this.#rows.clear();
    this.#cached = [];
    this.#keys = [];
    this.#values = [];
    this.#recentKeys = [];
    this.#recentValues = [];
  }

  /** Moves the newest tokens to those before them, a layer at a time. */
  #joinRecent(): void {
    for (const [all, recent] of [
      [this.#keys, this.#recentKeys],
      [this.#values, this.#recentValues],
    ] as const)
      for (let i = recent.length - 1; i >= 0; i--) {
        const parts = [all[i]!, recent[i]!];
        all[i] = tf.keep(tf.concat4d(parts, 2));
        recent.pop();
        tf.dispose(parts);
      }
  }

  /** Keys and values of rows in one layer, with their prompts', as rows of q, k, v without queries. */
  #past(layer: number, rows: readonly Row[], lengths: readonly number[]): tf.Tensor2D {
    const { numHeads, numKeyValueHeads, headDim } = this.config.text;
    const width = numKeyValueHeads * headDim;
    return tf.concat2d(
      rows.map((row, i) => {
        const length = lengths[i]!;
        // Before its first step a row has only its prompt's.
        const [keys, values] = row.apart
          ? [row.apart.keys[layer]!, row.apart.values[layer]!]
          : this.#cached.includes(row)
            ? [this.#cachedRows(this.#keys[layer]!, row), this.#cachedRows(this.#values[layer]!, row)]
            : [row.prompt.keys[layer]!, row.prompt.values[layer]!];
        const kept = [keys, values].map((all) => tf.slice2d(all, [0, 0], [length, width]));
        return tf.concat2d([tf.zeros([length, numHeads * headDim]), ...kept], 1);
      }),
      0,
    );
  }

  /** What the cache has of one of its rows, [1, kv heads, padded, d] → [prompt and fed tokens, kv heads · d]. */
  #cachedRows(cache: tf.Tensor4D, row: Row): tf.Tensor2D {
    const { numKeyValueHeads: heads, headDim } = this.config.text;
    const length = row.prompt.length + row.count;
    const own = tf.slice4d(
      cache,
      [this.#cached.indexOf(row), 0, cache.shape[2] - length, 0],
      [1, heads, length, headDim],
    );
    return tf.reshape(tf.transpose(own, [0, 2, 1, 3]), [length, heads * headDim]);
  }

  #freeUnused(cache: PromptCache): void {
    if ([...this.#prompts.values()].includes(cache) || [...this.#rows.values()].some(({ prompt }) => prompt === cache))
      return;
    tf.dispose([...cache.keys, ...cache.values]);
  }

  /** Gives the cache these rows in this order: drops, moves, appends new ones, cuts what is padding for all. */
  #arrange(rows: readonly Row[]): void {
    const known = new Map(this.#cached.map((row, i) => [row, i]));
    if (rows.length === this.#cached.length && rows.every((row, i) => this.#cached[i] === row)) return;
    this.#joinRecent();
    const { numKeyValueHeads: heads, headDim, numLayers } = this.config.text;
    // Rows that wait for their continuation keep what they have.
    for (const row of this.#cached) {
      if (rows.includes(row) || this.#rows.get(row.handle) !== row) continue;
      const apart = (caches: readonly tf.Tensor4D[]): tf.Tensor2D[] =>
        caches.map((cache) => tf.tidy(() => tf.keep(this.#cachedRows(cache, row))));
      row.apart = { keys: apart(this.#keys), values: apart(this.#values) };
    }
    const length = Math.max(...rows.map((row) => row.prompt.length + row.count));
    const old = rows.filter((row) => known.has(row));
    const fresh = rows.filter((row) => !known.has(row));
    const order = [...old, ...fresh];
    const place = rows.map((row) => order.indexOf(row));
    const rebuild = (current: tf.Tensor4D | undefined, of: (row: Row) => tf.Tensor2D): tf.Tensor4D =>
      tf.tidy(() => {
        const parts: tf.Tensor4D[] = [];
        if (current && old.length > 0) {
          const kept = tf.gather(
            current,
            tf.tensor1d(
              old.map((row) => known.get(row)!),
              "int32",
            ),
          ) as tf.Tensor4D;
          const surplus = kept.shape[2] - length;
          parts.push(
            surplus >= 0
              ? tf.slice4d(kept, [0, 0, surplus, 0], [-1, -1, -1, -1])
              : (tf.pad(kept, [
                  [0, 0],
                  [0, 0],
                  [-surplus, 0],
                  [0, 0],
                ]) as tf.Tensor4D),
          );
        }
        const made = new Map<tf.Tensor2D, tf.Tensor4D>();
        for (const row of fresh) {
          const source = of(row);
          let spread = made.get(source);
          if (!spread) {
            const byHead = tf.transpose(tf.reshape(source, [1, row.prompt.length, heads, headDim]), [0, 2, 1, 3]);
            made.set(
              source,
              (spread = tf.pad(byHead, [
                [0, 0],
                [0, 0],
                [length - row.prompt.length, 0],
                [0, 0],
              ]) as tf.Tensor4D),
            );
          }
          parts.push(spread);
        }
        const joined = parts.length === 1 ? parts[0]! : tf.concat4d(parts, 0);
        return place.every((at, i) => at === i)
          ? tf.clone(joined)
          : (tf.gather(joined, tf.tensor1d(place, "int32")) as tf.Tensor4D);
      });
    for (let i = 0; i < numLayers; i++) {
      for (const [list, pick] of [
        [this.#keys, (row: Row) => row.prompt.keys[i]!],
        [this.#values, (row: Row) => row.prompt.values[i]!],
      ] as const) {
        const next = rebuild(list[i], pick);
        list[i]?.dispose();
        list[i] = next;
      }
    }
    this.#cached = [...rows];
  }
}
