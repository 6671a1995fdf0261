/** Draws one token from a row of logits. */
import { banRepeatedNgrams, banTokens, keepMinP, keepTopK, keepTopP, penaliseRepetition, scaleByTemperature } from "./logits-processors";

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
export function sampleToken(logits: Float32Array, history: () => readonly number[], parameters: SamplingParameters, random: () => number): SampledToken {
  const { temperature } = parameters;
  const shaped = shapeLogits(logits, history, parameters);
  const token = temperature === 0 ? largest(shaped) : draw(shaped, random());
  const scale = temperature === 0 ? 1 : 1 / temperature;
  return { token, logProb: logits[token]! * scale - logSumExp(logits, scale) };
}

/** The logits after all steps, as a copy where a step changes them. */
export function shapeLogits(logits: Float32Array, history: () => readonly number[], parameters: SamplingParameters): Float32Array {
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

/** Inverts the cumulative distribution, tokens in order of their ids. */
function draw(logits: Float32Array, uniform: number): number {
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > most) most = logits[i]!;
  const weights = new Float64Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += weights[i] = Math.exp(logits[i]! - most);
  let rest = uniform * sum;
  let last = 0;
  for (let i = 0; i < logits.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    rest -= weights[i]!;
    if (rest < 0) break;
  }
  return last;
}

function logSumExp(logits: Float32Array, scale: number): number {
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > most) most = logits[i]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i]! - most) * scale);
  return most * scale + Math.log(sum);
}
