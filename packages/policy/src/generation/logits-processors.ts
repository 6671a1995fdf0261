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
  const limit = valueAt(logits, logits.length - count);
  for (let i = 0; i < logits.length; i++) if (logits[i]! < limit) logits[i] = -Infinity;
}

/** Keeps the most probable tokens up to the first that brings their sum to `p` (nucleus sampling, arXiv 1904.09751). */
export function keepTopP(logits: Float32Array, p: number, least = 1): void {
  const probabilities = softmax(logits);
  if (least === 1 && removeBelow(logits, probabilities, 1 - p)) return;
  const order = idsByLogit(logits);
  let below = 0;
  for (let i = 0; i < order.length - least; i++) {
    below += probabilities[order[i]!]!;
    if (below > 1 - p) break;
    logits[order[i]!] = -Infinity;
  }
}

/** Sums of probabilities in another order differ by less. */
const ROUNDING = 1e-9;

/**
 * What `keepTopP` does, without sorting more than a small part: whole buckets of logits are skipped by their sums.
 *
 * @returns whether it did; otherwise the border is too close to a token for sums that round differently
 */
function removeBelow(logits: Float32Array, probabilities: Float64Array, limit: number): boolean {
  const ranks = ranksOf(logits);
  const sums = new Float64Array(BUCKETS);
  for (let id = 0; id < ranks.length; id++) sums[bucketOf(ranks[id]!)]! += probabilities[id]!;
  let [bucket, below] = [0, 0];
  for (; bucket < BUCKETS && below + sums[bucket]! < limit - ROUNDING; bucket++) below += sums[bucket]!;
  const order = sortedIds(ranks, bucket);
  let removed = 0;
  for (; removed < order.length; removed++) {
    below += probabilities[order[removed]!]!;
    if (Math.abs(below - limit) < ROUNDING) return false;
    if (below > limit) break;
  }
  if (removed === order.length) return false;
  for (let id = 0; id < ranks.length; id++) if (bucketOf(ranks[id]!) < bucket) logits[id] = -Infinity;
  for (let i = 0; i < removed; i++) logits[order[i]!] = -Infinity;
  return true;
}

/** Removes tokens less probable than `p` times the most probable one (arXiv 2407.01082); the `least` largest stay. */
export function keepMinP(logits: Float32Array, p: number, least = 1): void {
  const probabilities = softmax(logits);
  const limit = p * probabilities.reduce((most, value) => Math.max(most, value), 0);
  const stay = least > 1 ? new Set(idsByLogit(logits).subarray(-least)) : undefined;
  for (let i = 0; i < logits.length; i++) if (probabilities[i]! < limit && !stay?.has(i)) logits[i] = -Infinity;
}

/** Most ids that `sortedIds` tells apart; a float64 holds 32 bits of a logit beside 21 of an id. */
const IDS = 2 ** 21;

/** Logits are grouped by the upper bits of their ranks. */
const BUCKETS = 2 ** 14;
const bucketOf = (rank: number): number => rank >>> 18;

/** Unsigned numbers that sort as the logits do. */
function ranksOf(logits: Float32Array): Uint32Array {
  const values = new Float32Array(logits.length);
  // + 0 makes -0 the 0 that it equals.
  for (let id = 0; id < logits.length; id++) values[id] = logits[id]! + 0;
  const ranks = new Uint32Array(values.buffer);
  // The sign is turned, and below zero all other bits too.
  for (let id = 0; id < ranks.length; id++) ranks[id] = ranks[id]! & 0x80000000 ? ~ranks[id]! : ranks[id]! | 0x80000000;
  return ranks;
}

/** All ids, the smallest logit first; of equal ones the higher id first. */
const idsByLogit = (logits: Float32Array): Int32Array => sortedIds(ranksOf(logits));

/**
 * Ids in the order of their ranks, of one bucket or of all; of equal ones the higher id first. Each rank and its id become one
 * number, since numbers sort many times as fast as a comparison by a function: a vocabulary is sorted for each token of a row.
 */
function sortedIds(ranks: Uint32Array, bucket?: number): Int32Array {
  const last = ranks.length - 1;
  if (last >= IDS) throw new RangeError(`A vocabulary of at most ${IDS} tokens can be sorted, not ${ranks.length}`);
  const keys = new Float64Array(ranks.length);
  let count = 0;
  for (let id = 0; id <= last; id++)
    if (bucket === undefined || bucketOf(ranks[id]!) === bucket) keys[count++] = ranks[id]! * IDS + (last - id);
  return Int32Array.from(keys.subarray(0, count).sort(), (key) => last - (key % IDS));
}

/** The logit that sorting puts at a place. */
function valueAt(logits: Float32Array, place: number): number {
  const ranks = ranksOf(logits);
  const counts = new Int32Array(BUCKETS);
  for (const rank of ranks) counts[bucketOf(rank)]!++;
  let [bucket, before] = [0, 0];
  for (; before + counts[bucket]! <= place; bucket++) before += counts[bucket]!;
  return logits[sortedIds(ranks, bucket)[place - before]!]!;
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
