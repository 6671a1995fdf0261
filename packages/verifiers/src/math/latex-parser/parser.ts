/**
 * LaTeX → expression by recursive descent, after the grammar and the conversions of latex2sympy2_extended 1.11 (the
 * parser below Math-Verify 0.9). What an ANTLR parser decides by looking ahead without bound is decided here by trying
 * the alternatives in the grammar's order and going back. Deviations: nesting is limited to 80 levels (the reference
 * dies of its own recursion limit near there), row transforms (`\xrightarrow`) are not read, and inside `|..|` the next
 * bar closes.
 */
import type { Calculator } from "../evaluation/calculator";
import type { Depth } from "../token-reader";
import { EMPTY_SET, type Expression, OPAQUE, isSet, isTuple, negative, relation, sum, tuple } from "../tree/expression";
import { finiteSet } from "../tree/identity";
import { parseSum, parseTerm } from "./arithmetic";
import { parseAtom } from "./atoms";
import { parseInterval } from "./intervals";
import { type Grammar, LatexReader, type ReadingContext } from "./latex-reader";
import { tokenize } from "./lexer";
import { parseRelation } from "./relations";

const COMMA_NUMBER = /^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;
const ELEMENT_END = /[,;)\]}]|eof/;
const SET_OPENER = /[([{]|set|group|brack|boxed/;
const INTERVAL_OPENER = /[([]|group|brack/;

const GRAMMAR: Grammar = { sum: parseSum, product: parseTerm, answer: parseAnswer };

/**
 * Parses one LaTeX answer.
 *
 * @param calculator works out what the reference evaluates while it reads; its budget is spent
 * @param source LaTeX, normalized
 * @param isReal whether symbols stand for real numbers
 * @returns null when the text does not parse
 * @throws BudgetError
 */
export function parseLatex(calculator: Calculator, source: string, isReal: boolean): Expression | null {
  return parseAnswer(source, { grammar: GRAMMAR, calculator, isReal });
}

/** @param depth how deep the answer stands in another */
function parseAnswer(source: string, context: ReadingContext, depth?: Depth): Expression | null {
  const plain = COMMA_NUMBER.test(source) ? source.replaceAll(",", "") : source;
  const tokens = tokenize(context.calculator.budget, plain);
  if (!tokens) return null;
  const reader = new LatexReader(context, tokens, depth);
  // What the types tell beforehand spares many attempts.
  const types = tokens.types.join(" ");
  const mayBeNamed = / (=|in) /.test(types) && (reader.isName() || reader.is("("));
  const mayBeSets = / (=|(not)?in|c[ua]p|set|su[bp]set)/.test(types);
  const value =
    (mayBeNamed ? reader.attempt(parseNamedElements) : undefined) ??
    reader.attempt(parseElements) ??
    (mayBeSets ? reader.attempt(parseSets) : undefined);
  return value === undefined || reader.isBroken ? null : value;
}

function atEnd(reader: LatexReader, value: Expression): Expression {
  return reader.is("eof") ? value : reader.fail();
}

/** `x = 1, 2`, `x \in {1, 2}`: what a name stands for, without relations in it. */
function parseNamedElements(reader: LatexReader): Expression {
  return parseNamed(reader, /^(=|in)$/, () => atEnd(reader, setOrTuple(parseLists(reader, true))));
}

/** Elements and relations: `1, 2; 3, 4`, `x < 2`. */
function parseElements(reader: LatexReader): Expression {
  return atEnd(reader, setOrTuple(parseLists(reader, false)));
}

function parseSets(reader: LatexReader): Expression {
  return atEnd(reader, parseSetRelation(reader));
}

/** `x \in ..`, `x \notin ..` and `x = ..` before sets. */
function parseNamedSet(reader: LatexReader): Expression {
  return parseNamed(reader, /^(=|in|notin)$/, () => reader.deeper(parseSetRelation));
}

/** `x = ..`, `(x, y) = ..`, `x \in ..`: names, a sign and what they are. */
function parseNamed(reader: LatexReader, signs: RegExp, rule: () => Expression): Expression {
  const names = reader.is("(") ? reader.enclosed("(", () => reader.separated(",", parseName)) : [parseName(reader)];
  const sign = reader.peek();
  if (!signs.test(sign)) reader.fail();
  reader.take();
  const right = rule();
  return sign === "notin" ? OPAQUE : relation("=", names.length > 1 ? tuple(names) : names[0]!, right);
}

function parseName(reader: LatexReader): Expression {
  return reader.isName() ? parseAtom(reader) : reader.fail();
}

/** Lists of elements: `1, 2; 3, 4`. */
function parseLists(reader: LatexReader, withoutRelations: boolean): Expression[][] {
  return reader.separated(";", () => {
    const items: Expression[] = [];
    reader.separated(",", () => items.push(...parseElement(reader, withoutRelations)));
    return items;
  });
}

/** `flat()` is slow, and most answers have one list. */
function joined(lists: Expression[][]): Expression[] {
  return lists.length > 1 ? lists.flat() : lists[0]!;
}

/** One element, or two for `a ± b`. */
function parseElement(reader: LatexReader, withoutRelations: boolean): Expression[] {
  reader.budget.spend(2);
  const set = SET_OPENER.test(reader.peek()) ? reader.attempt(parseSetElement) : undefined;
  if (set) return [set];
  const first = reader.is("pm") ? undefined : reader.expression();
  if (reader.accept("pm")) {
    const second = reader.expression();
    return first ? [sum(first, second), sum(first, negative(second))] : [negative(second), second];
  }
  return [withoutRelations ? first! : parseRelation(reader, first!)];
}

function parseSetElement(reader: LatexReader): Expression {
  const value = parseSetAtom(reader);
  return ELEMENT_END.test(reader.peek()) ? value : reader.fail();
}

function parseSetRelation(reader: LatexReader): Expression {
  reader.budget.spend(2);
  const named = reader.isName() || reader.is("(") ? reader.attempt(parseNamedSet) : undefined;
  let left = named ?? parseOperations(reader);
  while (reader.accept("subset") || reader.accept("supset")) {
    parseOperations(reader);
    left = OPAQUE;
  }
  return left;
}

/** Set operations from the loosest to the tightest. */
const OPERATIONS = [
  ["setminus", "complement"],
  ["cup", "union"],
  ["cap", "intersection"],
] as const;

function parseOperations(reader: LatexReader, level = 0): Expression {
  const operation = OPERATIONS[level];
  if (!operation) return parseSetGroup(reader);
  const [sign, kind] = operation;
  // Tuples of a union or intersection are sets.
  const asSet = (x: Expression): Expression => (level > 0 && isTuple(x) ? finiteSet(x.items) : x);
  let left = parseOperations(reader, level + 1);
  while (reader.accept(sign)) {
    const [a, b] = [asSet(left), asSet(parseOperations(reader, level + 1))];
    reader.countWrap();
    left = isSet(a) && isSet(b) ? { kind, left: a, right: b } : reader.unbuildable();
  }
  return left;
}

function parseSetGroup(reader: LatexReader): Expression {
  const group = reader.is("(") ? reader.attempt(parseParenthesizedSet) : undefined;
  return group ?? parseSetAtom(reader);
}

function parseParenthesizedSet(reader: LatexReader): Expression {
  return reader.enclosed("(", () => reader.deeper((inner) => parseOperations(inner)));
}

function parseSetAtom(reader: LatexReader): Expression {
  reader.budget.spend(2);
  const type = reader.peek();
  if (reader.accept("emptyset")) return EMPTY_SET;
  if (!/^set.$/.test(type)) return reader.deeper(parseBracketedSet);
  reader.take();
  return type === "setP" ? reader.unbuildable() : { kind: "namedSet", name: type.slice(3) as "N" };
}

/** `{1, 2}`, `(1, 2)`, `[1, 2)`, `\boxed{..}`. */
function parseBracketedSet(reader: LatexReader): Expression {
  if (reader.ahead(/^\{\}/)) {
    reader.take(2);
    return EMPTY_SET;
  }
  const interval = INTERVAL_OPENER.test(reader.peek()) ? reader.attempt(parseInterval) : undefined;
  if (interval) return interval;
  const opener = reader.peek();
  if (reader.accept("boxed")) return setOrTuple(reader.enclosed("{", () => parseLists(reader, false)));
  if (!/[([{]/.test(opener)) reader.fail();
  const items = joined(reader.enclosed(opener, () => parseLists(reader, false)));
  if (opener.includes("{")) return finiteSet(items);
  return items.length > 1 ? tuple(items) : items[0]!;
}

/** One list is a set of its elements, several are a set of tuples; one element is itself. */
function setOrTuple(lists: Expression[][]): Expression {
  const hasTuples = lists.length > 1 && lists.some((list) => list.length > 1);
  const items = hasTuples ? lists.map((list) => tuple(list)) : joined(lists);
  return items.length > 1 ? finiteSet(items) : items[0]!;
}
