/**
 * Types "ratio" and "range". A ratio of two numbers is their quotient (3:4 is 6:8 and 3/4); one of more is compared up
 * to a common factor. A range has two ends, compared one by one; whether the ends belong to it is left open.
 */
import { splitOutside } from "../normalize/scan";

const COLON = / ?: ?/y;
const TERM = /^[^=<>;]{1,60}$/;

/** Terms of a ratio, as texts. */
export function readRatio(text: string): readonly string[] | undefined {
  if (text.length > 120 || !text.includes(":") || /\/\/|::/.test(text)) return undefined;
  const terms = splitOutside(text, COLON).map((term) => term.trim());
  if (terms.length < 2 || terms.length > 8) return undefined;
  return terms.every((term) => TERM.test(term) && isTerm(term)) ? terms : undefined;
}

/** A number, a root, a variable, with no words. */
const isTerm = (term: string): boolean =>
  /^[-+]?(?:\d|\.\d|\\(?:sqrt|frac|pi)|[a-zA-Z](?![a-zA-Z]))/.test(term) &&
  !/[a-zA-Z]{3}/.test(term.replace(/\\[a-z]+/g, ""));

/** The two terms that "3 to 4", "3/4" or "3 : 4" stand for, where a ratio of two is asked for. */
export function readLooseRatio(text: string): readonly string[] | undefined {
  const words = /^(.{1,40}?) (?:to|is to) (.{1,40})$/.exec(text) ?? /^(.{1,20})比(.{1,20})$/.exec(text);
  const terms = words?.slice(1).map((term) => term.trim());
  return terms?.every(isTerm) ? terms : undefined;
}

export interface Range {
  readonly low: string;
  readonly high: string;
  /** The unit, percent sign or currency that stands once for both ends. */
  readonly unit: string;
  /** Written "2 to 5". */
  readonly isInWords?: true;
}

const END = String.raw`(?:[$€£¥]? ?-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?: ?(?:%|percent|million|billion|thousand|[kKM](?![a-zA-Z])))?)`;
const DASHED = new RegExp(String.raw`^(${END}) ?(?:-{1,3}|~|to|through|至|到|\\sim) ?(${END})(?: ?-?([^\d].{0,40}))?$`);
const BETWEEN = new RegExp(
  String.raw`^(?:between|from|In|介于)?:? ?(${END}[^\d]{0,20}?) ?(?:and|to|与|和|到|至|-) ?(${END})(?: ?([^\d].{0,40}))?$`,
  "i",
);
const CHINESE_BETWEEN = new RegExp(String.raw`^(?:在|从)? ?(${END}) ?(?:和|与|到|至|-) ?(${END})(.{0,10}?)(?:之间)?$`);

/** Reads a text that is a range of numbers as a whole. */
export function readRange(text: string): Range | undefined {
  if (text.length > 100 || !/\d.*\d/.test(text)) return undefined;
  const dashed = DASHED.exec(text);
  if (dashed !== null && !/^[\d-]+$/.test(dashed[3] ?? "")) {
    const isInWords = / to /.test(text) && dashed[3] === undefined;
    // "3 to 1" is a ratio.
    if (isInWords && Number(dashed[1]) > Number(dashed[2])) return undefined;
    const range = rangeOf(dashed[1]!, dashed[2]!, dashed[3]);
    return range && isInWords ? { ...range, isInWords } : range;
  }
  if (/^(?:between|from|介于|在|从)/i.test(text)) {
    const between = BETWEEN.exec(text) ?? CHINESE_BETWEEN.exec(text);
    if (between !== null) return rangeOf(between[1]!, between[2]!, between[3]);
  }
  return undefined;
}

function rangeOf(low: string, high: string, unit: string | undefined): Range | undefined {
  const after = (unit ?? "").trim().replace(/^之间$/, "");
  if (/^[)\]]|[,;]|\d/.test(after)) return undefined;
  return { low: low.trim(), high: high.trim(), unit: after };
}

/** An end with the unit that the text gives once. */
export const endsOf = ({ low, high, unit }: Range): readonly [string, string] => {
  const shared = /[%]|million|billion|thousand|percent/.exec(high)?.[0] ?? "";
  const lowEnd = shared !== "" && !low.includes(shared) ? `${low} ${shared}` : low;
  return unit === "" ? [lowEnd, high] : [`${lowEnd} ${unit}`, `${high} ${unit}`];
};
