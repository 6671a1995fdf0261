/** Lists in any order, named values by their names, tuples part by part. */
import {
  commonName,
  expandItems,
  type Named,
  plusMinus,
  readItems,
  readComponents,
  readMatrix,
  readParts,
  readRecord,
  readSequence,
  readSet,
  readTuple,
  withoutCommonName,
} from "../types/collections";
import { isEqual } from "../types/exact";
import type { Gold } from "../types/gold";
import { readLabel } from "../types/labels";
import { readCommaDecimal } from "../types/numeral";
import { readQuantity } from "../types/quantity";
import { readRealSet } from "../types/real-set";
import { type Comparison, type SamePart, verdict } from "./comparison";
import { compareSets } from "./equations";
import { approximate } from "./math-engine";
import { isValue } from "./numbers";

export function compareList(
  gold: Extract<Gold, { type: "list" }>,
  answer: string,
  same: SamePart,
): Comparison | undefined {
  const written = itemsOf(answer);
  if (written === undefined) {
    const decimal = readCommaDecimal(gold.text);
    const value = decimal && readQuantity(answer)?.value;
    if (decimal && value && isEqual(decimal, value))
      return verdict(true, "number", "with a decimal comma it is that number");
    // One value where several are asked for.
    return isValue(answer) ? verdict(false, "number", `${gold.items.length} values are asked for`) : undefined;
  }
  const name = commonName(written);
  if (gold.name !== undefined && name !== undefined && gold.name !== name)
    return verdict(false, "list", `${gold.name} is asked for, not ${name}`);
  return compareItems(gold.items, written, same, gold.record);
}

/** 2 ± √3 against the list of its two values. */
export function comparePlusMinus(gold: string, answer: string, same: SamePart): Comparison | undefined {
  const items = plusMinus(gold);
  const written = items && itemsOf(answer);
  return items && written && compareItems(items, written, same);
}

function compareItems(
  gold: readonly string[],
  written: readonly string[],
  same: SamePart,
  record?: readonly Named[],
): Comparison | undefined {
  const items = expandItems(written);
  const others = readRecord(items);
  if (record !== undefined) return compareRecord(record, others, items, same);
  const values = others?.map(({ value }) => value) ?? withoutCommonName(items);
  // Words that are no list of the right things may be a sentence, of which a part is looked at next.
  const wrong = (why: string) => (values.every(isValue) ? verdict(false, "list", why) : undefined);
  if (values.length !== gold.length) return wrong(`${gold.length} values are asked for, ${values.length} are given`);
  const left = [...values];
  for (const item of gold) {
    const at = left.findIndex((other) => same(item, other));
    if (at === -1) return wrong(`${item} is missing`);
    left.splice(at, 1);
  }
  return verdict(true, "list", "the same values, in any order");
}

/** Items of a list, in whichever brackets. */
const itemsOf = (answer: string): readonly string[] | undefined =>
  readParts(answer) ??
  readSequence(answer) ??
  readSet(answer) ??
  readTuple(answer)?.items ??
  readItems(withoutLabelOfList(answer)) ??
  plusMinus(answer);

/** "x = 1, 2": the label holds for the whole list. */
const withoutLabelOfList = (text: string): string =>
  /^[a-zA-Z](?:_\{?\w+\}?)? ?(?:=|\\in) ?(?=[^=]*$)/.test(text) ? text.replace(/^[^=]*?(?:=|\\in) ?/, "") : text;

function compareRecord(
  gold: readonly Named[],
  answer: readonly Named[] | undefined,
  items: readonly string[],
  same: SamePart,
): Comparison {
  if (gold.length !== items.length)
    return verdict(false, "list", `${gold.length} values are asked for, ${items.length} are given`);
  if (answer === undefined) {
    if (items.some((item) => readLabel(item).label !== undefined))
      return verdict(false, "list", "the names are not the same");
    const equal = gold.every(({ value }, i) => same(value, items[i]!));
    return verdict(equal, "list", "the values are compared in their order");
  }
  const byName = new Map(answer.map(({ name, value }) => [name, value]));
  for (const { name, value } of gold) {
    const other = byName.get(name);
    if (other === undefined || !same(value, other)) return verdict(false, "list", `${name} is not the same`);
  }
  return verdict(true, "list", "the same value for every name");
}

export function compareTuple(
  gold: Extract<Gold, { type: "tuple" }>,
  answer: string,
  same: SamePart,
): Comparison | undefined {
  const { open, items, name } = gold.tuple;
  const otherName = readTuple(answer)?.name;
  if (name !== undefined && otherName !== undefined && name !== otherName)
    return verdict(false, "tuple", `${name} is asked for, not ${otherName}`);
  const others = coordinatesOf(answer, open);
  if (others !== undefined) {
    const equal = others.length === items.length && items.every((item, i) => same(item, others[i]!));
    return verdict(equal, "tuple", "the parts are compared one by one");
  }
  if (items.length !== 2 || !/[<>]|\\(?:le|ge|in)(?![a-z])/.test(answer)) return undefined;
  const asInterval = readRealSet(gold.text, approximate, true);
  return asInterval && compareSets(asInterval, answer, same);
}

/** The parts of an answer in their order: from brackets, a vector, `x = 3, y = -4`, or a plain list. */
function coordinatesOf(answer: string, open: string): readonly string[] | undefined {
  const tuple = readTuple(answer);
  if (tuple !== undefined) {
    // (2, 5) and [2, 5] are different intervals.
    const isSameKind = (tuple.open === "[") === (open === "[") || tuple.items.length > 2 || open === "parts";
    return isSameKind ? tuple.items : [];
  }
  const components = readComponents(answer);
  if (components !== undefined) return components;
  const rows = readMatrix(answer);
  if (rows !== undefined && (rows.length === 1 || rows[0]!.length === 1)) return rows.flat();
  const parts =
    readParts(answer) ?? readSequence(answer) ?? (readSet(answer) === undefined ? readItems(answer) : undefined);
  if (parts === undefined) return undefined;
  const record = readRecord(parts);
  if (record === undefined) return parts.every(isValue) || open === "parts" ? parts : undefined;
  const isSorted = /^[a-z]$/.test(record[0]!.name);
  return (isSorted ? [...record].sort((a, b) => (a.name < b.name ? -1 : 1)) : record).map(({ value }) => value);
}
