/**
 * LaTeX → expression by recursive descent, after the grammar and the conversions of latex2sympy2_extended 1.11 (the parser
 * below Math-Verify 0.9). What an ANTLR parser decides by looking ahead without bound is decided here by trying the
 * alternatives in the grammar's order and going back. Deviations: nesting is limited to 80 levels (the reference dies of its own
 * recursion limit near there), row transforms (`\xrightarrow`) are not read, and inside `|..|` the next bar closes.
 */
import { spend } from "../budget";
import { EMPTY_SET, type Expression, finiteSet, isSet, negative, number, OPAQUE, type RelationNode, type RelationOperator, sum, isTuple, isChain, isSingleRelation, relation, tuple } from "../expression";
import { parseDecimal } from "../rational";
import { onlySymbols } from "../structure";
import { parseExpression, parseSumOfTerms, parseTerm } from "./arithmetic";
import { parseName } from "./atoms";
import { makeInterval } from "./intervals";
import { tokenize } from "./lexer";
import { accept, attempt, countWrap, deeper, expect, fail, NAMES, TokenReader, unbuildable, type Rules } from "./token-reader";

const COMMA_NUMBER = /^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;
const ELEMENT_END = new Set([",", ";", ")", "]", "}", "\\)", "\\}", "eof"]);
const SET_OPENERS = new Set(["(", "\\(", "lgroup", "[", "lbrack", "{", "\\{", "boxed", "emptyset", "setN", "setZ", "setQ", "setR", "setC", "setP"]);
const INTERVAL_OPENERS = new Set(["[", "(", "\\(", "lbrack", "lgroup"]);
const INTERVAL_CLOSERS = new Set(["]", ")", "\\)", "rbrack", "rgroup"]);
const RELATIONS: Readonly<Record<string, RelationOperator>> = { "=": "=", "==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "!=": "!=" };
const SET_WORDS = new Set(["cup", "cap", "setminus", "subset", "supset", "in", "notin", "="]);

/**
 * Parses one LaTeX answer.
 *
 * @param source LaTeX, normalised
 * @param real whether symbols stand for real numbers
 * @returns null when the text does not parse
 * @throws BudgetError
 */
export const parseLatex = (source: string, real: boolean): Expression | null => {
  const tokens = tokenize(source);
  return tokens === null ? null : parseAnswer(new TokenReader(tokens, real, RULES));
};

const RULES: Rules = { expression: parseExpression, term: parseTerm, sumOfTerms: parseSumOfTerms, answer: parseLatex };

const parseAnswer = (r: TokenReader): Expression | null => {
  const types = r.types;
  const start = types[0]!;
  if (start === "eof") return null;
  let result: Expression | undefined;
  const mayAssign = NAMES.has(start) || start === "(";
  if (mayAssign && (types.includes("=") || types.includes("in"))) result = attempt(r, 1, () => parseAssignment(r));
  result ??= attempt(r, 2, () => atEnd(r, parseElements(r)));
  if (result === undefined && types.some((type) => SET_WORDS.has(type))) result = attempt(r, 3, () => atEnd(r, parseSetRelation(r)));
  return result === undefined || r.broken ? null : result;
};

const atEnd = <T>(r: TokenReader, value: T): T => {
  if (r.types[r.at] !== "eof") fail();
  return value;
};

const parseAssignment = (r: TokenReader): Expression => {
  const left = parseNameList(r);
  if (!accept(r, "=") && !accept(r, "in")) fail();
  const right = setOrTuple(parseSemicolons(r, true));
  atEnd(r, null);
  return relation("=", left, right);
};

const parseNameList = (r: TokenReader): Expression => {
  if (!accept(r, "(")) return parseName(r);
  const names = [parseName(r)];
  while (accept(r, ",")) names.push(parseName(r));
  expect(r, ")");
  return names.length === 1 ? names[0]! : tuple(names);
};

const parseElements = (r: TokenReader): Expression => {
  const lists = parseSemicolons(r, false);
  if (lists.some((list) => list.length > 1) && r.types[r.at] === "eof" && COMMA_NUMBER.test(r.tokens.source)) {
    const digits = r.tokens.source.replace(/[, \s]/g, "");
    const value = parseDecimal(digits);
    if (value !== null) return number(value, digits.includes("."));
  }
  return setOrTuple(lists);
};

const parseSemicolons = (r: TokenReader, noRelations: boolean): Expression[][] => {
  const lists = [parseCommas(r, noRelations)];
  while (accept(r, ";")) lists.push(parseCommas(r, noRelations));
  return lists;
};

const parseCommas = (r: TokenReader, noRelations: boolean): Expression[] => {
  const items = parseElement(r, noRelations);
  while (accept(r, ",")) items.push(...parseElement(r, noRelations));
  return items;
};

const parseElement = (r: TokenReader, noRelation: boolean): Expression[] => {
  spend(2);
  if (accept(r, "pm")) {
    const value = parseExpression(r);
    return [negative(value), value];
  }
  if (SET_OPENERS.has(r.types[r.at]!)) {
    const set = attempt(r, 4, () => {
      const value = parseSetAtom(r);
      return ELEMENT_END.has(r.types[r.at]!) ? value : fail();
    });
    if (set !== undefined) return [set];
  }
  const first = parseExpression(r);
  if (accept(r, "pm")) {
    const second = parseExpression(r);
    return [sum(first, second), sum(first, negative(second))];
  }
  return [noRelation ? first : parseRelation(r, first)];
};

const parseRelation = (r: TokenReader, first: Expression): Expression => {
  let left = first;
  for (;;) {
    const type = r.types[r.at]!;
    if (type === "approx") {
      r.at++;
      countWrap(r);
      const right = parseExpression(r);
      if (onlySymbols(left)) left = right;
      continue;
    }
    if (type === "in") {
      r.at++;
      parseExpression(r);
      left = unbuildable(r);
      continue;
    }
    const operator = RELATIONS[type];
    if (operator === undefined) return left;
    r.at++;
    countWrap(r);
    left = chain(left, operator, parseExpression(r));
  }
};

const parseSetRelation = (r: TokenReader): Expression => {
  spend(2);
  const named = NAMES.has(r.types[r.at]!) || r.types[r.at] === "("
    ? attempt(r, 5, () => {
        const left = parseNameList(r);
        const type = r.types[r.at]!;
        if (type !== "in" && type !== "notin" && type !== "=") fail();
        r.at++;
        const right = deeper(r, () => parseSetRelation(r));
        return type === "notin" ? OPAQUE : relation("=", left, right);
      })
    : undefined;
  let left: Expression = named ?? parseComplement(r);
  while (accept(r, "subset") || accept(r, "supset")) {
    parseComplement(r);
    left = OPAQUE;
  }
  return left;
};

const parseComplement = (r: TokenReader): Expression => {
  let left = parseUnion(r);
  while (accept(r, "setminus")) left = parseSetOperation(r, "complement", left, parseUnion(r), false);
  return left;
};

const parseUnion = (r: TokenReader): Expression => {
  let left = parseIntersection(r);
  while (accept(r, "cup")) left = parseSetOperation(r, "union", left, parseIntersection(r), true);
  return left;
};

const parseIntersection = (r: TokenReader): Expression => {
  let left = parseSetGroup(r);
  while (accept(r, "cap")) left = parseSetOperation(r, "intersection", left, parseSetGroup(r), true);
  return left;
};

const parseSetOperation = (r: TokenReader, kind: "union" | "intersection" | "complement", left: Expression, right: Expression, tuples: boolean): Expression => {
  countWrap(r);
  const a = tuples && isTuple(left) ? finiteSet(left.items) : left;
  const b = tuples && isTuple(right) ? finiteSet(right.items) : right;
  return isSet(a) && isSet(b) ? { kind, left: a, right: b } : unbuildable(r);
};

const parseSetGroup = (r: TokenReader): Expression => {
  if (r.types[r.at] === "(") {
    const group = attempt(r, 6, () => {
      r.at++;
      const value = deeper(r, () => parseComplement(r));
      expect(r, ")");
      return value;
    });
    if (group !== undefined) return group;
  }
  return parseSetAtom(r);
};

const parseSetAtom = (r: TokenReader): Expression => {
  spend(2);
  const type = r.types[r.at]!;
  if (type === "emptyset") {
    r.at++;
    return EMPTY_SET;
  }
  if (type.length === 4 && type.startsWith("set")) {
    r.at++;
    return type === "setP" ? unbuildable(r) : { kind: "namedSet", name: type.slice(3) as "N" };
  }
  return deeper(r, () => {
    if (type === "{" && r.types[r.at + 1] === "}") {
      r.at += 2;
      return EMPTY_SET;
    }
    if (INTERVAL_OPENERS.has(type)) {
      const interval = attempt(r, 7, () => parseInterval(r, type));
      if (interval !== undefined) return interval;
    }
    if (type === "(" || type === "\\(" || type === "[") return parseOrderedTuple(r, type);
    return parseBraceSet(r, type);
  });
};

const parseInterval = (r: TokenReader, opener: string): Expression => {
  r.at++;
  const start = parseExpression(r);
  expect(r, ",");
  const end = parseExpression(r);
  const closer = r.types[r.at++]!;
  if (!INTERVAL_CLOSERS.has(closer)) fail();
  const leftOpen = opener !== "[" && opener !== "lbrack";
  const rightOpen = closer !== "]" && closer !== "rbrack";
  return makeInterval(start, end, leftOpen, rightOpen) ?? unbuildable(r);
};

const parseOrderedTuple = (r: TokenReader, opener: string): Expression => {
  r.at++;
  const lists = parseSemicolons(r, false);
  expect(r, opener === "(" ? ")" : opener === "[" ? "]" : "\\)");
  if (lists.length === 1 && lists[0]!.length === 1) return lists[0]![0]!;
  return tuple(lists.flat());
};

const parseBraceSet = (r: TokenReader, opener: string): Expression => {
  r.at++;
  if (opener === "boxed") expect(r, "{");
  else if (opener !== "{" && opener !== "\\{") fail();
  const lists = parseSemicolons(r, false);
  expect(r, opener === "\\{" ? "\\}" : "}");
  return opener === "boxed" ? setOrTuple(lists) : finiteSet(lists.flat());
};

const setOrTuple = (lists: readonly (readonly Expression[])[]): Expression => {
  if (lists.length === 1) return lists[0]!.length === 1 ? lists[0]![0]! : finiteSet(lists[0]!);
  if (lists.every((list) => list.length === 1)) return finiteSet(lists.map((list) => list[0]!));
  return finiteSet(lists.map((items) => tuple(items)));
};

/** Extends a chain: `a < b` then `< c` adds `b < c`. */
const chain = (left: Expression, operator: RelationOperator, right: Expression): Expression => {
  const last: RelationNode | undefined = isChain(left) ? left.items[left.items.length - 1] : isSingleRelation(left) ? left : undefined;
  if (last === undefined) return relation(operator, left, right);
  const link: RelationNode = relation(operator, last.right, right);
  return { kind: "chain", items: isChain(left) ? [...left.items, link] : [last, link] };
};
