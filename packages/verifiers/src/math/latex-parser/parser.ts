/**
 * LaTeX → expression by recursive descent, after the grammar and the conversions of latex2sympy2_extended 1.11 (the parser
 * below Math-Verify 0.9). What an ANTLR parser decides by looking ahead without bound is decided here by trying the
 * alternatives in the grammar's order and going back. Deviations: nesting is limited to 80 levels (the reference dies of its own
 * recursion limit near there), row transforms (`\xrightarrow`) are not read, and inside `|..|` the next bar closes.
 */
import { spend } from "../budget";
import {
  EMPTY_SET,
  type Expression,
  charged,
  finiteSet,
  isSet,
  negative,
  OPAQUE,
  type RelationNode,
  type RelationOperator,
  sum,
  isTuple,
  isChain,
  isSingleRelation,
  relation,
  tuple,
} from "../expression";
import { onlySymbols } from "../structure";
import { parseSum, parseTerm } from "./arithmetic";
import { parseAtom } from "./atoms";
import { makeInterval } from "./intervals";
import { tokenize } from "./lexer";
import {
  accept,
  ahead,
  assumeReal,
  attempt,
  bindRules,
  countWrap,
  deeper,
  depth,
  enclosed,
  expect,
  fail,
  is,
  isName,
  parseExpression,
  peek,
  readTokens,
  separated,
  take,
  unbuildable,
  wraps,
} from "./token-reader";

const COMMA_NUMBER = /^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;
const ELEMENT_END = /[,;)\]}]|eof/;
const SET_OPENER = /[([{]|set|group|brack|boxed/;
const INTERVAL_OPENER = /[([]|group|brack/;
const INTERVAL_CLOSER = /[)\]]|rgroup|rbrack/;
const CLOSED = /[[\]]|brack/;

/**
 * Parses one LaTeX answer.
 *
 * @param source LaTeX, normalised
 * @param real whether symbols stand for real numbers
 * @returns null when the text does not parse
 * @throws BudgetError
 */
export const parseLatex = (source: string, real: boolean): Expression | null => {
  assumeReal(real);
  return parseAnswer(source);
};

/** @param from how deep the answer stands in another, and how many wraps that has */
const parseAnswer = (source: string, ...from: [depth?: number, wraps?: number]): Expression | null => {
  const tokens = tokenize(COMMA_NUMBER.test(source) ? source.replaceAll(",", "") : source);
  if (!tokens) return null;
  // What the types tell beforehand spares many attempts.
  const types = tokens.types.join(" ");
  return readTokens(
    tokens,
    () =>
      (/ (=|in) /.test(types) ? parseNamed(1, /^(=|in)$/, () => atEnd(setOrTuple(parseLists(true)))) : undefined) ??
      attempt(2, () => atEnd(setOrTuple(parseLists(false)))) ??
      (/ (=|(not)?in|c[ua]p|set|su[bp]set)/.test(types) ? attempt(3, () => atEnd(parseSetRelation())) : undefined),
    ...from,
  );
};

bindRules(parseSum, parseTerm, (source) => parseAnswer(source, depth, wraps));

const atEnd = (value: Expression): Expression => (is("eof") ? value : fail());

/** `x = ..`, `(x, y) = ..`, `x \in ..`: names, a sign and what they are; undefined when it is none of these. */
const parseNamed = (name: number, signs: RegExp, rule: () => Expression): Expression | undefined =>
  isName() || is("(")
    ? attempt(name, () => {
        const names = is("(") ? enclosed("(", () => separated(",", parseName)) : [parseName()];
        const sign = peek();
        if (!signs.test(sign)) fail();
        take();
        const right = rule();
        return sign === "notin" ? OPAQUE : relation("=", names.length > 1 ? tuple(names) : names[0]!, right);
      })
    : undefined;

const parseName = (): Expression => (isName() ? parseAtom() : fail());

/** Lists of elements: `1, 2; 3, 4`. */
const parseLists = (noRelations: boolean): Expression[][] =>
  separated(";", () => {
    const items: Expression[] = [];
    separated(",", () => items.push(...parseElement(noRelations)));
    return items;
  });

/** `flat()` is slow, and most answers have one list. */
const joined = (lists: Expression[][]): Expression[] => (lists.length > 1 ? lists.flat() : lists[0]!);

const parseElement = (noRelations: boolean): Expression[] => {
  spend(2);
  const set = SET_OPENER.test(peek())
    ? attempt(4, () => {
        const value = parseSetAtom();
        return ELEMENT_END.test(peek()) ? value : fail();
      })
    : undefined;
  if (set) return [set];
  const first = is("pm") ? undefined : parseExpression();
  if (accept("pm")) {
    const second = parseExpression();
    return first ? [sum(first, second), sum(first, negative(second))] : [negative(second), second];
  }
  return [noRelations ? first! : parseRelation(first!)];
};

const parseRelation = (first: Expression): Expression => {
  let left = first;
  for (;;) {
    const operator = peek();
    if (!/^([=<>!]=?|in|approx)$/.test(operator)) return left;
    take();
    countWrap();
    const right = parseExpression();
    if (operator === "in") left = unbuildable();
    else if (operator !== "approx") left = chain(left, operator === "==" ? "=" : (operator as RelationOperator), right);
    else if (onlySymbols(charged(left))) left = right;
  }
};

const parseSetRelation = (): Expression => {
  spend(2);
  let left = parseNamed(5, /^(=|in|notin)$/, () => deeper(parseSetRelation)) ?? parseOperations();
  while (accept("subset") || accept("supset")) {
    parseOperations();
    left = OPAQUE;
  }
  return left;
};

/** Set operations from the loosest to the tightest. */
const OPERATIONS = [
  ["setminus", "complement"],
  ["cup", "union"],
  ["cap", "intersection"],
] as const;

const parseOperations = (level = 0): Expression => {
  const operation = OPERATIONS[level];
  if (!operation) return parseSetGroup();
  const [sign, kind] = operation;
  let left = parseOperations(level + 1);
  while (accept(sign)) {
    const right = parseOperations(level + 1);
    countWrap();
    // Tuples of a union or intersection are sets.
    const [a, b] = [left, right].map((x) => (level > 0 && isTuple(x) ? finiteSet(x.items) : x));
    left = isSet(a!) && isSet(b!) ? { kind, left: a!, right: b! } : unbuildable();
  }
  return left;
};

const parseSetGroup = (): Expression =>
  (is("(") ? attempt(6, () => enclosed("(", () => deeper(parseOperations))) : undefined) ?? parseSetAtom();

const parseSetAtom = (): Expression => {
  spend(2);
  const type = peek();
  if (accept("emptyset")) return EMPTY_SET;
  if (/^set.$/.test(type)) {
    take();
    return type === "setP" ? unbuildable() : { kind: "namedSet", name: type.slice(3) as "N" };
  }
  return deeper(() => {
    if (ahead(/^\{\}/)) {
      take(2);
      return EMPTY_SET;
    }
    const interval = INTERVAL_OPENER.test(type) ? attempt(7, parseInterval) : undefined;
    if (interval) return interval;
    const boxed = accept("boxed");
    const opener = boxed ? "{" : type;
    const lists = /[([{]/.test(opener) ? enclosed(opener, () => parseLists(false)) : fail();
    const items = joined(lists);
    if (boxed) return setOrTuple(lists);
    if (opener.includes("{")) return finiteSet(items);
    return items.length > 1 ? tuple(items) : items[0]!;
  });
};

const parseInterval = (): Expression => {
  const leftOpen = !CLOSED.test(peek());
  take();
  const start = parseExpression();
  expect(",");
  const end = parseExpression();
  const closer = peek();
  take();
  return INTERVAL_CLOSER.test(closer) ? makeInterval(start, end, leftOpen, !CLOSED.test(closer)) : fail();
};

/** One list is a set of its elements, several are a set of tuples; one element is itself. */
const setOrTuple = (lists: Expression[][]): Expression => {
  const items =
    lists.length > 1 && lists.some((list) => list.length > 1) ? lists.map((list) => tuple(list)) : joined(lists);
  return items.length > 1 ? finiteSet(items) : items[0]!;
};

/** Extends a chain: `a < b` then `< c` adds `b < c`. */
const chain = (left: Expression, operator: RelationOperator, right: Expression): Expression => {
  const links = isChain(left) ? left.items : isSingleRelation(left) ? [left] : [];
  const last: RelationNode | undefined = links[links.length - 1];
  const link = relation(operator, last ? last.right : left, right);
  return last ? { kind: "chain", items: [...links, link] } : link;
};
