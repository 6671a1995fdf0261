/**
 * Whether a prediction equals a gold answer: the cascade of Math-Verify 0.9 (`grader.py`), step by step. It is not
 * symmetric: an equation is cut down to the form the gold has.
 */
import type { Budget } from "../budget";
import { Calculator } from "../evaluation/calculator";
import type { VerifyOptions } from "../options";
import {
  type Expression,
  isCall,
  isChain,
  isConstant,
  isFiniteSet,
  isInterval,
  isMatrix,
  isSet,
  isSingleRelation,
  isSymbol,
  isTuple,
  relation,
  symbol,
} from "../tree/expression";
import { finiteSet, keyOf, same } from "../tree/identity";
import {
  freeSymbols,
  isAssignment,
  isEquation,
  isRelation,
  onlySymbolOf,
  relationsOf,
  symbolKey,
} from "../tree/structure";
import { childrenOf, holds, replaceParts } from "../tree/traversal";
import type { Comparison } from "./comparison";
import { INCOMPARABLE } from "./incomparable";
import { realSetOf, sameRealSet, solves } from "./real-sets";
import { equalRelations } from "./relations";
import { equalMatrices, equalNames, equalTerms } from "./terms";
import { sortedByValue } from "./sorted-items";

/**
 * Whether `pred` equals `gold`.
 *
 * @throws INCOMPARABLE where no verdict but "no" is left; BudgetError
 */
export function equalExpressions(
  budget: Budget,
  gold: Expression,
  pred: Expression,
  { floatRounding = 6, numericPrecision = 15, strict = true, allowSetRelationComp = false }: VerifyOptions,
): boolean {
  const comparison: Comparison = {
    budget,
    calculator: new Calculator(budget),
    decimals: floatRounding,
    precision: numericPrecision,
  };
  const prediction = strict ? pred : renameSymbols(budget, pred, gold);
  return equal(comparison, gold, prediction, allowSetRelationComp);
}

/** @param eitherWay whether a gold set may meet a predicted inequality; inside of sets it never does */
function equal(comparison: Comparison, gold: Expression, pred: Expression, eitherWay = false): boolean {
  weigh(comparison.budget, gold);
  weigh(comparison.budget, pred);
  const [g, p] = inOneForm(withoutMiddle(gold), withoutMiddle(pred));
  const solved = relationIsSet(comparison, g, p) ?? (eitherWay ? relationIsSet(comparison, p, g) : null);
  if (solved !== null) return solved;
  if (isConstant(g) && (g.name === "zoo" || g.name === "nan")) throw INCOMPARABLE;
  if (same(g, p)) return true;
  if (isRelation(g) && isRelation(p)) return equalRelations(comparison, g, p);
  if (isCollection(g) || isCollection(p)) return equalSets(comparison, g, p);
  if (isSymbol(g)) return equalNames(g, p);
  if (isSymbol(p)) return equalNames(p, g);
  if (isRelation(g) || isRelation(p)) return false;
  return isMatrix(g) || isMatrix(p) ? equalMatrices(comparison, g, p) : equalTerms(comparison, g, p);
}

/**
 * A step per node and side: a list of long formulas is compared with another as often as the product of their lengths.
 */
function weigh(budget: Budget, x: Expression): void {
  budget.spend(2);
  for (const part of childrenOf(x)) weigh(budget, part);
}

function isCollection(x: Expression): boolean {
  return isSet(x) || isTuple(x);
}

/** An assignment chain a = b = c as a = c. */
function withoutMiddle(x: Expression): Expression {
  return isAssignment(x) ? relation("=", relationsOf(x)[0]!.left, lastSide(x)) : x;
}

/** The right side of the last relation. */
function lastSide(x: Expression): Expression {
  return relationsOf(x).at(-1)!.right;
}

/**
 * An equation is compared with a non-equation by its right side: a predicted one always, a gold one only if it defines
 * a symbol.
 */
function inOneForm(gold: Expression, pred: Expression): readonly [gold: Expression, pred: Expression] {
  if (isEquation(pred) && !isEquation(gold)) return [gold, lastSide(pred)];
  return isAssignment(gold) && !isEquation(pred) ? [lastSide(gold), pred] : [gold, pred];
}

/** Non-strict comparison takes the prediction's symbols, in order, for the gold's. */
function renameSymbols(budget: Budget, pred: Expression, gold: Expression): Expression {
  const from = [...freeSymbols(budget, pred).keys()];
  const to = freeSymbols(budget, gold);
  if (from.length !== to.size || from.every((key) => to.has(key))) return pred;
  const names = new Map([...to.values()].map((name, i) => [from[i], name]));
  return replaceParts(budget, pred, (part) => (isSymbol(part) ? names.get(symbolKey(part)) : undefined));
}

/**
 * An inequality against a set: whether the set is its solution; null when they are none or the inequality has more than
 * one unknown.
 */
function relationIsSet(comparison: Comparison, x: Expression, set: Expression): boolean | null {
  if (!(isSingleRelation(x) || isChain(x)) || !isSet(set)) return null;
  const { budget } = comparison;
  // f(x) as one symbol, so that 0 < f(x) < 1 has the solution (0, 1).
  const plain = holds(x, isCall)
    ? replaceParts(budget, x, (part) => (isCall(part) ? symbol(keyOf(part), true) : undefined))
    : x;
  const unknown = onlySymbolOf(budget, plain);
  if (!unknown) return null;
  const values = isFiniteSet(set)
    ? finiteSet(set.items.map((item) => (isEquation(item) ? lastSide(item) : item)))
    : set;
  const pieces = realSetOf(comparison, values);
  return pieces !== null && solves(comparison, plain, unknown, pieces);
}

// Sets and tuples

function equalSets(comparison: Comparison, g: Expression, p: Expression): boolean {
  const gold = isCollection(g) ? g : finiteSet([g]);
  const pred = isCollection(p) ? p : finiteSet([p]);
  if (isInterval(gold) && isInterval(pred)) {
    if (gold.leftOpen !== pred.leftOpen || gold.rightOpen !== pred.rightOpen) return false;
    return equal(comparison, gold.start, pred.start) && equal(comparison, gold.end, pred.end);
  }
  if (same(gold, pred)) return true;
  if (!isFiniteSet(gold) || !isFiniteSet(pred)) {
    const [left, right] = [realSetOf(comparison, gold), realSetOf(comparison, pred)];
    if (left && right && sameRealSet(left, right)) return true;
  }
  return equalLists(comparison, asList(gold), asList(pred));
}

/** Items one by one. */
interface List {
  readonly items: readonly Expression[];
  /** With repeats. */
  readonly written: readonly Expression[];
  readonly isOrdered: boolean;
}

/** The items of a finite set or a tuple. (1, 2) is read as an open interval; against a set or a tuple it is a pair. */
function asList(x: Expression): List | null {
  if (isFiniteSet(x)) return { items: x.items, written: x.written, isOrdered: false };
  if (isTuple(x)) return { items: x.items, written: x.items, isOrdered: true };
  if (!isInterval(x) || !x.leftOpen || !x.rightOpen) return null;
  const pair = [x.start, x.end];
  return { items: pair, written: pair, isOrdered: true };
}

/** A gold set in any order, a gold tuple in the order written. */
function equalLists(comparison: Comparison, gold: List | null, pred: List | null): boolean {
  if (!gold || !pred || gold.items.length !== pred.items.length) return false;
  if (!gold.isOrdered) return equalUnordered(comparison, gold.items, pred.items);
  if (pred.written.length !== gold.items.length) throw INCOMPARABLE;
  return gold.items.every((item, i) => equal(comparison, item, pred.written[i]!));
}

/**
 * The reference sorts both sides by value and compares in order. Sorting by value first makes the usual case cheap;
 * where that does not pair up (equal values in different forms), every item looks for its own partner.
 */
function equalUnordered(comparison: Comparison, gold: readonly Expression[], pred: readonly Expression[]): boolean {
  const valueOf = (item: Expression): Expression => (isAssignment(item) ? lastSide(item) : item);
  const [a, b] = [sortedByValue(comparison, gold, valueOf), sortedByValue(comparison, pred, valueOf)];
  if (a && b) return a.every((item, i) => equal(comparison, item, b[i]!));
  const left = [...pred];
  return gold.every((item) => {
    const at = left.findIndex((other) => equal(comparison, item, other));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}
