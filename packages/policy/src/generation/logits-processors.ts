/**
 * Steps between logits and the distribution that is sampled from, each as transformers 5.23 computes it and in the
 * order in which its `generate` applies them: repetition penalty, n-gram ban, banned tokens, temperature, top-k, top-p,
 * min-p. A removed token has the logit -Infinity. All of them change `logits` in place.
 *
 * Of tokens with equal probability at a limit, transformers keeps whatever its unstable sort puts first; here the one
 * with the lower id stays.
 */

/**
 * Divides positive and multiplies negative logits of tokens that occurred, once each, by `penalty` (arXiv 1909.05858).
 */
export function penalizeRepetition(logits: Float32Array, occurred: Iterable<number>, penalty: number): void {
  for (const token of new Set(occurred)) {
    const value = logits[token]!;
    logits[token] = value < 0 ? value * penalty : value / penalty;
  }
}

/** Removes every token that would repeat an n-gram of `tokens`. */
export function banRepeatedNgrams(logits: Float32Array, tokens: ArrayLike<number>, size: number): void {
  const tail = tokens.length - size + 1;
  for (let start = 0; start + size <= tokens.length; start++) {
    let same = true;
    for (let i = 0; i < size - 1 && same; i++) same = tokens[start + i] === tokens[tail + i];
    if (same) logits[tokens[start + size - 1]!] = -Infinity;
  }
}

/** Removes tokens by id. */
export function banTokens(logits: Float32Array, banned: Iterable<number>): void {
  for (const token of banned) logits[token] = -Infinity;
}

/** Divides by the temperature. */
export function scaleByTemperature(logits: Float32Array, temperature: number): void {
  for (let i = 0; i < logits.length; i++) logits[i] = logits[i]! / temperature;
}

/** Keeps the k largest logits, and those that equal the smallest of them. */
export function keepTopK(logits: Float32Array, k: number, least = 1): void {
  const count = Math.min(Math.max(k, least), logits.length);
  const limit = Float32Array.from(logits).sort()[logits.length - count]!;
  for (let i = 0; i < logits.length; i++) if (logits[i]! < limit) logits[i] = -Infinity;
}

/** Keeps the most probable tokens up to the first that brings their sum to `p` (nucleus sampling, arXiv 1904.09751). */
export function keepTopP(logits: Float32Array, p: number, least = 1): void {
  const probabilities = softmax(logits);
  const order = idsByLogit(logits);
  let below = 0;
  for (let i = 0; i < order.length - least; i++) {
    below += probabilities[order[i]!]!;
    if (below > 1 - p) break;
    logits[order[i]!] = -Infinity;
  }
}

/** Removes tokens less probable than `p` times the most probable one (arXiv 2407.01082); the `least` largest stay. */
export function keepMinP(logits: Float32Array, p: number, least = 1): void {
  const probabilities = softmax(logits);
  const limit = p * probabilities.reduce((most, value) => Math.max(most, value), 0);
  const stay = least > 1 ? new Set(idsByLogit(logits).subarray(-least)) : undefined;
  for (let i = 0; i < logits.length; i++) if (probabilities[i]! < limit && !stay?.has(i)) logits[i] = -Infinity;
}

/** Most ids that `idsByLogit` tells apart; a float64 holds 32 bits of a logit beside 21 of an id. */
const IDS = 2 ** 21;

/**
 * All ids, the smallest logit first; of equal ones the higher id first. Each logit and its id become one number, since
 * numbers sort many times as fast as a comparison by a function: a vocabulary is sorted for each token of each row.
 */
function idsByLogit(logits: Float32Array): Int32Array {
  const last = logits.length - 1;
  if (last >= IDS) throw new RangeError(`A vocabulary of at most ${IDS} tokens can be sorted, not ${logits.length}`);
  // + 0 makes -0 the 0 that it equals.
  const values = new Float32Array(logits.length);
  for (let id = 0; id <= last; id++) values[id] = logits[id]! + 0;
  const bits = new Uint32Array(values.buffer);
  const keys = new Float64Array(logits.length);
  for (let id = 0; id <= last; id++) {
    const word = bits[id]!;
    // Floats sort as unsigned numbers once the sign is turned, and below zero all other bits too.
    const rank = (word & 0x80000000 ? ~word : word | 0x80000000) >>> 0;
    keys[id] = rank * IDS + (last - id);
  }
  keys.sort();
  const ids = new Int32Array(logits.length);
  for (let at = 0; at <= last; at++) ids[at] = last - (keys[at]! % IDS);
  return ids;
}

/** exp(x - max) / Σ, float64 inside. */
export function softmax(logits: Float32Array): Float64Array {
  const out = new Float64Array(logits.length);
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += out[i] = Math.exp(logits[i]! - most);
  for (let i = 0; i < logits.length; i++) out[i] = out[i]! / sum;
  return out;
}
