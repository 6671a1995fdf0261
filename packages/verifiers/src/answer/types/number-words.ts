/** Numbers in words: English cardinals, ordinals and fractions, Chinese numerals, and scale words behind digits. */
import { type Exact, over, plus, whole } from "./exact";

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const ORDINALS =
  "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth".split(
    " ",
  );

const CARDINAL = new Map<string, number>();
SMALL.forEach((word, value) => CARDINAL.set(word, value));
TENS.forEach((word, tens) => tens > 1 && CARDINAL.set(word, tens * 10));
const ORDINAL = new Map<string, number>();
ORDINALS.forEach((word, value) => ORDINAL.set(word, value));
TENS.forEach((word, tens) => tens > 1 && ORDINAL.set(word.replace(/y$/, "ieth"), tens * 10));

const MULTIPLES: Readonly<Record<string, number>> = { hundred: 2, thousand: 3, million: 6, billion: 9, trillion: 12 };
const ORDINAL_MULTIPLES = new Map(Object.entries(MULTIPLES).map(([word, zeros]) => [`${word}th`, zeros]));
const FRACTIONS = new Map<string, number>([
  ["half", 2],
  ["halves", 2],
  ["quarter", 4],
  ["quarters", 4],
]);
for (const [word, value] of ORDINAL) if (value > 2) FRACTIONS.set(word, value).set(`${word}s`, value);

/** A number in words, and whether it tells a place (third) or an amount (three). */
export interface NumberInWords {
  readonly value: Exact;
  readonly ordinal: boolean;
  /** Number of characters read. */
  readonly length: number;
}

const WORD = /([a-z]+)(?:[ -]+|$)/y;

/**
 * Reads the number words a text begins with.
 *
 * @param text lowercase
 * @example readNumberWords("twenty-one apples") // 21
 */
export function readNumberWords(text: string): NumberInWords | undefined {
  let total = 0n;
  let group = 0n;
  let length = 0;
  let seen = false;
  let ordinal = false;
  for (let at = 0; at < text.length && !ordinal;) {
    WORD.lastIndex = at;
    const match = WORD.exec(text);
    if (match === null) break;
    const word = match[1]!;
    const isJoin = word === "and" && seen && group % 100n === 0n && group > 0n;
    const isArticle =
      (word === "a" || word === "an") && !seen && /^an? (hundred|thousand|million|billion|half|quarter)\b/.test(text);
    const small = CARDINAL.get(word);
    const place = ORDINAL.get(word);
    const zeros = MULTIPLES[word] ?? ORDINAL_MULTIPLES.get(word);
    if (small !== undefined) {
      if (seen && (group % 100n >= 20n ? small >= 10 || group % 10n !== 0n : group % 100n !== 0n)) break;
      group += BigInt(small);
    } else if (place !== undefined && !FRACTION_BREAK.test(text.slice(at))) {
      if (seen && group % 10n !== 0n) break;
      group += BigInt(place);
      ordinal = true;
    } else if (zeros !== undefined && (seen || isArticleBefore(text, at))) {
      group = group === 0n ? 1n : group;
      if (zeros === 2) group *= 100n;
      else {
        total += group * 10n ** BigInt(zeros);
        group = 0n;
      }
      ordinal = ORDINAL_MULTIPLES.has(word);
    } else if (!isJoin && !isArticle) break;
    at = WORD.lastIndex;
    if (!isJoin && !isArticle) {
      seen = true;
      length = at - (match[0].length - word.length);
    }
  }
  const fraction = readFractionWords(text);
  if (fraction !== undefined && fraction.length > length) return fraction;
  return seen ? { value: whole(total + group), ordinal, length } : undefined;
}

const FRACTION_BREAK = /^(half|quarter)/;
const isArticleBefore = (text: string, at: number): boolean => /(^|\s)an? $/.test(text.slice(0, at));

/** "half", "one half", "two thirds", "three and a half". */
function readFractionWords(text: string): NumberInWords | undefined {
  const match = /^(?:(?:(an?|[a-z]+)[ -]+)?([a-z]+)|([a-z]+) and (?:a|one) half)\b/.exec(text);
  if (match === null) return undefined;
  const [all, count, part, before] = match;
  if (before !== undefined) {
    const number = CARDINAL.get(before);
    return number === undefined
      ? undefined
      : { value: plus(whole(number), over(whole(1), whole(2))!), ordinal: false, length: all.length };
  }
  const denominator = FRACTIONS.get(part!);
  const isHalf = part === "half" || part === "quarter";
  const numerator =
    count === undefined ? (isHalf ? 1 : undefined) : count === "a" || count === "an" ? 1 : CARDINAL.get(count);
  if (denominator === undefined || numerator === undefined || (numerator > 19 && !isHalf)) return undefined;
  return { value: over(whole(numerator), whole(denominator))!, ordinal: false, length: all.length };
}

const CHINESE_DIGITS = "零一二三四五六七八九";
const CHINESE_UNITS: Readonly<Record<string, bigint>> = { 十: 10n, 百: 100n, 千: 1000n };
const CHINESE_SCALES: Readonly<Record<string, bigint>> = {
  万: 10_000n,
  萬: 10_000n,
  亿: 100_000_000n,
  億: 100_000_000n,
};

/** Reads a text that is a Chinese numeral as a whole: 十二, 三百零五, 四分之三, 百分之三十, 两. */
export function readChineseNumeral(text: string): Exact | undefined {
  const fraction = /^(.{1,12})分之(.{1,12})$/.exec(text);
  if (fraction !== null) {
    const below = fraction[1] === "百" ? whole(100) : chineseOrDigits(fraction[1]!);
    const above = chineseOrDigits(fraction[2]!);
    return above && below && over(above, below);
  }
  return chineseInteger(text);
}

const chineseOrDigits = (text: string): Exact | undefined =>
  /^\d{1,30}$/.test(text) ? whole(BigInt(text)) : chineseInteger(text);

function chineseInteger(text: string): Exact | undefined {
  if (!/^[零〇一二两三四五六七八九十百千万萬亿億]{1,30}$/.test(text)) return undefined;
  let total = 0n;
  let section = 0n;
  let digit = -1n;
  for (const character of text.replaceAll("〇", "零").replaceAll("两", "二")) {
    const value = CHINESE_DIGITS.indexOf(character);
    if (value >= 0) {
      // 二零一九 is a year read digit by digit, which words like 十 never mix with.
      if (digit > 0n) return undefined;
      digit = BigInt(value);
    } else if (CHINESE_UNITS[character] !== undefined) {
      section += (digit < 0n ? 1n : digit) * CHINESE_UNITS[character];
      digit = -1n;
    } else {
      total = (total + section + (digit < 0n ? 0n : digit)) * CHINESE_SCALES[character]!;
      section = 0n;
      digit = -1n;
    }
  }
  return whole(total + section + (digit < 0n ? 0n : digit));
}

const SCALES: readonly (readonly [RegExp, bigint])[] = [
  [/^thousands?(?![a-z])/i, 1000n],
  [/^(?:millions?|mio|mn|mln)(?![a-z])/i, 1_000_000n],
  [/^(?:billions?|bn|bln)(?![a-z])/i, 1_000_000_000n],
  [/^(?:trillions?|tn)(?![a-z])/i, 1_000_000_000_000n],
  [/^hundreds?(?![a-z])/i, 100n],
  [/^dozens?(?![a-z])/i, 12n],
  [/^lakhs?(?![a-z])/i, 100_000n],
  [/^crores?(?![a-z])/i, 10_000_000n],
  [/^[亿億]/, 100_000_000n],
  [/^百万/, 1_000_000n],
  [/^千万/, 10_000_000n],
  [/^[万萬]/, 10_000n],
  [/^千(?![克米瓦卡])/, 1000n],
  [/^百(?!分)/, 100n],
];
/** Letters that scale only directly behind the digits: `5M`, but `5 M` is a concentration and `300 K` a temperature. */
const LETTER_SCALES: readonly (readonly [RegExp, bigint])[] = [
  [/^[kK](?![a-zA-Z])/, 1000n],
  [/^M(?![a-zA-Z])/, 1_000_000n],
  [/^B(?![a-zA-Z])/, 1_000_000_000n],
];

/**
 * A scale word that stands behind a number: million, k, 万.
 *
 * @param text what follows the digits, blanks included
 */
export function scaleAt(text: string): { factor: Exact; length: number } | undefined {
  const rest = text.trimStart();
  const blanks = text.length - rest.length;
  for (const [pattern, factor] of blanks === 0 ? [...LETTER_SCALES, ...SCALES] : SCALES) {
    const match = pattern.exec(rest);
    if (match !== null) return { factor: whole(factor), length: blanks + match[0].length };
  }
  return undefined;
}
