/**
 * Whether a prediction equals a gold answer: the cascade of Math-Verify 0.9 (`grader.py`), step by step. It is not symmetric: an
 * equation is cut down to the form the gold has.
 */
import { abs, isFinite, isNaN, sign } from "../floats";
import { spend } from "../budget";
import {
  type Expression,
  type RelationNode,
  type RelationOperator,
  type SymbolNode,
  childrenOf,
  factorsOf,
  finiteSet,
  holds,
  isCall,
  isChain,
  isConstant,
  isFiniteSet,
  isIntegerNode,
  isInterval,
  isList,
  isMatrix,
  isMul,
  isNumber,
  isOpaque,
  isPercent,
  isSet,
  isSymbol,
  isTuple,
  keyOf,
  negative,
  relation,
  replaceParts,
  same,
  sum,
  symbol,
  tuple,
} from "../expression";
import { exactly } from "../evaluation/complex";
import { approximate } from "../evaluation/numeric";
import type { VerifyOptions } from "../options";
import { compare, fromNumber, roundScaled, toNumber } from "../rational";
import { freeSymbols, isAssignment, isEquation, isRelation, relationsOf, symbolKey } from "../structure";
import { holdsFloat, isFloat } from "./doubles";
import { realSetOf, sameRealSet, solves } from "./real-sets";
import { constantValue } from "./constants";
import { sameValue } from "./values";
import { sameZeros } from "./zero-sets";

/** Raised where the reference raises: the whole comparison is then false, whatever else might have matched. */
export const INCOMPARABLE = new Error("incomparable");

/** What the comparison under way goes by, set anew by `equalExpressions`: comparing is synchronous and does not nest. */
let decimals: number;
let precision: number;

/**
 * Whether `pred` equals `gold`.
 *
 * @throws INCOMPARABLE where no verdict but "no" is left; BudgetError
 */
export const equalExpressions = (
  gold: Expression,
  pred: Expression,
  { floatRounding = 6, numericPrecision = 15, strict = true, allowSetRelationComp }: VerifyOptions,
): boolean => {
  decimals = floatRounding;
  precision = numericPrecision;
  return equal(gold, strict ? pred : renameSymbols(pred, gold), allowSetRelationComp);
};

/** @param eitherWay whether a gold set may meet a predicted inequality; inside of sets it never does */
const equal = (gold: Expression, pred: Expression, eitherWay = false): boolean => {
  for (const side of [gold, pred]) weigh(side);
  let [g, p] = [ends(gold), ends(pred)];
  if (isEquation(p) && !isEquation(g)) p = lastSide(p);
  else if (isAssignment(g) && !isEquation(p)) g = lastSide(g);
  const solved = relationIsSet(g, p) ?? (eitherWay ? relationIsSet(p, g) : null);
  if (solved !== null) return solved;
  if (isConstant(g) && (g.name === "zoo" || g.name === "nan")) throw INCOMPARABLE;
  if (same(g, p)) return true;
  if (isRelation(g) && isRelation(p)) return equalRelations(g, p);
  if (isCollection(g) || isCollection(p)) return equalSets(g, p);
  if (isSymbol(g)) return equalNames(g, p);
  if (isSymbol(p)) return equalNames(p, g);
  if (isRelation(g) || isRelation(p)) return false;
  return isMatrix(g) || isMatrix(p) ? equalMatrices(g, p) : equalValues(g, p);
};

/** A step a node: a list of long formulas is compared with another as often as the product of their lengths. */
const weigh = (x: Expression): void => {
  spend(2);
  childrenOf(x).forEach(weigh);
};

const isCollection = (x: Expression): boolean => isSet(x) || isTuple(x);

/** The right side of the last relation. */
const lastSide = (x: Expression): Expression => relationsOf(x).at(-1)!.right;

/** An assignment chain a = b = c as a = c. */
const ends = (x: Expression): Expression => (isAssignment(x) ? relation("=", relationsOf(x)[0]!.left, lastSide(x)) : x);

/** Non-strict comparison takes the prediction's symbols, in order, for the gold's. */
const renameSymbols = (pred: Expression, gold: Expression): Expression => {
  const [from, to] = [[...freeSymbols(pred).keys()], freeSymbols(gold)];
  if (from.length !== to.size || from.every((key) => to.has(key))) return pred;
  const names = new Map([...to.values()].map((name, i) => [from[i], name]));
  return replaceParts(pred, (part) => (isSymbol(part) ? names.get(symbolKey(part)) : undefined));
};

// Values

/** Compares two trees that are neither sets nor relations nor lone symbols. */
const equalValues = (g: Expression, p: Expression): boolean =>
  equalNumerically(g, p) || same(g, p) || sameValue(g, p, precision);

const equalMatrices = (g: Expression, p: Expression): boolean => {
  const [a, b] = [childrenOf(g), childrenOf(p)];
  return (
    isMatrix(g) &&
    isMatrix(p) &&
    g.rows.length === p.rows.length &&
    a.length === b.length &&
    a.every((x, i) => equalValues(x, b[i]!))
  );
};

/** What a percent sign stands behind. */
const withoutPercent = (x: Expression): Expression =>
  isMul(x) && x.args.length === 2 && isPercent(x.args[1]!) ? x.args[0]! : x;

/** The part of the cascade that rounds: with a decimal both sides are rounded, and 9% equals 9. */
const equalNumerically = (g: Expression, p: Expression): boolean => {
  const [a, b] = [withoutPercent(g), withoutPercent(p)];
  if (isFloat(a) || isFloat(b)) return rounded(g) === rounded(p);
  return isIntegerNode(a) && same(a, b);
};

/**
 * A constant rounded to the decimals asked for. An exact integer stays an integer when SymPy rounds it and then differs
 * from every decimal, so 5 and 5.0000001 are unequal while 5.0 and 5.0000001 are equal. Not a number, which equals nothing, for the rest.
 */
const rounded = (x: Expression): string | number => {
  const [exact, { re, im }] = constantValue(x);
  if (exact) return `${roundScaled(exact, decimals)}${exact.d === 1n && !holdsFloat(x) ? "" : "."}`;
  return im === 0 && isFinite(re) ? `${roundScaled(fromNumber(re), decimals)}.` : NaN;
};

// Names

/** A lone symbol and something else: names decide, words without regard to case. `odd` (o·d·d) equals \text{odd}. */
const equalNames = ({ name }: SymbolNode, other: Expression): boolean => {
  const letters = factorsOf(other).map((x) => (isSymbol(x) || (isConstant(x) && x.name === "e") ? x.name : null));
  const word = letters.join("");
  if (letters.includes(null) || (isSymbol(other) && word.length < 2)) return name === printed(other);
  return name.toLowerCase() === word.toLowerCase();
};

/** How SymPy prints a number; other trees print with operators and spaces that no name holds. */
const printed = (x: Expression): string | null => {
  if (isConstant(x) || isSymbol(x)) return x.name;
  if (!isNumber(x)) return null;
  if (x.float) return toNumber(x.value).toPrecision(15);
  return isIntegerNode(x) ? `${x.value.n}` : `${x.value.n}/${x.value.d}`;
};

// Relations

const FLIPPED: Readonly<Partial<Record<RelationOperator, RelationOperator>>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

const equalRelations = (g: Expression, p: Expression): boolean => {
  const [left, right] = [relationsOf(g), relationsOf(p)];
  if (isChain(g) !== isChain(p) || !left.every((item, i) => !right[i] || equalRelation(item, right[i]))) return false;
  if (left.length !== right.length) throw INCOMPARABLE;
  return true;
};

const equalRelation = (g: RelationNode, p: RelationNode): boolean => {
  // Sets and tuples cannot be subtracted; the reference is left with solving, which needs numbers.
  if ([...childrenOf(g), ...childrenOf(p)].some((side) => isCollection(side) || isRelation(side) || isOpaque(side)))
    return g.operator === "=" && same(g, p);
  const [x, y] = [difference(g), difference(p)];
  // SymPy evaluates the differences, so a constant one is a number and is compared as one.
  if (g.operator === p.operator && sameValue(x, y, precision)) return true;
  if (g.operator === "!=") throw INCOMPARABLE;
  if ((FLIPPED[g.operator] ?? g.operator) === p.operator && sameValue(x, negative(y), precision)) return true;
  // Two equations in one real unknown without any solution count as equal (both solution lists are empty): x²+1=0 and x²+2=0.
  return g.operator === "=" && p.operator === "=" && (sameZeros(x, y) || (neverZero(x) && neverZero(y)));
};

const difference = (x: RelationNode): Expression => sum(x.left, negative(x.right));

/** The symbol of a tree that has one. */
const onlySymbol = (x: Expression): SymbolNode | null => {
  const [unknown, ...others] = freeSymbols(x).values();
  return unknown && others.length === 0 ? unknown : null;
};

const neverZero = (x: Expression): boolean => {
  const unknown = onlySymbol(x);
  if (!unknown?.real || holds(x, isCall)) return false;
  let side = 0;
  for (let i = -80; i <= 80; i++) {
    const size = abs(i);
    const { re, im } = approximate(
      x,
      new Map([[symbolKey(unknown), exactly(sign(i) * (size <= 40 ? size / 4 : 10 * 2 ** (size - 40)))]]),
    );
    if (im !== 0 || !isFinite(re) || abs(re) <= 1e-3 || re * side < 0) return false;
    side = sign(re);
  }
  return true;
};

/** An inequality against a set: whether the set is its solution; null when they are none or the inequality has more than one unknown. */
const relationIsSet = (x: Expression, set: Expression): boolean | null => {
  if (!isRelation(x) || !isSet(set)) return null;
  // f(x) as one symbol, so that 0 < f(x) < 1 has the solution (0, 1).
  const plain = holds(x, isCall)
    ? replaceParts(x, (part) => (isCall(part) ? symbol(keyOf(part), true) : undefined))
    : x;
  const unknown = onlySymbol(plain);
  if (!unknown) return null;
  const pieces = realSetOf(
    isFiniteSet(set) ? finiteSet(set.items.map((item) => (isEquation(item) ? lastSide(item) : item))) : set,
  );
  return !!pieces && solves(plain, unknown, pieces);
};

// Sets and tuples

const equalSets = (g: Expression, p: Expression): boolean => {
  const [a, b] = [g, p].map((x) => (isCollection(x) ? x : finiteSet([x]))) as [Expression, Expression];
  if (isInterval(a) && isInterval(b))
    return a.leftOpen === b.leftOpen && a.rightOpen === b.rightOpen && equal(a.start, b.start) && equal(a.end, b.end);
  if (same(a, b)) return true;
  if (!isFiniteSet(a) || !isFiniteSet(b)) {
    const [left, right] = [realSetOf(a), realSetOf(b)];
    if (left && right && sameRealSet(left, right)) return true;
  }
  const [gold, found] = [asPair(a), asPair(b)];
  if (!isList(gold) || !isList(found) || gold.items.length !== found.items.length) return false;
  // Element by element: a gold set in any order, a gold tuple in the order written.
  if (isFiniteSet(gold)) return equalUnordered(gold.items, found.items);
  const order = isFiniteSet(found) ? found.written : found.items;
  if (order.length !== gold.items.length) throw INCOMPARABLE;
  return gold.items.every((item, i) => equal(item, order[i]!));
};

/** (1, 2) is read as an open interval; against a set or a tuple it is a pair. */
const asPair = (x: Expression): Expression =>
  isInterval(x) && x.leftOpen && x.rightOpen ? tuple([x.start, x.end]) : x;

/**
 * The reference sorts both sides by value and compares in order. Sorting by value first makes the usual case cheap; where that does
 * not pair up (equal values in different forms), every item looks for its own partner.
 */
const equalUnordered = (gold: readonly Expression[], pred: readonly Expression[]): boolean => {
  const [a, b] = [sortedByValue(gold), sortedByValue(pred)];
  if (a && b) return a.every((item, i) => equal(item, b[i]!));
  const left = [...pred];
  return gold.every((item) => {
    const at = left.findIndex((other) => equal(item, other));
    return at >= 0 && left.splice(at, 1);
  });
};

/** Items in ascending order when all are real constants (the right side of an assignment counts), else null. */
const sortedByValue = (items: readonly Expression[]): Expression[] | null => {
  const valued = items.map((item) => [item, ...constantValue(isAssignment(item) ? lastSide(item) : item)] as const);
  if (valued.some(([, , { re }]) => isNaN(re))) return null;
  return valued
    .sort(([, exact, near], [, other, beside]) => (exact && other ? compare(exact, other) : near.re - beside.re || 0))
    .map(([item]) => item);
};
