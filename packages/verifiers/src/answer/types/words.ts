/**
 * Types "word" and "code": texts compared as texts. Case, quotes, blanks, a leading article and the hyphen between
 * words do not count; letters and digits do, in their order.
 */
import { isChemical, reactionKey } from "./chemistry";
import { readRoman } from "./numeral";
import { readNumberWords } from "./number-words";

/** Names of countries and unions that are as usual in short. */
const ALIASES = new Map<string, string>();
for (const names of [
  "usa|us|u.s|u.s.a|united states|united states of america",
  "uk|u.k|united kingdom",
  "uae|united arab emirates",
  "eu|european union",
  "un|united nations",
  "none of the above|none of these|none of them|以上都不是|以上都不对",
])
  for (const name of names.split("|")) ALIASES.set(name, names.split("|")[0]!);

/** British and other spellings of words that stand for what is seen and measured. */
const SPELLINGS = new Map<string, string>(
  "aluminium:aluminum tyre:tire tyres:tires moustache:mustache doughnut:donut doughnuts:donuts aeroplane:airplane aeroplanes:airplanes racquet:racket"
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);
for (const word of "color colors colored harbor neighbor neighbors favorite flavor flavors behavior".split(" "))
  SPELLINGS.set(word.replace(/or(?=s?$|ed$|ite$)/, "our"), word);
for (const word of "center centers theater theaters meter meters liter liters kilometer kilometers centimeter centimeters".split(
  " ",
))
  SPELLINGS.set(word.replace(/er(s?)$/, "re$1"), word);
for (const ending of ["", "ish"]) SPELLINGS.set(`gr${"e"}y${ending}`, `gray${ending}`);
const SPELLED = new RegExp(`\\b(?:${[...SPELLINGS.keys()].join("|")})\\b`, "g");

const ARTICLE = /^(?:the|an?) (?=[^\s])/;

const LONGEST_PHRASE = 3000;

/** A text as it is compared. */
export function wordKey(text: string): string {
  // A page is compared as it stands but for blanks and case.
  if (text.length > LONGEST_PHRASE) return text.replace(/\s+/g, " ").trim().toLowerCase();
  let key = text
    .replace(/[_^] ?\{?([\d+-]+)\}?/g, "$1")
    .replace(/\\(?=(?:log|ln|sin|cos|tan|min|max)\b)/g, "")
    .replace(/\\(triangle|angle|odot) ?/g, "$1 ")
    .replace(/^\s*(?:\\to(?![a-z])|->)\s*(?=\S)|(?<=\S)\s*(?:\\to(?![a-z])|->)\s*$/g, "")
    .replace(/["`]/g, "")
    .replace(/\\(?=[{}])/g, "")
    .replace(/[{}]/g, "")
    .replace(/(?<=[a-zA-Z]{3})-(?=[a-zA-Z]{3})/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  if (key.length > 1) key = key.toLowerCase();
  key = key
    .replace(/\b(st|mt|dr|mr|mrs|ms|jr|sr|prof|no)\. ?(?=\p{L})/gu, "$1 ")
    .replace(/(?<=(?:^|[\s.])\p{L}\.) (?=\p{L}\.)/gu, "")
    .replace(ARTICLE, "")
    .replace(/ ?([,;:&/|+=<>()-]) ?/g, "$1")
    .replace(/(?<!\.)[.!]$/, "")
    .replace(/(?<=\d0)'s$/, "s");
  key = key
    .replace(SPELLED, (word) => SPELLINGS.get(word)!)
    .replace(/\bupper(?= ?(?:left|right|cent))/, "top")
    .replace(/\blower(?= ?(?:left|right|cent))/, "bottom")
    .replace(/\b(?:two|2)(?: times|-?fold|x\b)/, "twice");
  key = ALIASES.get(key) ?? key;
  return /\p{Script=Han}/u.test(key) ? key.replace(/ /g, "") : key;
}

/** LaTeX without blanks and without braces around single characters, to see whether two formulas are written alike. */
export const formulaKey = (text: string): string =>
  text.replace(/\\ |(?<!\d)\s|\s(?!\d)/g, "").replace(/\{([^{}\\])\}/g, "$1");

const LABEL_NOUN =
  /^(?:the )?(?:quadrant|set|option|choice|figure|fig\.?|point|angle|statement|line|region|step|case|question|answer|number|no\.?|letter|group|graph|picture|image|shape|box|row|column|item|section|part|side|vertex) +(?=\(?[A-Z0-9])/i;

/** "Quadrant III" as "III", "point P" as "P": a label without the noun before it. */
export const withoutNoun = (text: string): string => text.replace(LABEL_NOUN, "");

const PREPOSITION = /^(?:by|on|in|at|to|from|due to|because of|thanks to) (?:the )?(?=\S)/i;
const GENERIC_NOUN =
  / (?:function|functions|numbers?|colou?r|shape|congruence|criterion|rule|theorem|postulate|side|corner|direction|of them|ones?)$/i;
const TITLE = /^(?:sir|dr|mr|mrs|ms|prof|professor)\.? (?=\p{Lu})/iu;
const COMMENT = /^(\S.*?) ?\(([^()]{1,60})\)$/s;

/**
 * Other forms that say the same as an answer in words: without the option's letter, the noun, the preposition before or
 * the generic noun behind it, and both sides of "copper (Cu)".
 */
export function wordForms(text: string): string[] {
  const inner = coreOf(text);
  const name = /^(\p{Lu}[\p{L}'-]+), (\p{Lu}[\p{L}'.-]*(?: \p{Lu}[\p{L}'.-]*)?)$/u.exec(text);
  const verb = /^(?:it|they|he|she|this) ([a-z]{3,}?)(?:s)?$/i.exec(text);
  const forms = [inner, text.replace(TITLE, "")];
  if (name !== null) forms.push(`${name[2]} ${name[1]}`);
  if (verb !== null) forms.push(verb[1]!, `${verb[1]}s`);
  forms.push(withoutLetter(text), withoutNoun(text), text.replace(PREPOSITION, ""), text.replace(GENERIC_NOUN, ""));
  const comment = COMMENT.exec(text);
  if (comment !== null && !/\b(?:or|not|maybe|possibly)\b|[或不]/i.test(comment[2]!))
    forms.push(comment[1]!, comment[2]!);
  return forms.filter((form) => form !== text);
}

/** A text in words without the preposition before and the generic noun behind it: "on the left side" is "left". */
export const coreOf = (text: string): string => text.replace(PREPOSITION, "").replace(GENERIC_NOUN, "");

/** A key whose hyphens and blanks are gone: north-east, northeast. */
export const joinedKey = (text: string): string => wordKey(text).replace(/[- ]/g, "");

/** "(A) Paris" and "B. Paris" without the letter. */
export const withoutLetter = (text: string): string => text.replace(/^\(?[A-Z]\)?(?:[.:)] ?|(?<=\)) ?)(?=\S{2})/, "");

/**
 * "Quadrant IV", "the 4th quadrant" and "fourth quadrant" as one noun and its number.
 *
 * @returns undefined for other texts
 */
export function readNumberedNoun(text: string): string | undefined {
  const parts = text.replace(/^the /i, "").split(" ");
  if (parts.length !== 2) return undefined;
  const [first, second] = parts as [string, string];
  const after = numberOf(second, false);
  if (after !== undefined && /^[A-Za-z]{3,}$/.test(first)) return `${first.toLowerCase()} ${after}`;
  const before = numberOf(first, true);
  return before !== undefined && /^[A-Za-z]{3,}$/.test(second) ? `${second.toLowerCase()} ${before}` : undefined;
}

function numberOf(text: string, ordinal: boolean): string | undefined {
  if (ordinal) {
    const digits = /^(\d+)(?:st|nd|rd|th)$/.exec(text);
    if (digits !== null) return digits[1];
    const words = readNumberWords(text.toLowerCase());
    return words?.ordinal ? words.value.n.toString() : undefined;
  }
  if (/^\d{1,4}$/.test(text)) return text;
  return readRoman(text)?.n.toString();
}

const CODE_FORMS: readonly RegExp[] = [
  // A123, KFX 278F, COVID-19, B-52, v1.0, x1
  /^(?!pH|(?:about|around|nearly|roughly|exactly|only|almost|over|under|in|on|at|to|by|total|approx|circa|ca|is|at least|up to) )[A-Za-z]{1,8}[- ]?\d[\dA-Za-z.-]*$/,
  // 1990s
  /^(?:the )?\d{1,3}0'?s$/,
  // 3D, 12B, 278F-1
  /^\d+(?!E[+-]?\d+$)[A-Z][A-Za-z\d-]*$/,
  // 007, 010-88756919
  /^0\d+(?:[- ]\d+)*$/,
  // 12-34-56, 1-800-555-1234, 1/2/3
  /^\+?\d+(?:[- .]\d+){2,}$/,
  /^\d+(?:\/\d+){2,}$/,
  /^\+?\d*[ -]?\(\d{2,4}\)[ -]?\d[\d -]*$/,
  // A-B, A-1, B-52
  /^[A-Z]-(?:[A-Z]|\d+)$/,
  /^(?:https?:\/\/|www\.)\S+$|^\S+@\S+\.\S+$|^[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|cn|edu|gov|io|de|uk|fr|jp)$/,
  /^[A-Z]{1,3}\d?[+-]$/,
  /^0x[\dA-Fa-f]+$/,
];

/** Whether a text is a code, a plate, a phone number, an address: something whose digits are no amount. */
export const isCode = (text: string): boolean =>
  text.length <= 80 &&
  (CODE_FORMS.some((form) => form.test(text)) ||
    readBased(text) !== undefined ||
    isChemical(text) ||
    reactionKey(text) !== undefined);

const BASES: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  sixteen: 16,
};

/** `1011_2`, `(2A)_{16}`, `101 base 2`: digits and their base. */
export function readBased(written: string): { digits: string; base?: number } | undefined {
  const text = written.replace(/(?<=\d) (?=[A-F])/g, "");
  const match =
    /^\(?((?=[\dA-F]*\d)[\dA-F]{1,60})\)? ?_ ?\{? ?(\d{1,2}|[a-z]{3,8}) ?\}?$/.exec(text) ??
    /^((?=[\dA-F]*\d)[\dA-F]{1,60}) ?\(?(?:in )?base[ -]?(\d{1,2}|[a-z]{3,8})\)?$/.exec(text);
  const base = match === null ? undefined : (BASES[match[2]!] ?? Number(match[2]));
  if (match !== null && base! >= 2 && base! <= 36) return { digits: match[1]!, base: base! };
  const letters = /^\(?([A-F]{2,12})\)? ?_ ?\{? ?(1[1-6]) ?\}?$/.exec(text);
  return letters === null ? undefined : { digits: letters[1]!, base: Number(letters[2]) };
}

/** Seven digits or more with the marks between them: a telephone number, whose digits alone count. */
export function phoneDigits(text: string): string | undefined {
  if (!/^\+?[\d() .-]{7,24}$/.test(text) || !/[() .-]/.test(text) || /\d\.\d+$/.test(text)) return undefined;
  const digits = text.replace(/\D/g, "");
  return digits.length >= 7 && digits.length <= 15 ? digits : undefined;
}
