/**
 * Types "list", "tuple" and "matrix": values of several parts. The parts are texts here; `../compare` compares them
 * like answers of their own.
 */
import { insideBrackets, splitOutside } from "../normalize/scan";
import { isSymbol, labelKey, readLabel } from "./labels";

const SEPARATOR =
  /(?: *[,;] *(?:(?:and|or)\b(?! *[<>=]))? *)|(?: +(?:and|or|&|以及|及) +)|(?: *(?:和|或者|或|以及) *)|(?: *\\\\ *)|(?: *\n+ *)/y;
const BAR = / *\|{1,2} */y;
const LONGEST = 1500;
const MOST_ITEMS = 100;

/** The items of a list as texts, or undefined when the text is no list of two or more. */
export function readItems(text: string): string[] | undefined {
  if (text.length > LONGEST) return undefined;
  let items = splitOutside(text, SEPARATOR);
  if (items.length === 1 && /[^\s|]\|{1,2}[^\s|]/.test(text) && !/[\\\d=<>]/.test(text))
    items = splitOutside(text, BAR);
  if (items.length === 1 && BLANKS_ONLY.test(text)) items = text.trim().split(/ +/);
  const found = items.map((item) => item.trim()).filter((item) => item !== "");
  return found.length >= 2 && found.length <= MOST_ITEMS ? found : undefined;
}

/**
 * `1 1 -1`: numbers with nothing but blanks between. `1 234` is one number and `3 1/2` another, which are read before.
 */
const BLANKS_ONLY = /^-?\d+(?:\.\d+)?(?: +-?\d+(?:\.\d+)?)+$/;

/** `C → A → B`: three things or more in their order. */
export function readSequence(text: string): string[] | undefined {
  if (text.length > LONGEST || !/\\to|->/.test(text)) return undefined;
  const items = text.split(/ *(?:\\to(?![a-z])|-{1,2}>) */).map((item) => item.trim());
  return items.length >= 3 && items.length <= MOST_ITEMS && items.every((item) => item !== "") ? items : undefined;
}

const PART = /(?:^|[\s,;.])\(?(\d{1,2}|[a-h]|i{1,3}|iv|v|vi)\) */g;

/** The items of `(1) 3; (2) 6`, in their order. */
export function readParts(text: string): string[] | undefined {
  if (text.length > LONGEST || !/^\(?(?:1|a|i)\)/.test(text)) return undefined;
  const marks = [...text.matchAll(PART)];
  if (marks.length < 2) return undefined;
  const first = marks[0]![1]!;
  if (!marks.every((mark, i) => mark[1] === placeName(first, i))) return undefined;
  const items = marks.map((mark, i) =>
    text
      .slice(mark.index + mark[0].length, marks[i + 1]?.index ?? text.length)
      .replace(/[\s,;.]+$/, "")
      .trim(),
  );
  return items.every((item) => item !== "") ? items : undefined;
}

const ROMAN = ["i", "ii", "iii", "iv", "v", "vi"];
const placeName = (first: string, i: number): string | undefined =>
  first === "1" ? String(i + 1) : first === "a" ? String.fromCharCode(97 + i) : ROMAN[i];

/** A text with ± as the two texts that it stands for. */
export function plusMinus(text: string): readonly [string, string] | undefined {
  if (!text.includes("\\pm") && !text.includes("+-") && !text.includes("+/-")) return undefined;
  const marked = text.replace(/\+\/-|\+-/g, "\\pm ");
  const side = (first: string, second: string): string =>
    marked
      .replace(/\\pm ?/g, first)
      .replace(/\\mp ?/g, second)
      .trim();
  return [side("+", "-"), side("-", "+")];
}

/** Every item, with those that hold ± as two. */
export const expandItems = (items: readonly string[]): string[] => items.flatMap((item) => plusMinus(item) ?? [item]);

export interface Tuple {
  readonly open: string;
  readonly items: readonly string[];
  /** The point's name: P, of P(3, -4). */
  readonly name?: string;
}

const COMMA = / *[,;] */y;

/**
 * `(1, 2)`, `[1, 2]`, `\langle 1, 2 \rangle`: two items or more in one pair of brackets, with a name before it or none.
 */
export function readTuple(text: string): Tuple | undefined {
  const name = /^([A-Z]'?(?:_\{?\w+\}?)?) ?(?:= ?)?\(/.exec(text)?.[1];
  const bare = text
    .replace(/^[A-Z]'?(?:_\{?\w+\}?)? ?(?==? ?\()=? ?/, "")
    .replace(/^\( ?[a-z](?: ?, ?[a-z])+ ?\) ?= ?/, "")
    .replace(/^\\?(?:vec|overline) ?\{?[a-zA-Z]{1,2}\}? ?= ?/, "");
  const brackets = insideBrackets(bare);
  if (brackets === undefined || brackets.open === "\\{" || brackets.open === "{") return undefined;
  const items = splitOutside(brackets.inner, COMMA).map((item) => item.trim());
  return items.length >= 2 && items.length <= MOST_ITEMS && items.every((item) => item !== "")
    ? { open: brackets.open, items, ...(name !== undefined && { name }) }
    : undefined;
}

const COMPONENT = /([-+]?) ?([^-+]*?) ?(?:\\(?:hat|vec|overrightarrow) ?)?\{?([ijk])\}? ?(?=[-+]|$)/y;

/** `2i - 3j + k` as the components of a vector in two or three dimensions. */
export function readComponents(text: string): string[] | undefined {
  if (text.length > 120 || !/[jk]/.test(text)) return undefined;
  const found = new Map<string, string>();
  COMPONENT.lastIndex = 0;
  while (COMPONENT.lastIndex < text.length) {
    const match = COMPONENT.exec(text);
    const axis = match?.[3];
    if (match === null || axis === undefined || found.has(axis)) return undefined;
    found.set(axis, `${match[1] === "-" ? "-" : ""}${match[2] === "" ? "1" : match[2]}`);
  }
  return found.size < 2 ? undefined : [...(found.has("k") ? "ijk" : "ij")].map((axis) => found.get(axis) ?? "0");
}

/** `\{1, 2\}`. */
export function readSet(text: string): string[] | undefined {
  const brackets = insideBrackets(text.replace(/^[a-zA-Z] ?(?:\\in|=) ?(?=\\\{)/, ""));
  if (brackets?.open !== "\\{" || /[|:]|\\in(?![a-z])/.test(brackets.inner)) return undefined;
  const items = splitOutside(brackets.inner, COMMA).map((item) => item.trim());
  return items.length >= 1 && items.length <= MOST_ITEMS && items.every((item) => item !== "") ? items : undefined;
}

const ENVIRONMENT =
  /^[([]? ?\\begin ?\{([pbBv]?|small)(matrix|array)\*?\}(?: ?\{[^{}]*\})?(.*)\\end ?\{\1\2\*?\} ?[)\]]?$/s;

/** Rows of a matrix. */
export function readMatrix(written: string): string[][] | undefined {
  const text = written.replace(/^[A-Z] ?= ?(?=[[(\\])/, "").trim();
  const environment = ENVIRONMENT.exec(text);
  if (environment !== null) {
    if (environment[1] === "v") return undefined;
    const rows = environment[3]!
      .split("\\\\")
      .map((row) => row.trim())
      .filter((row) => row !== "" && row !== "\\hline")
      .map((row) => row.split("&").map((entry) => entry.trim()));
    return isRectangular(rows) ? rows : undefined;
  }
  const semicolons = /^\[([^[\]]*;[^[\]]*)\]$/.exec(text);
  if (semicolons !== null) {
    const rows = semicolons[1]!.split(";").map((row) => row.trim().split(/ *, *| +/));
    return isRectangular(rows) ? rows : undefined;
  }
  const outer = insideBrackets(text);
  if (outer === undefined || !/^[[(]$/.test(outer.open) || !/^ *[[(]/.test(outer.inner)) return undefined;
  const rows: string[][] = [];
  for (const row of splitOutside(outer.inner, COMMA)) {
    const inner = insideBrackets(row.trim());
    if (inner === undefined || inner.open !== outer.open) return undefined;
    rows.push(splitOutside(inner.inner, COMMA).map((entry) => entry.trim()));
  }
  return rows.length > 1 && outer.open === "[" && isRectangular(rows) ? rows : undefined;
}

const isRectangular = (rows: readonly (readonly string[])[]): boolean =>
  rows.length > 0 &&
  rows[0]!.length > 0 &&
  rows.every((row) => row.length === rows[0]!.length && row.every((entry) => entry !== ""));

/** A value with the name that it has. */
export interface Named {
  readonly name: string;
  readonly value: string;
}

/** The one variable that all items are values of: x, of `x_1 = 1`, `x_2 = 2`. */
export function commonName(items: readonly string[]): string | undefined {
  const names = new Set(
    items.map((item) => readLabel(item).label).map((label) => label && labelKey(label).replace(/_?\d+$/, "")),
  );
  const [name] = names;
  return names.size === 1 && name !== undefined && /^[a-zA-Z]$/.test(name) ? name : undefined;
}

/** `x_1 = 1`, `x_2 = 2` as 1, 2: values of one variable need no name. */
export const withoutCommonName = (items: readonly string[]): readonly string[] =>
  commonName(items) === undefined ? items : items.map((item) => readLabel(item).value);

/**
 * Items that each have a name of their own: `x = 1, y = 2`, `A(1,2), B(3,4)`. `x_1 = 1, x_2 = 2` are values of one
 * variable.
 */
export function readRecord(items: readonly string[]): Named[] | undefined {
  const named: Named[] = [];
  for (const item of items) {
    const { label, value } = readLabel(item);
    if (label === undefined || !(isSymbol(label) || /^\\?(?:angle)? ?[A-Z]{1,3}$/.test(label))) return undefined;
    named.push({ name: labelKey(label), value });
  }
  const bases = new Set(named.map(({ name }) => name.replace(/_?\d+$/, "")));
  const names = new Set(named.map(({ name }) => name));
  const isOneVariable = bases.size === 1 && named.every(({ name }) => /^[a-z]_?\d*$/.test(name));
  return names.size === named.length && !isOneVariable ? named : undefined;
}
