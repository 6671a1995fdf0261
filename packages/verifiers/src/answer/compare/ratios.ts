/** Ratios by the quotients of their terms, ranges by their ends. */
import { readLabel } from "../types/labels";
import { endsOf, type Range, readLooseRatio, readRange, readRatio } from "../types/ratio";
import { readRealSet } from "../types/real-set";
import { type Comparison, type SamePart, verdict } from "./comparison";
import { approximate } from "./math-engine";
import { isValue } from "./numbers";

export function compareRatio(gold: readonly string[], answer: string, same: SamePart): Comparison | undefined {
  const side = /^[^=]{1,40}=([^=]+)$/.exec(answer)?.[1]!.trim();
  const text = side === undefined ? answer : readRatio(side) === undefined ? readLabel(answer).value : side;
  const terms = readRatio(text) ?? (gold.length === 2 ? readLooseRatio(text) : undefined);
  if (terms !== undefined) {
    if (terms.length !== gold.length) return verdict(false, "ratio", `${gold.length} terms are not ${terms.length}`);
    const equal = gold.every((term, i) => i === 0 || same(quotient(gold[0]!, term), quotient(terms[0]!, terms[i]!)));
    return verdict(equal, "ratio", "the quotients of the terms are compared");
  }
  if (gold.length !== 2 || !isValue(text)) return undefined;
  return verdict(same(quotient(gold[0]!, gold[1]!), text), "number", "the quotient of the ratio is compared");
}

const quotient = (above: string, below: string): string => `\\frac{${digits(above)}}{${digits(below)}}`;
const digits = (term: string): string => term.replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");

export function compareRange(gold: Range, answer: string, same: SamePart): Comparison | undefined {
  const [low, high] = endsOf(gold);
  const range = readRange(answer);
  if (range !== undefined) {
    const [otherLow, otherHigh] = endsOf(range);
    return verdict(same(low, otherLow) && same(high, otherHigh), "range", "the ends are compared");
  }
  // "2 to 5" may be a ratio.
  const ratio = gold.isInWords ? readRatio(answer) : undefined;
  if (ratio?.length === 2)
    return verdict(same(gold.low, ratio[0]!) && same(gold.high, ratio[1]!), "ratio", "the terms are compared");
  const isSet = /[<>]|\\(?:le|ge|in)(?![a-z])|^[([].*[)\]]$/.test(answer);
  const intervals = isSet ? readRealSet(answer, approximate, true)?.intervals : undefined;
  if (intervals?.length !== 1) return undefined;
  const [interval] = intervals;
  const equal = same(low, interval!.low) && same(high, interval!.high);
  return verdict(equal, "interval", "the ends are compared");
}
