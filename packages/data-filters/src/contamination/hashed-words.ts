/**
 * A text as hashed words, in which the hash of any run of words costs one multiplication.
 *
 * Words are runs of letters and digits, in lower case; case, white space and punctuation do not count (as in the
 * contamination study of GPT-3, arXiv 2005.14165, appendix C). Full-width and other compatibility forms are folded
 * (NFKC), and each CJK character is a word of its own.
 *
 * With the words' hashes w_0, w_1, .. and P_0 = 0, P_(i+1) = B·P_i + w_i (Karp and Rabin 1987), a run of words s..e has
 * the hash P_e - B^(e-s)·P_s. Two such hashes mod 2^32 give a key of 53 bits: among 80 million runs and a million
 * benchmark runs, 0.01 collisions are expected.
 */

/** The words of a text. */
export interface HashedWords {
  readonly count: number;
  /** Positions between two words at which a line or sentence ends, with 0 and `count`. */
  readonly breaks: readonly number[];
  /** The key of the words from `start` to `end`, exclusive. */
  key(start: number, end: number): number;
}

const [FNV_LOW, FNV_HIGH, FNV_PRIME] = [0x811c9dc5, 0x9747b28c, 0x01000193];
const MULTIPLIERS = [0x01000193, 0x85ebca6b] as const;
/** Longer texts are compared up to here. */
const MOST_WORDS = 4096;

const powers = MULTIPLIERS.map((multiplier) => {
  const list = new Uint32Array(MOST_WORDS + 1);
  list[0] = 1;
  for (let i = 1; i <= MOST_WORDS; i++) list[i] = Math.imul(list[i - 1] as number, multiplier);
  return list;
}) as [Uint32Array, Uint32Array];

/** Hashes the words of a text. `<image>` marks are no words. */
export function hashWords(text: string): HashedWords {
  const plain = plainText(text);
  const low: number[] = [0];
  const high: number[] = [0];
  const breaks: number[] = [0];
  let [a, b, length, count] = [FNV_LOW, FNV_HIGH, 0, 0];
  let isAtBreak = false;
  for (let i = 0; i <= plain.length && count < MOST_WORDS; i++) {
    const code = i < plain.length ? lowerCode(plain, i) : SEPARATOR;
    const isAlone = code > 0x303f && code < 0xa000 && (code < 0x3100 || code >= 0x3400);
    if (length > 0 && (code <= SEPARATOR || isAlone)) endWord();
    if (code === END) isAtBreak = true;
    if (code <= SEPARATOR) continue;
    // FNV-1a over the characters of each word, from two offsets.
    a = Math.imul(a ^ code, FNV_PRIME);
    b = Math.imul(b ^ code, FNV_PRIME);
    length++;
    if (isAlone) endWord();
  }
  if (breaks.at(-1) !== count) breaks.push(count);
  function endWord(): void {
    if (isAtBreak && breaks.at(-1) !== count) breaks.push(count);
    low.push((Math.imul(low[count] as number, MULTIPLIERS[0]) + mix(a)) | 0);
    high.push((Math.imul(high[count] as number, MULTIPLIERS[1]) + mix(b)) | 0);
    count++;
    [a, b, length, isAtBreak] = [FNV_LOW, FNV_HIGH, 0, false];
  }
  const runHash = (prefix: readonly number[], power: Uint32Array, start: number, end: number): number =>
    mix((prefix[end] as number) - Math.imul(prefix[start] as number, power[end - start] as number));
  return {
    count,
    breaks,
    key: (start, end) => (runHash(high, powers[1], start, end) >>> 11) * 2 ** 32 + runHash(low, powers[0], start, end),
  };
}

function plainText(text: string): string {
  const bare = text.includes("<image") ? text.replace(/<image[\s_]?\d*>/g, " ") : text;
  // oxlint-disable-next-line no-control-regex -- all of ASCII
  return /^[\x00-\x7f]*$/.test(bare) ? bare : bare.normalize("NFKC");
}

const END = 0;
const SEPARATOR = 1;

/** The lower-case code of a character that belongs to a word; END after a line or sentence; SEPARATOR for the rest. */
function lowerCode(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 97 && code <= 122) return code;
  if (code >= 48 && code <= 57) return code;
  if (code >= 65 && code <= 90) return code + 32;
  if (code < 128) return code === 10 || code === 46 || code === 63 || code === 33 ? END : SEPARATOR;
  if (code === 0x3002 || code === 0xff1f || code === 0xff01) return END;
  // Both halves of a surrogate pair are hashed: characters beyond the basic plane are letters or symbols alike.
  if (code >= 0xd800 && code <= 0xdfff) return code;
  const char = text[at] as string;
  return /[\p{L}\p{N}\p{M}]/u.test(char) ? char.toLowerCase().charCodeAt(0) : SEPARATOR;
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
