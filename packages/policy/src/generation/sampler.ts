/** Draws one token from a row of logits. */
import {
  banRepeatedNgrams,
  banTokens,
  keepMinP,
  keepTopK,
  keepTopP,
  penaliseRepetition,
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

/**
 * @param logits the model's, [V]; left as they are
 * @param history prompt and completion so far, for the penalties
 * @param random a uniform number in [0, 1); not asked for when the temperature is 0
 */
export function sampleToken(
  logits: Float32Array,
  history: () => readonly number[],
  parameters: SamplingParameters,
  random: () => number,
): SampledToken {
  const { temperature, topK, topP, minP, repetitionPenalty, noRepeatNgramSize, bannedTokenIds } = parameters;
  const scale = temperature === 0 ? 1 : 1 / temperature;
  const whole = exponentials(logits, scale);
  const logTotal = whole.most * scale + Math.log(whole.total);
  const filtered =
    (topK > 0 && topK < logits.length) ||
    topP < 1 ||
    minP > 0 ||
    repetitionPenalty !== 1 ||
    noRepeatNgramSize > 0 ||
    bannedTokenIds.length > 0;
  let token: number;
  if (temperature === 0) token = largest(filtered ? shapeLogits(logits, history, parameters) : logits);
  else if (!filtered) token = draw(whole, random());
  else token = draw(exponentials(shapeLogits(logits, history, parameters), 1), random());
  return { token, logProb: logits[token]! * scale - logTotal };
}

/** The logits after all steps, as a copy where a step changes them. */
export function shapeLogits(
  logits: Float32Array,
  history: () => readonly number[],
  parameters: SamplingParameters,
): Float32Array {
  const { temperature, topK, topP, minP, repetitionPenalty, noRepeatNgramSize, bannedTokenIds } = parameters;
  const out = logits.slice();
  if (repetitionPenalty !== 1) penaliseRepetition(out, history(), repetitionPenalty);
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
  /** exp((x - most) · scale); the buffer is used again by the next call. */
  readonly weights: Float64Array;
  readonly count: number;
  readonly most: number;
  readonly total: number;
}

let buffer = new Float64Array(0);

function exponentials(logits: Float32Array, scale: number): Exponentials {
  const count = logits.length;
  if (buffer.length < count) buffer = new Float64Array(count);
  let most = -Infinity;
  for (let i = 0; i < count; i++) if (logits[i]! > most) most = logits[i]!;
  let total = 0;
  for (let i = 0; i < count; i++) total += buffer[i] = Math.exp((logits[i]! - most) * scale);
  return { weights: buffer, count, most, total };
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
