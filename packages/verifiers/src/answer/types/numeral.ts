/**
 * Numerals: what a number literal at the beginning of a text is worth, exactly. Decimals, thousands in both conventions
 * where they are unambiguous, fractions, mixed numbers, powers of ten, repeating decimals, words and Chinese numerals.
 */
import { type Exact, decimal, negated, over, plus, powerOfTen, ratioOf, times, whole } from "./exact";
import { readChineseNumeral, readNumberWords } from "./number-words";

export interface Numeral {
  readonly value: Exact;
  /** How it is written; a decimal may be a rounded value, the others are exact. */
  readonly form: "integer" | "decimal" | "fraction" | "mixed" | "scientific" | "repeating" | "words" | "ordinal";
  /** Number of characters read. */
  readonly length: number;
  /** Digits that count, and how many of them stand behind the point: of a decimal that may be rounded. */
  readonly significant: number;
  readonly decimals: number;
}

const PLAIN = String.raw`(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}(?!\d)(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+(?!\d)|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d{1,3}(?: \d{3})+(?![\d,.]\d|\d)(?:\.\d+)?|\d{1,3}(?:'\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+|\.\d+|\d+(?:\.(?!\d))?)`;
const NUMBER = new RegExp(PLAIN, "y");
const POWER =
  /(?: ?(?:\\times|\\cdot|\*|x(?= ?10\^)) ?10 ?(?:\^|\*\*) ?(?:\{ ?([-+]?) ?(\d{1,9}) ?\}|\(([-+]?)(\d{1,9})\)|([-+]?)(\d{1,9}))|[eE]([-+]?)(\d{1,9})(?![a-zA-Z\d]))/y;
const TEN_TO = /10 ?(?:\^|\*\*) ?(?:\{ ?([-+]?) ?(\d{1,9}) ?\}|\(([-+]?)(\d{1,9})\)|([-+]?)(\d{1,9}))(?!\d)/y;
const REPEATING =
  /(\d*)\.(\d*)(?:\\overline ?\{(\d+)\}|\\bar ?\{(\d+)\}|\\dot ?\{?(\d)\}?(?:(\d*)\\dot ?\{?(\d)\}?)?|\((\d+)\)(?![\d^(])|(\d{1,6}?)\9{2,} ?\.{3})/y;
const LATEX_FRACTION = /\\frac\{ ?([-+]?) ?(\d+(?:\.\d+)?) ?\}\{ ?([-+]?) ?(\d+(?:\.\d+)?) ?\}/y;
const SLASH = / ?\/ ?(-?) ?(\d+(?:\.\d+)?)(?![\d/.]|\.\d)/y;
const MIXED_SLASH = /[ -](\d+) ?\/ ?(\d+)(?![\d/])/y;

const stick = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at;
  return pattern.exec(text);
};

/** Of one sign and digits among several alternatives. */
const exponentOf = (groups: readonly (string | undefined)[]): number => {
  for (let i = 0; i < groups.length; i += 2)
    if (groups[i + 1] !== undefined) return Number(`${groups[i] ?? ""}${groups[i + 1]}`);
  return 0;
};

const SIGN = /^(?:([-+])(?![-+]) ?|(minus|negative|plus) |(负|負|零下))/i;

/**
 * Reads the numeral a text begins with, sign included. `3,5` is read by {@link readCommaDecimal}, as it may be a list.
 *
 * @example numeralAt("3\\frac{1}{2} cm") // { value: 7/2, form: "mixed", length: 12, .. }
 */
export function numeralAt(text: string): Numeral | undefined {
  const sign = SIGN.exec(text);
  const from = sign?.[0].length ?? 0;
  const read = unsignedAt(text, from);
  if (read === undefined) return undefined;
  const isMinus = sign !== null && sign[1] !== "+" && sign[2]?.toLowerCase() !== "plus";
  return { ...read, value: isMinus ? negated(read.value) : read.value, length: read.length + from };
}

function unsignedAt(text: string, at: number): Numeral | undefined {
  return repeatingAt(text, at) ?? tenToAt(text, at) ?? numberAt(text, at) ?? fractionAt(text, at) ?? wordsAt(text, at);
}

function tenToAt(text: string, at: number): Numeral | undefined {
  const match = stick(TEN_TO, text, at);
  const value = match && powerOfTen(exponentOf(match.slice(1)));
  return match && value
    ? { value, form: "scientific", length: match[0].length, significant: 1, decimals: 0 }
    : undefined;
}

function repeatingAt(text: string, at: number): Numeral | undefined {
  const match = stick(REPEATING, text, at);
  if (match === null) return undefined;
  const [all, head = "", tail = "", overline, bar, dot, between, dotEnd, brackets, seen] = match;
  const cycle =
    overline ?? bar ?? brackets ?? seen ?? (dotEnd === undefined ? (dot ?? "") : `${dot}${between ?? ""}${dotEnd}`);
  if (cycle === "" || tail.length + cycle.length > 60) return undefined;
  const nines = BigInt("9".repeat(cycle.length) + "0".repeat(tail.length));
  const value = plus(decimal(`${head || "0"}.${tail}`), ratioOf(BigInt(cycle), nines)!);
  return { value, form: "repeating", length: all.length, significant: 0, decimals: 0 };
}

function numberAt(text: string, at: number): Numeral | undefined {
  const match = stick(NUMBER, text, at);
  if (match === null || match[0].length > 2000) return undefined;
  let end = at + match[0].length;
  const plain = plainDigits(match[0]);
  const value = decimal(plain);
  const isInteger = !plain.includes(".");
  const significant = plain.replace(/^[0.]+|\./g, "").length;
  const decimals = isInteger ? 0 : plain.length - plain.indexOf(".") - 1;
  const power = stick(POWER, text, end);
  if (power !== null) {
    const factor = powerOfTen(exponentOf(power.slice(1)));
    if (factor === undefined) return undefined;
    return {
      value: times(value, factor),
      form: "scientific",
      length: end + power[0].length - at,
      significant,
      decimals: 0,
    };
  }
  if (isInteger && /^\d+$/.test(match[0])) {
    const mixed = mixedPart(text, end);
    if (mixed !== undefined)
      return { value: plus(value, mixed.value), form: "mixed", length: mixed.end - at, significant: 0, decimals: 0 };
  }
  const slash = stick(SLASH, text, end);
  if (slash !== null) {
    const below = decimal(slash[2]!);
    const quotient = over(value, slash[1] === "-" ? negated(below) : below);
    if (quotient === undefined) return undefined;
    return { value: quotient, form: "fraction", length: end + slash[0].length - at, significant: 0, decimals: 0 };
  }
  if (match[0].endsWith(".")) end--;
  return { value, form: isInteger ? "integer" : "decimal", length: end - at, significant, decimals };
}

/** The fraction of a mixed number: `3\frac{1}{2}`, `3 1/2`. */
function mixedPart(text: string, end: number): { value: Exact; end: number } | undefined {
  const at = text[end] === " " ? end + 1 : end;
  const fraction = stick(LATEX_FRACTION, text, at);
  const plain = fraction === null ? stick(MIXED_SLASH, text, end) : null;
  const [above, below] = fraction ? [fraction[2]!, fraction[4]!] : plain ? [plain[1]!, plain[2]!] : [];
  if (above === undefined || below === undefined || above.includes(".") || below.includes(".")) return undefined;
  if (fraction?.[1] || fraction?.[3]) return undefined;
  // 3 5/2 is no mixed number but a product or a slip.
  if (BigInt(above) >= BigInt(below) || (plain !== null && text[end] === "-")) return undefined;
  const value = ratioOf(BigInt(above), BigInt(below))!;
  return { value, end: fraction ? at + fraction[0].length : end + plain![0].length };
}

function fractionAt(text: string, at: number): Numeral | undefined {
  const match = stick(LATEX_FRACTION, text, at);
  if (match === null) return undefined;
  const [all, aboveSign, above, belowSign, below] = match;
  const value = over(decimal(above!), decimal(below!));
  if (value === undefined) return undefined;
  const isMinus = (aboveSign === "-") !== (belowSign === "-");
  return { value: isMinus ? negated(value) : value, form: "fraction", length: all.length, significant: 0, decimals: 0 };
}

function wordsAt(text: string, at: number): Numeral | undefined {
  const rest = text.slice(at, at + 200);
  const dozen = /^(half )?(?:a|one) dozen(?![a-z])/i.exec(rest);
  if (dozen !== null)
    return {
      value: whole(dozen[1] === undefined ? 12 : 6),
      form: "words",
      length: dozen[0].length,
      significant: 0,
      decimals: 0,
    };
  const words = /^[a-z]/i.test(rest) ? readNumberWords(rest.toLowerCase()) : undefined;
  if (words !== undefined)
    return {
      value: words.value,
      form: words.ordinal ? "ordinal" : "words",
      length: words.length,
      significant: 0,
      decimals: 0,
    };
  const chinese = /^[零〇一二两三四五六七八九十百千万亿分之\d]+/.exec(rest)?.[0];
  if (chinese === undefined || /^\d+$/.test(chinese)) return undefined;
  const value = readChineseNumeral(chinese);
  return value && { value, form: "words", length: chinese.length, significant: 0, decimals: 0 };
}

/** `1,234.50`, `1.234,50`, `1 234`, `1'234` → digits with a point. */
function plainDigits(written: string): string {
  if (/^\d{1,3}(?:\.\d{3})+,|^\d{1,3}(?:\.\d{3}){2,}/.test(written))
    return written.replaceAll(".", "").replace(",", ".");
  return written.replace(/[, ']/g, "").replace(/\.$/, "");
}

/** A decimal comma: `3,5` as 3.5. Only where the whole text is one. */
export function readCommaDecimal(text: string): Exact | undefined {
  const match = /^([-+]?) ?(\d+),(\d{1,2}|\d{4,30})$/.exec(text);
  if (match === null) return undefined;
  const value = decimal(`${match[2]}.${match[3]}`);
  return match[1] === "-" ? negated(value) : value;
}

const ROMAN = /^(?=[IVXLCDM])M{0,4}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})$/;
const ROMAN_VALUES: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 };

/** A Roman numeral in capitals. */
export function readRoman(text: string): Exact | undefined {
  if (!ROMAN.test(text)) return undefined;
  let total = 0;
  for (let i = 0; i < text.length; i++) {
    const value = ROMAN_VALUES[text[i]!]!;
    total += value < (ROMAN_VALUES[text[i + 1]!] ?? 0) ? -value : value;
  }
  return whole(total);
}

const ORDINAL_SUFFIX = /^(\d+)(?:\^\{? ?)?(?:st|nd|rd|th)\}?(?![a-z])/;

/** `3rd`, `21st`, `4^{th}` at the beginning of a text, with its length. */
export function ordinalAt(text: string): { value: Exact; length: number } | undefined {
  const match = ORDINAL_SUFFIX.exec(text);
  if (match !== null) return { value: whole(BigInt(match[1]!)), length: match[0].length };
  const words = readNumberWords(text.slice(0, 100).toLowerCase());
  if (words?.ordinal) return { value: words.value, length: words.length };
  const chinese = /^第([零〇一二两三四五六七八九十百\d]+)/.exec(text);
  const value = chinese && (/^\d+$/.test(chinese[1]!) ? whole(BigInt(chinese[1]!)) : readChineseNumeral(chinese[1]!));
  return chinese && value ? { value, length: chinese[0].length } : undefined;
}
