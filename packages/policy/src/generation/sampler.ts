/** Draws a token from a row of logits. */
import {
  banRepeatedNgrams,
  banTokens,
  keepMinP,
  keepTopK,
  keepTopP,
  penalizeRepetition,
  scaleByTemperature,
} from "./logits-processors";

/** What shapes the distribution; absent or neutral values switch a step off. */
export interface SamplingParameters {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly noRepeatNgramSize: number;
  readonly bannedTokenIds: readonly number[];
}

export interface SampledToken {
  readonly token: number;
  /** log p of the token at this temperature over the whole vocabulary, before penalties and filters. */
  readonly logProb: number;
}

/** What a row's next token depends on beside its logits. */
export interface SampledRow {
  /** Prompt and completion so far, for the penalties. */
  readonly history: () => readonly number[];
  /** A uniform number in [0, 1); not called when the temperature is 0. */
  readonly random: () => number;
}

/**
 * Draws a token for each row, with weights exp((x - largest) · scale).
 *
 * @param logits [rows, V]
 * @param uniforms [rows], in [0, 1); below 0 takes the token with the largest logit
 * @returns [rows, 3]: the token, the row's largest logit, and the total of its weights
 */
export type DrawRows = (logits: Float32Array, scale: number, uniforms: Float64Array) => Float64Array;

/** Draws tokens; one per generation, since it owns the memory that it computes in. */
export class TokenSampler {
  #buffer = new Float64Array(0);

  constructor(readonly parameters: SamplingParameters) {}

  /**
   * A token for each row, as `sample` draws them.
   *
   * @param logits the model's, [rows, V]; left as they are
   * @param drawRows computes faster what `sample` would. It rounds differently: a log-probability may differ in the last
   *   digit of a float64, and a token where the uniform number lies that close to the border between two
   */
  sampleRows(logits: Float32Array, rows: readonly SampledRow[], drawRows?: DrawRows): SampledToken[] {
    const vocabulary = logits.length / rows.length;
    const own = (i: number): Float32Array => logits.subarray(i * vocabulary, (i + 1) * vocabulary);
    if (!drawRows) return rows.map((row, i) => this.sample(own(i), row));
    const scale = this.#scale;
    const [shapes, bans] = [this.#shapes(vocabulary), this.#bansOnly(vocabulary)];
    const drawsHere = bans || (!shapes && this.parameters.temperature > 0);
    const banned = bans ? [...new Set(this.parameters.bannedTokenIds)] : [];
    const hidden = rows.map((_, i) => banned.map((token) => own(i)[token]!));
    const setBanned = (value: (row: number, place: number) => number): void =>
      rows.forEach((_, i) => banned.forEach((token, k) => (own(i)[token] = value(i, k))));
    setBanned(() => -Infinity);
    const drawn = drawRows(
      logits,
      scale,
      Float64Array.from(rows, ({ random }) => (drawsHere ? random() : -1)),
    );
    setBanned((i, k) => hidden[i]![k]!);
    return rows.map((row, i) => {
      const [first, most, rest] = drawn.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
      const token = shapes && !bans ? this.#sampleShaped(own(i), row) : first;
      const total = hidden[i]!.reduce((sum, logit) => sum + Math.exp((logit - most) * scale), rest);
      return { token, logProb: own(i)[token]! * scale - (most * scale + Math.log(total)) };
    });
  }

  /** @param logits the model's, [V]; left as they are */
  sample(logits: Float32Array, row: SampledRow): SampledToken {
    const scale = this.#scale;
    const whole = this.#exponentials(logits, scale);
    const logTotal = whole.most * scale + Math.log(whole.total);
    const token = this.#tokenOf(logits, whole, row);
    return { token, logProb: logits[token]! * scale - logTotal };
  }

  #tokenOf(logits: Float32Array, whole: Exponentials, row: SampledRow): number {
    const { temperature, bannedTokenIds } = this.parameters;
    const remaining = this.#bansOnly(logits.length) ? withoutTokens(whole, bannedTokenIds) : undefined;
    if (remaining) return draw(remaining, row.random());
    if (this.#shapes(logits.length)) return this.#sampleShaped(logits, row);
    return temperature === 0 ? largest(logits) : draw(whole, row.random());
  }

  #sampleShaped(logits: Float32Array, { history, random }: SampledRow): number {
    const shaped = shapeLogits(logits, history, this.parameters);
    return this.parameters.temperature === 0 ? largest(shaped) : draw(this.#exponentials(shaped, 1), random());
  }

  /** Whether tokens are drawn from other logits than the model's. */
  #shapes(vocabulary: number): boolean {
    return this.#filters(vocabulary) || this.parameters.bannedTokenIds.length > 0;
  }

  /** Whether banned tokens are all that differs from the model's distribution. */
  #bansOnly(vocabulary: number): boolean {
    const { temperature, bannedTokenIds } = this.parameters;
    return bannedTokenIds.length > 0 && temperature === 1 && !this.#filters(vocabulary);
  }

  #filters(vocabulary: number): boolean {
    const { topK, topP, minP, repetitionPenalty, noRepeatNgramSize } = this.parameters;
    return (topK > 0 && topK < vocabulary) || topP < 1 || minP > 0 || repetitionPenalty !== 1 || noRepeatNgramSize > 0;
  }

  get #scale(): number {
    return this.parameters.temperature === 0 ? 1 : 1 / this.parameters.temperature;
  }

  #exponentials(logits: Float32Array, scale: number): Exponentials {
    const count = logits.length;
    if (this.#buffer.length < count) this.#buffer = new Float64Array(count);
    const weights = this.#buffer;
    let most = -Infinity;
    for (let i = 0; i < count; i++) if (logits[i]! > most) most = logits[i]!;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i] = Math.exp((logits[i]! - most) * scale);
    return { weights, count, most, total };
  }
}

/** The logits after all steps, as a copy where a step changes them. */
export function shapeLogits(
  logits: Float32Array,
  history: () => readonly number[],
  parameters: SamplingParameters,
): Float32Array {
  const { temperature, topK, topP, minP, repetitionPenalty, noRepeatNgramSize, bannedTokenIds } = parameters;
  const out = logits.slice();
  if (repetitionPenalty !== 1) penalizeRepetition(out, history(), repetitionPenalty);
  if (noRepeatNgramSize > 0) banRepeatedNgrams(out, history(), noRepeatNgramSize);
  banTokens(out, bannedTokenIds);
  if (temperature === 0) return out;
  if (temperature !== 1) scaleByTemperature(out, temperature);
  if (topK > 0 && topK < out.length) keepTopK(out, topK);
  if (topP < 1) keepTopP(out, topP);
  if (minP > 0) keepMinP(out, minP);
  return out;
}

function largest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

interface Exponentials {
  /** exp((x - most) · scale); valid until the next call. */
  readonly weights: Float64Array;
  readonly count: number;
  readonly most: number;
  readonly total: number;
}

/**
 * The same without some tokens, to the bit what `#exponentials` gives of logits without them, and in place. Undefined if
 * the most probable token is among them: the others' exponentials then start from another number.
 */
function withoutTokens({ weights, count, most }: Exponentials, tokens: readonly number[]): Exponentials | undefined {
  if (tokens.some((token) => weights[token] === 1)) return undefined;
  for (const token of tokens) weights[token] = 0;
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i]!;
  return { weights, count, most, total };
}

/** Inverts the cumulative distribution, tokens in order of their ids. */
function draw({ weights, count, total }: Exponentials, uniform: number): number {
  let rest = uniform * total;
  let last = 0;
  for (let i = 0; i < count; i++) {
    if (weights[i] === 0) continue;
    last = i;
    rest -= weights[i]!;
    if (rest < 0) break;
  }
  return last;
}
