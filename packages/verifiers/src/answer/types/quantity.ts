/**
 * Type "number": one number with or without a unit. Values are exact; `12`, `12.0`, `24/2`, `1.2e1` and `twelve` are
 * equal. A unit is needed on neither side; where both have one they must fit: 3 kg is 3000 g, and 5 apples are not 5
 * pears.
 */
import { absolute, type Exact, isBelow, isEqual, negated, ONE, plus, ratioOf, show, times, whole } from "./exact";
import { readLabel } from "./labels";
import { type Numeral, numeralAt, ordinalAt, readCommaDecimal, readRoman } from "./numeral";
import { scaleAt } from "./number-words";
import { currencyAt, inBaseUnits, isGenericUnit, isSameDimension, readUnit, type Unit } from "./units";

export interface Quantity {
  readonly value: Exact;
  readonly form: Numeral["form"];
  readonly significant: number;
  readonly decimals: number;
  readonly isPercent: boolean;
  /** A unit that is known. */
  readonly unit?: Unit;
  /** What is counted, as words: "apples". */
  readonly noun?: string;
}

const APPROXIMATE =
  /^(?:(?:\\approx|\\sim|~|≈|=|about|approximately|approx\.?|around|roughly|circa|ca\.|exactly|just|only|nearly|almost|a total of|in total|total of|约为|大约|约|大概|共|一共|总共|仅|只有|有)(?![a-zA-Z]) ?)+/i;
const COUNTED_BEFORE = /^(?:the |pH(?: ?=| of)? ?|#|No\. ?|Nr\. ?|Option |Number )(?=\d|[a-z-]+(?:st|nd|rd|th)\b)/i;
const PERCENT = /^ ?(?:%|percent(?:age points?|age)?|per cent|pct\.?|个?百分点)(?![a-zA-Z])/i;
const TRAILING =
  /(?:^| )(?:in (?:total|all)|total|altogether|long|wide|tall|high|deep|thick|old|away|apart|each|left|remaining|approximately|approx\.?|or so|exactly|only|combined|overall|now|more)$/i;
const NOUN = /^(?:[A-Za-z][A-Za-z'-]+)(?:[ /](?:[A-Za-z][A-Za-z'-]*\.?))*$/;
/** A unit with what is measured, or a direction: "kilograms of flour", "m/s north". */
const OF_WHAT =
  /^(\S(?:.{0,30}?[^\s,])??),? (?:of ((?:the )?[A-Za-z][A-Za-z -]{1,40})|((?:to the )?(?:up|down|out|in|left|right|for|back|north|south|east|west|clock|counterclock|anticlock)[a-z]{0,10}))$/;
const NOT_NOUN =
  /\b(?:or|and|to|not|than|nor|but|if|is|are|was|minus|plus|times|over|million|billion|thousand|hundred|trillion|dozen|percent|maybe|through|until|am|pm|wrong|incorrect|squared|cubed|mod|base|e)\b/i;
const CHINESE_NOUN = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{1,16}$/u;
/** 三个人 is an amount, 三角形 is not. */
const MEASURE_WORD = /^[个只名位条本件块支辆棵头匹次种组张把份双对页层楼章遍]/;
const NOT_CHINESE_NOUN = /[或和至到与及万亿百千倍分半几多余点]|左右|不/;

/**
 * Reads a text that is one quantity as a whole.
 *
 * @example readQuantity("12 square centimeters") // value 12, with its unit
 */
export function readQuantity(text: string): Quantity | undefined {
  return readBare(text) ?? readBare(unwrapped(text));
}

function readBare(written: string): Quantity | undefined {
  let text = written
    .trim()
    .replace(APPROXIMATE, "")
    .replace(COUNTED_BEFORE, "")
    .replace(/^an? (?:loss|debt|deficit|decrease) of (?=[$€£]? ?\d)/i, "-")
    .replace(/^(\d+),(\d{1,2})(?= ?(?:million|billion|trillion|thousand|%|percent)\b)/i, "$1.$2");
  if (text === "" || text.length > 400) return undefined;
  let unit: Unit | undefined;
  const sign = /^[-+] ?(?=[^\d\s.])/.exec(text)?.[0] ?? "";
  const currency = currencyAt(text.slice(sign.length));
  if (currency !== undefined) {
    unit = currency.unit;
    text = sign + text.slice(sign.length + currency.length).trimStart();
  }
  const odds = /^(\d{1,9}) (?:in|out of) (\d{1,9})$/.exec(text);
  if (odds !== null && unit === undefined) text = `${odds[1]}/${odds[2]}`;
  const ordinal = ordinalAt(text);
  if (ordinal !== undefined && unit === undefined) return readOrdinal(ordinal, text);
  const numeral = numeralAt(text);
  if (numeral === undefined) return undefined;
  let rest = text.slice(numeral.length);
  // "three-toed": no amount.
  if (numeral.form === "words" && rest.startsWith("-")) return undefined;
  let value = numeral.value;
  const scale = scaleAt(rest);
  if (scale !== undefined) {
    value = times(value, scale.factor);
    rest = rest.slice(scale.length);
  }
  const shared = { form: numeral.form, significant: numeral.significant, decimals: numeral.decimals };
  const percent = PERCENT.exec(rest);
  if (percent !== null) {
    const left = rest.slice(percent[0].length).trim();
    if (left !== "" && (!NOUN.test(left) || NOT_NOUN.test(left))) return undefined;
    return { ...shared, value: times(value, ratioOf(1n, 100n)!), isPercent: true, ...(left !== "" && { noun: left }) };
  }
  const measured = readMeasure(rest, unit, /^\p{Script=Han}/u.test(text));
  return measured && { ...shared, ...measured, value, isPercent: false };
}

/** `3rd`, `third floor`. */
function readOrdinal(ordinal: { value: Exact; length: number }, text: string): Quantity | undefined {
  const rest = text.slice(ordinal.length).trim();
  if (rest !== "" && (!NOUN.test(rest) || NOT_NOUN.test(rest)) && !CHINESE_NOUN.test(rest)) return undefined;
  const noun = rest === "" ? {} : { noun: rest };
  return { value: ordinal.value, form: "ordinal", significant: 0, decimals: 0, isPercent: false, ...noun };
}

/** What stands behind the digits: nothing, a unit, or what is counted. Undefined when it is anything else. */
function readMeasure(
  rest: string,
  currency: Unit | undefined,
  inChinese: boolean,
): { unit?: Unit; noun?: string } | undefined {
  const comment = /^(.*?) ?\(([^()]{1,60})\)$/s.exec(rest);
  if (
    comment !== null &&
    !/\b(?:or|not|if|maybe)\b|(?:about|approx\w*) ?[-\d]|[或不=≈±\\+*^<>]|^[-\d.,%a-z]$|^[-\d.,%]+$/i.test(comment[2]!)
  ) {
    const inside = comment[1]!.trim() === "" ? readUnit(comment[2]!) : undefined;
    if (inside !== undefined) return { unit: inside };
    return readMeasure(comment[1]!, currency, inChinese);
  }
  let text = rest.replace(/^[ -]+(?=[a-zA-Z\\])|^\s+/, "").trim();
  const said = OF_WHAT.exec(text);
  const measured = said === null || readUnit(text) !== undefined ? undefined : readUnit(said[1]!);
  if (measured !== undefined && currency === undefined)
    return { unit: measured, noun: said![2] ?? said![3]!.replace(/^(?:to|on) the |wards?$/g, "") };
  for (
    let trailing = TRAILING.exec(text);
    trailing !== null && readUnit(text) === undefined;
    trailing = TRAILING.exec(text)
  )
    text = text.slice(0, trailing.index).trim();
  if (text === "" || isGenericUnit(text)) return currency === undefined ? {} : { unit: currency };
  const unit = readUnit(text) ?? readUnit(text.replace(/[整个]$/, ""));
  if (unit !== undefined) {
    // $5 million USD
    return currency !== undefined && !isSameDimension(currency, unit) ? undefined : { unit: currency ?? unit };
  }
  if (text.length > 60) return undefined;
  if (NOUN.test(text) && !NOT_NOUN.test(text) && !isProduct(rest)) return named(text, currency);
  if (CHINESE_NOUN.test(text) && !NOT_CHINESE_NOUN.test(text) && (!inChinese || MEASURE_WORD.test(text)))
    return named(text, currency);
  return undefined;
}

/** 2ab, 5xyz: letters right behind the digits are variables, unless they are as many as only a word has. */
const isProduct = (rest: string): boolean =>
  /^[a-zA-Z]{1,3}(?![a-zA-Z])/.test(rest) || /^ (?!(?:BC|AD|CE)$)[a-zA-Z]{1,2}$/.test(rest);

const named = (text: string, currency: Unit | undefined): { unit?: Unit; noun?: string } =>
  currency === undefined ? { noun: text } : { unit: currency };

/** (12), [12], {12}. */
function unwrapped(text: string): string {
  const match = /^(?:\(|\[|<|\\\{|\{) ?([^()[\]{},<>]*?) ?(?:\)|\]|>|\\\}|\})$/.exec(text.trim());
  return match?.[1] ?? text;
}

/**
 * A gold answer that is one number. Single letters directly behind digits are a unit only where they can hardly be a
 * variable.
 */
export function readGoldQuantity(text: string): Quantity | undefined {
  const roman = text.length > 1 ? readRoman(text) : undefined;
  if (roman !== undefined) return undefined;
  if (/^-?\d+ ?[a-zA-Z]$/.test(text) && !/\d ?[mgLJNWVAK]$|\d [shtFTCH]$/.test(text)) return undefined;
  return readQuantity(text);
}

/** Every quantity that an answer can be read as; the likeliest comes first. */
export function answerQuantities(text: string): Quantity[] {
  const found: Quantity[] = [];
  const add = (quantity: Quantity | undefined): void => {
    if (quantity !== undefined) found.push(quantity);
  };
  add(readQuantity(text));
  const comma = readCommaDecimal(text);
  if (comma !== undefined) add({ value: comma, form: "decimal", significant: 0, decimals: 0, isPercent: false });
  const roman = /^[IVXLCDM]{3,}$/.test(text) ? readRoman(text) : undefined;
  if (roman !== undefined) add({ value: roman, form: "integer", significant: 0, decimals: 0, isPercent: false });
  if (text.endsWith("!")) add(readQuantity(text.slice(0, -1)));
  if (found.length === 0) {
    const { value, others } = readLabel(text);
    for (const side of [value, ...others]) if (side !== text) found.push(...answerQuantities(side));
  }
  return found;
}

/** Why two quantities are not equal; undefined when they are. */
export function quantityDifference(gold: Quantity, written: Quantity): string | undefined {
  const answer = withPounds(gold, written);
  const units = unitDifference(gold, answer);
  if (units !== undefined) return units;
  const [left, right] =
    gold.unit !== undefined && answer.unit !== undefined
      ? [inBaseUnits(gold.value, gold.unit), inBaseUnits(answer.value, answer.unit)]
      : [gold.value, answer.value];
  if (isSameValue(left, right, gold, answer)) return undefined;
  if (isSamePercentage(gold, answer)) return undefined;
  return `${show(gold.value)} is not ${show(answer.value)}`;
}

/** "5.99 pounds" is money where the gold answer is. */
function withPounds(gold: Quantity, answer: Quantity): Quantity {
  const isMoney = gold.unit?.dimensions["GBP"] === 1 && answer.unit?.dimensions["M"] === 1;
  return isMoney && isEqual(answer.unit!.factor, POUND) ? { ...answer, unit: gold.unit! } : answer;
}
const POUND = ratioOf(45_359_237n, 100_000n)!;

/** 25% against 25, which answers the same question; but not 0.5 against 0.5%, which does not. */
function isSamePercentage(gold: Quantity, answer: Quantity): boolean {
  if (gold.isPercent === answer.isPercent) return false;
  const hundred = whole(100);
  if (gold.isPercent) return isEqual(times(gold.value, hundred), answer.value);
  return isBelow(ONE, absolute(gold.value)) && isEqual(times(answer.value, hundred), gold.value);
}

/** An answer's decimal of this many digits stands for the fraction that it is rounded from. */
const ENOUGH_DIGITS = 6;
/** A gold decimal of this many digits is met by the fraction that it was rounded from. */
const GOLD_DIGITS = 3;

function isSameValue(left: Exact, right: Exact, gold: Quantity, answer: Quantity): boolean {
  if (isEqual(left, right)) return true;
  if (gold.unit !== undefined && answer.unit !== undefined) return false;
  if (answer.form === "decimal" && answer.significant >= ENOUGH_DIGITS && isExactForm(gold))
    return isRoundedTo(left, right, answer.decimals);
  return (
    gold.form === "decimal" &&
    gold.significant >= GOLD_DIGITS &&
    isExactForm(answer) &&
    isRoundedTo(right, left, gold.decimals)
  );
}

const isExactForm = ({ form }: Quantity): boolean => form === "fraction" || form === "mixed" || form === "repeating";

/** Whether a decimal is a number rounded to that many places behind the point. */
export function isRoundedTo(exact: Exact, rounded: Exact, decimals: number): boolean {
  const difference = absolute(plus(exact, negated(rounded)));
  return !isBelow(ratioOf(1n, 2n * 10n ** BigInt(decimals))!, difference);
}

/** Why two quantities cannot be compared: they are of different things. */
export function unitDifference(gold: Quantity, answer: Quantity): string | undefined {
  if (gold.unit !== undefined && answer.unit !== undefined) {
    if (!isSameDimension(gold.unit, answer.unit)) return "the units do not measure the same";
    const isOther = gold.noun !== undefined && answer.noun !== undefined && !isSameNoun(gold.noun, answer.noun);
    return isOther ? `${gold.noun} is not ${answer.noun}` : undefined;
  }
  if (gold.noun !== undefined && answer.noun !== undefined)
    return isSameNoun(gold.noun, answer.noun) ? undefined : `${gold.noun} are not ${answer.noun}`;
  if (gold.unit !== undefined && answer.noun !== undefined)
    return `"${answer.noun}" is not the unit of the gold answer`;
  if (gold.isPercent && !answer.isPercent && answer.unit !== undefined) return "the unit is no percent";
  if (gold.isPercent && !answer.isPercent && answer.noun !== undefined) return `${answer.noun} are no percent`;
  if (gold.noun !== undefined && answer.unit !== undefined) return `the answer counts no ${gold.noun}`;
  return undefined;
}

/** "apple" and "apples"; one may say more: "red apples". */
function isSameNoun(gold: string, answer: string): boolean {
  const [left, right] = [stemmed(gold), stemmed(answer)];
  return (
    left === right ||
    left.endsWith(` ${right}`) ||
    right.endsWith(` ${left}`) ||
    left.startsWith(`${right} `) ||
    right.startsWith(`${left} `) ||
    (isHan(left) && (left.includes(right) || right.includes(left)))
  );
}

const isHan = (text: string): boolean => /^\p{Script=Han}+$/u.test(text);

const stemmed = (noun: string): string =>
  noun
    .toLowerCase()
    .replace(/[个只名位条本件块支辆棵头匹](?=.)/g, "")
    .replace(/\bbpm\b/, "beats per minute")
    .replace(/\bbce\b/, "bc")
    .replace(/\bce\b/, "ad")
    .replace(/\bpeople\b|\bpersons\b/g, "person")
    .replace(/\bchildren\b/g, "child")
    .replace(/ies\b/g, "y")
    .replace(/([^s])s\b/g, "$1");
