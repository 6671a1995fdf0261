/**
 * Benchmark questions, indexed so that a corpus of any size is compared with them in one pass.
 *
 * `ngram`: a text shares a run of n = 13 words with a question (GPT-3, arXiv 2005.14165 appendix C; lm-evaluation-
 * harness). A question of 8 to 12 words is found as a whole, between the ends of lines or sentences of the text; a
 * shorter one never (NeMo Curator also takes 8..13 words); if both have pictures, these must look the same, too. A run
 * that more than `common` = 10 different questions, or texts of the corpus, have is a phrase and says nothing (GPT-3,
 * NeMo Curator: 10). Neither does a run next to it with fewer than 8 words of its own: "and tell me the exact value of"
 * goes on in many ways.
 *
 * `minhash`: the Jaccard similarity of the sets of 3 successive words is `similarity` or more. MinHash with 64
 * functions in 16 bands of 4 (Broder 1997; the LSH of datatrove and NeMo Curator) finds the candidates, and the
 * similarity of each is then computed exactly. A pair of similarity 0.8 is found with probability 1 - (1 - 0.8^4)^16 =
 * 0.9998.
 */
import { hashWords, type HashedWords } from "./hashed-words";
import { KeyTable } from "./key-table";

/** How texts are compared. */
export type TextMethod =
  | { readonly method: "ngram"; readonly n: number; readonly shortest: number; readonly common: number }
  | { readonly method: "minhash"; readonly similarity: number; readonly shortest: number; readonly common: number };

/** A question that a text has. */
export interface TextMatch {
  /** The question's position. */
  readonly item: number;
  /** What both have: texts with the same key share the same phrase or question. */
  readonly key: number;
  /** Where the phrase begins in the text, in words. */
  readonly start: number;
  /** The phrase's share of the question's runs of n words, or the Jaccard similarity. */
  readonly similarity: number;
  /** A whole question of fewer than n words: too little to tell without the picture. */
  readonly isShort: boolean;
}

export interface TextIndex {
  /** One match for each question and phrase that the text has. */
  match(words: HashedWords): TextMatch[];
}

/** Builds the index of questions. */
export function createTextIndex(questions: readonly string[], method: TextMethod): TextIndex {
  const words = questions.map(hashWords);
  return method.method === "ngram" ? ngramIndex(words, method) : minhashIndex(words, method);
}

/** In place of a question: a phrase that too many questions have. */
export const PHRASE = -1;

function ngramIndex(
  questions: readonly HashedWords[],
  { n, shortest, common }: Extract<TextMethod, { method: "ngram" }>,
): TextIndex {
  /** Questions by the key of a run. Equal questions count once towards `common`. */
  const runs = new Map<number, number[]>();
  const different = new Map<number, Set<number>>();
  const shortLengths = new Set<number>();
  const add = (key: number, item: number, whole: number): void => {
    const texts = different.get(key) ?? new Set();
    different.set(key, texts.add(whole));
    const items = runs.get(key);
    if (items === undefined) runs.set(key, [item]);
    else if (items.at(-1) !== item) items.push(item);
  };
  for (const [item, words] of questions.entries()) {
    const whole = words.key(0, words.count);
    if (words.count >= n)
      for (let start = 0; start + n <= words.count; start++) add(words.key(start, start + n), item, whole);
    else if (words.count >= shortest) {
      shortLengths.add(words.count);
      add(whole, item, whole);
    }
  }
  for (const [key, texts] of different) if (texts.size > common) runs.set(key, [PHRASE]);
  const table = new KeyTable(runs.keys(), runs.size);
  const itemsOf = [...runs.values()];
  return {
    match(words) {
      const found: TextMatch[] = [];
      // Most texts share nothing.
      let seen: Set<number> | undefined;
      const look = (start: number, end: number, isShort: boolean): void => {
        const key = words.key(start, end);
        const position = table.get(key);
        if (position < 0 || seen?.has(key) === true) return;
        (seen ??= new Set()).add(key);
        for (const item of itemsOf[position] as number[])
          found.push({
            item,
            key,
            start,
            similarity: isShort ? 1 : 1 / ((questions[item]?.count ?? n) - n + 1),
            isShort,
          });
      };
      for (let start = 0; start + n <= words.count; start++) look(start, start + n, false);
      if (shortLengths.size > 0)
        for (const start of words.breaks)
          for (const end of words.breaks) if (shortLengths.has(end - start)) look(start, end, true);
      return found;
    },
  };
}

const HASHES = 64;
const BANDS = 16;
const SHINGLE = 3;
/** As for `ngram`. */
const SHORT = 13;

function minhashIndex(
  questions: readonly HashedWords[],
  { similarity, shortest, common }: Extract<TextMethod, { method: "minhash" }>,
): TextIndex {
  const bands = Array.from({ length: BANDS }, () => new Map<number, number[]>());
  const sets: (ReadonlySet<number> | undefined)[] = [];
  for (const [item, words] of questions.entries()) {
    const set = words.count >= shortest ? shingles(words) : undefined;
    sets.push(set);
    if (set === undefined) continue;
    for (const [band, key] of bandKeys(set).entries()) {
      const items = bands[band]?.get(key);
      if (items === undefined) bands[band]?.set(key, [item]);
      else items.push(item);
    }
  }
  const wholes = questions.map((words) => words.key(0, words.count));
  return {
    match(words) {
      if (words.count < shortest) return [];
      const set = shingles(words);
      const candidates = new Set(bandKeys(set).flatMap((key, band) => bands[band]?.get(key) ?? []));
      const found: TextMatch[] = [];
      for (const item of [...candidates].sort((a, b) => a - b)) {
        const value = jaccard(set, sets[item] as ReadonlySet<number>);
        if (value >= similarity)
          found.push({ item, key: wholes[item] as number, start: 0, similarity: value, isShort: words.count < SHORT });
      }
      return new Set(found.map(({ key }) => key)).size > common ? [] : found;
    },
  };
}

function shingles(words: HashedWords): Set<number> {
  const size = Math.min(SHINGLE, words.count);
  const set = new Set<number>();
  for (let start = 0; start + size <= words.count; start++) set.add(words.key(start, start + size));
  return set;
}

/** One key per band: the minima of its four hash functions. */
function bandKeys(set: ReadonlySet<number>): number[] {
  const minima = new Uint32Array(HASHES).fill(0xffffffff);
  for (const shingle of set) {
    const seed = (shingle ^ (shingle / 2 ** 32)) >>> 0;
    for (let k = 0; k < HASHES; k++) {
      let h = Math.imul(seed ^ Math.imul(k + 1, 0x9e3779b9), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h = (h ^ (h >>> 16)) >>> 0;
      if (h < (minima[k] as number)) minima[k] = h;
    }
  }
  const perBand = HASHES / BANDS;
  return Array.from({ length: BANDS }, (_, band) => {
    let [low, high] = [0x811c9dc5, 0x9747b28c];
    for (let k = band * perBand; k < (band + 1) * perBand; k++) {
      low = Math.imul(low ^ (minima[k] as number), 0x01000193);
      high = Math.imul(high ^ (minima[k] as number), 0x85ebca6b);
    }
    return ((high >>> 11) & 0x1fffff) * 2 ** 32 + (low >>> 0);
  });
}

function jaccard(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let both = 0;
  for (const one of a) if (b.has(one)) both++;
  return both / (a.size + b.size - both);
}
