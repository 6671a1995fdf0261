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

/** Draws tokens; one per generation, since it owns the memory that it computes in. */
export class TokenSampler {
  #buffer = new Float64Array(0);

  constructor(readonly parameters: SamplingParameters) {}

  /**
   * @param logits the model's, [V]; left as they are
   * @param history prompt and completion so far, for the penalties
   * @param random a uniform number in [0, 1); not called when the temperature is 0
   */
  sample(logits: Float32Array, history: () => readonly number[], random: () => number): SampledToken {
    const { temperature, topK, topP, minP, repetitionPenalty, noRepeatNgramSize, bannedTokenIds } = this.parameters;
    const scale = temperature === 0 ? 1 : 1 / temperature;
    const whole = this.#exponentials(logits, scale);
    const logTotal = whole.most * scale + Math.log(whole.total);
    const shapes =
      (topK > 0 && topK < logits.length) || topP < 1 || minP > 0 || repetitionPenalty !== 1 || noRepeatNgramSize > 0;
    const bans = bannedTokenIds.length > 0;
    const logProb = (token: number): number => logits[token]! * scale - logTotal;
    const remaining = bans && !shapes && temperature === 1 ? withoutTokens(whole, bannedTokenIds) : undefined;
    if (remaining) {
      const token = draw(remaining, random());
      return { token, logProb: logProb(token) };
    }
    const filtered = shapes || bans;
    const shaped = filtered ? shapeLogits(logits, history, this.parameters) : logits;
    let token: number;
    if (temperature === 0) token = largest(shaped);
    else token = draw(filtered ? this.#exponentials(shaped, 1) : whole, random());
    return { token, logProb: logProb(token) };
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
