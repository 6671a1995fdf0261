/**
 * Whether a prediction equals a gold answer: the cascade of Math-Verify 0.9 (`grader.py`), step by step. It is not symmetric: an
 * equation is cut down to the form the gold has.
 */
import type { Budget } from "../budget";
import { type ChainNode, type Expression, type RelationNode, childrenOf, finiteSet, isSet, keyOf, mapParts, product, same, sum, integerNode } from "../expression";
import { approximate } from "../evaluation/numeric";
import { evaluateExactly } from "../evaluation/exact";
import { substitute } from "../latex-parser/substitution";
import { compare, fromNumber, roundScaled, toNumber } from "../rational";
import { firstRelation, freeSymbols, isAssignment, isEquation, isRelation, lastRelation } from "../structure";
import { holdsFloat } from "./doubles";
import { realSetOf, sameRealSet, solves } from "./real-sets";
import { sameValue } from "./values";
import { sameZeros } from "./zero-sets";

/** What one comparison goes by. */
export interface Comparison {
  readonly floatRounding: number;
  readonly numericPrecision: number;
  readonly strict: boolean;
  readonly allowSetRelationComp: boolean;
  readonly budget: Budget;
}

/** Raised where the reference raises: the whole comparison is then false, whatever else might have matched. */
export class Incomparable extends Error {
  override readonly name = "Incomparable";
}
const INCOMPARABLE = new Incomparable();

const NOWHERE = new Map<string, never>();

/**
 * Whether `pred` equals `gold`.
 *
 * @throws Incomparable where no verdict but "no" is left; BudgetError
 */
export function equalExpressions(gold: Expression, pred: Expression, c: Comparison): boolean {
  c.budget.spend(4);
  let [g, p] = [gold, c.strict ? pred : renameSymbols(pred, gold)];
  const goldAssigns = isAssignment(g);
  const predAssigns = isAssignment(p);
  const goldEquation = isEquation(g);
  const predEquation = isEquation(p);
  if (goldAssigns) g = ends(g as RelationNode | ChainNode);
  if (predAssigns) p = ends(p as RelationNode | ChainNode);
  if (predEquation && !goldEquation) p = lastRelation(p as RelationNode | ChainNode).right;
  else if (goldAssigns && !predEquation) g = lastRelation(g as RelationNode | ChainNode).right;

  if (isRelation(g) && isSet(p)) {
    const solved = relationIsSet(g, p, c);
    if (solved !== null) return solved;
  }
  if (c.allowSetRelationComp && isRelation(p) && isSet(g)) {
    const solved = relationIsSet(p, g, c);
    if (solved !== null) return solved;
  }
  if (g.kind === "constant" && (g.name === "zoo" || g.name === "nan")) throw INCOMPARABLE;
  if (same(g, p)) return true;
  if (isRelation(g) && isRelation(p)) return equalRelations(g, p, c);
  if (isSet(g) || g.kind === "tuple" || isSet(p) || p.kind === "tuple") return equalSets(g, p, c);
  if (g.kind === "symbol" || p.kind === "symbol") return equalNames(g, p);
  if (isRelation(g) || isRelation(p)) return false;
  return equalValues(g, p, c);
}

/** An equation chain a = b = c as a = c. */
function ends(x: RelationNode | ChainNode): RelationNode {
  return { kind: "relation", operator: "=", left: firstRelation(x).left, right: lastRelation(x).right };
}

/** Non-strict comparison takes the prediction's symbols, in order, for the gold's. */
function renameSymbols(pred: Expression, gold: Expression): Expression {
  const [from, to] = [[...freeSymbols(pred)], [...freeSymbols(gold)]];
  if (from.length !== to.length || from.every(([key]) => to.some(([other]) => other === key))) return pred;
  const bare = (key: string): string => key.replace("\u0000", "");
  let renamed = pred;
  from.forEach(([key, real], i) => (renamed = substitute(renamed, { kind: "symbol", name: bare(key), real }, { kind: "symbol", name: `\u0001${i}`, real })));
  to.forEach(([key, real], i) => (renamed = substitute(renamed, { kind: "symbol", name: `\u0001${i}`, real: from[i]![1] }, { kind: "symbol", name: bare(key), real })));
  return renamed;
}

// Values

/** Compares two trees that are neither sets nor relations nor lone symbols. */
function equalValues(g: Expression, p: Expression, c: Comparison): boolean {
  if (g.kind === "matrix" || p.kind === "matrix") return equalMatrices(g, p, c);
  return equalNumerically(g, p, c) || sameValue(g, p, c.numericPrecision, c.budget);
}

function equalMatrices(g: Expression, p: Expression, c: Comparison): boolean {
  if (g.kind !== "matrix" || p.kind !== "matrix") return false;
  if (g.rows.length !== p.rows.length || g.rows[0]!.length !== p.rows[0]!.length) return false;
  const [a, b] = [g.rows.flat(), p.rows.flat()];
  return a.every((x, i) => equalNumerically(x, b[i]!, c) || same(x, b[i]!) || sameValue(x, b[i]!, c.numericPrecision, c.budget));
}

type Atomic = "integer" | "rational" | "float" | null;

/** The kind of number a tree is, alone or as a percentage. */
function atomicKind(x: Expression): Atomic {
  const value = x.kind === "mul" && x.args.length === 2 && x.args[1]!.kind === "percent" ? x.args[0]! : x;
  if (value.kind !== "number") return null;
  return value.float ? "float" : value.value.d === 1n ? "integer" : "rational";
}

/** The part of the cascade that rounds: with a decimal both sides are rounded, and 9% equals 9. */
function equalNumerically(g: Expression, p: Expression, c: Comparison): boolean {
  const [a, b] = [atomicKind(g), atomicKind(p)];
  if (a === null && b === null) return false;
  if (a === "float" || b === "float") return equalRounded(g, p, c);
  if (a === "integer" && b === "integer") {
    const [x, y] = [withoutPercent(g), withoutPercent(p)];
    return same(x, y);
  }
  return false;
}

function withoutPercent(x: Expression): Expression {
  return x.kind === "mul" ? x.args[0]! : x;
}

/**
 * Equal after rounding to `floatRounding` decimals. An exact integer stays an integer when SymPy rounds it and then differs
 * from every decimal, so 5 and 5.0000001 are unequal while 5.0 and 5.0000001 are equal.
 */
function equalRounded(g: Expression, p: Expression, c: Comparison): boolean {
  const [a, b] = [roundable(g, c.budget), roundable(p, c.budget)];
  if (a === null || b === null || a.whole !== b.whole) return false;
  return roundScaled(a.value, c.floatRounding) === roundScaled(b.value, c.floatRounding);
}

function roundable(x: Expression, budget: Budget): { value: ReturnType<typeof fromNumber>; whole: boolean } | null {
  if (freeSymbols(x).size > 0) return null;
  const exact = evaluateExactly(x, null, budget);
  if (exact !== null) return { value: exact, whole: exact.d === 1n && !holdsFloat(x) };
  const value = approximate(x, NOWHERE, budget);
  return value.im === 0 && Number.isFinite(value.re) ? { value: fromNumber(value.re), whole: false } : null;
}

// Names

/** At least one side is a lone symbol: names decide, without regard to case. `odd` (o·d·d) equals \text{odd}. */
function equalNames(g: Expression, p: Expression): boolean {
  if (g.kind === "symbol" && p.kind === "symbol") return folded(g.name) === folded(p.name);
  const [symbol, other] = g.kind === "symbol" ? [g, p] : [p as Expression & { kind: "symbol" }, g];
  if (other.kind === "constant" && other.name === "e") return symbol.name.toLowerCase() === "e";
  if (other.kind === "mul") {
    const parts = other.args.map((arg) => (arg.kind === "symbol" ? arg.name : arg.kind === "constant" && arg.name === "e" ? "e" : null));
    if (parts.every((part) => part !== null)) return symbol.name.toLowerCase() === parts.join("").toLowerCase();
  }
  return symbol.name === printed(other);
}

const folded = (name: string): string => (name.length > 1 ? name.toLowerCase() : name);

/** How SymPy prints a number; other trees print with operators and spaces that no name holds. */
function printed(x: Expression): string | null {
  if (x.kind === "constant") return x.name === "I" || x.name === "EulerGamma" ? x.name : x.name === "e" ? "E" : x.name;
  if (x.kind !== "number") return null;
  if (!x.float) return x.value.d === 1n ? `${x.value.n}` : `${x.value.n}/${x.value.d}`;
  return toNumber(x.value).toPrecision(15);
}

// Relations

const FLIPPED = { "=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;

function equalRelations(g: RelationNode | ChainNode, p: RelationNode | ChainNode, c: Comparison): boolean {
  if (g.kind === "chain" && p.kind === "chain") {
    for (let i = 0; i < Math.min(g.items.length, p.items.length); i++) if (!equalRelations(g.items[i]!, p.items[i]!, c)) return false;
    if (g.items.length !== p.items.length) throw INCOMPARABLE;
    return true;
  }
  if (g.kind === "chain" || p.kind === "chain") return false;
  const sides = [g.left, g.right, p.left, p.right];
  const scalar = sides.every((side) => !isSet(side) && side.kind !== "tuple" && !isRelation(side) && side.kind !== "opaque");
  if (!scalar) return g.operator === p.operator && g.operator === "=" && equalSideways(g, p, c);
  const [x, y] = [difference(g), difference(p)];
  if (g.operator === p.operator && equalDifferences(x, y, c)) return true;
  if (g.operator === "!=") throw INCOMPARABLE;
  if (FLIPPED[g.operator] === p.operator && equalDifferences(x, product(integerNode(-1), y), c)) return true;
  if (g.operator !== "=" || p.operator !== "=") return false;
  return sameZeros(x, y, c.budget) || bothUnsolvable(x, y, c.budget);
}

/** Equations whose sides are sets or tuples cannot be subtracted; the reference is left with solving, which needs numbers. */
function equalSideways(g: RelationNode, p: RelationNode, c: Comparison): boolean {
  return same(g.left, p.left) && equalWithin(g.right, p.right, c);
}

function equalWithin(g: Expression, p: Expression, c: Comparison): boolean {
  return same(g, p) || (keyOf(g) === keyOf(p) && c.strict);
}

const difference = (x: RelationNode): Expression => sum(x.left, product(integerNode(-1), x.right));

/** SymPy evaluates the differences, so a constant one is a number and is compared as one. */
function equalDifferences(x: Expression, y: Expression, c: Comparison): boolean {
  if (x.kind === "matrix" || y.kind === "matrix") return false;
  return sameValue(x, y, c.numericPrecision, c.budget);
}

/** Two equations in one real unknown without any solution count as equal (both solution lists are empty): x²+1=0 and x²+2=0. */
function bothUnsolvable(x: Expression, y: Expression, budget: Budget): boolean {
  return neverZero(x, budget) && neverZero(y, budget);
}

function neverZero(x: Expression, budget: Budget): boolean {
  const symbols = [...freeSymbols(x)];
  if (symbols.length !== 1 || !symbols[0]![1] || holdsUnknownFunction(x)) return false;
  const key = symbols[0]![0];
  let sign = 0;
  let least = Infinity;
  for (let i = -80; i <= 80; i++) {
    const place = Math.sign(i) * (Math.abs(i) <= 40 ? Math.abs(i) / 4 : 10 * 2 ** (Math.abs(i) - 40));
    const value = approximate(x, new Map([[key, { re: place, im: 0, error: 0 }]]), budget);
    if (value.im !== 0 || !Number.isFinite(value.re)) return false;
    if (value.re === 0 || (sign !== 0 && Math.sign(value.re) !== sign)) return false;
    sign = Math.sign(value.re);
    least = Math.min(least, Math.abs(value.re));
  }
  return least > 1e-3;
}

const holdsUnknownFunction = (x: Expression): boolean => x.kind === "call" || childrenOf(x).some(holdsUnknownFunction);

/** An inequality against a set: whether the set is its solution; null when the inequality has more than one unknown. */
function relationIsSet(relation: RelationNode | ChainNode, set: Expression, c: Comparison): boolean | null {
  const plain = callsAsSymbols(relation) as RelationNode | ChainNode;
  if (freeSymbols(plain).size !== 1) return null;
  const values = set.kind === "set" ? finiteSet(set.items.map((item) => (isEquation(item) ? lastRelation(item).right : item))) : set;
  const pieces = realSetOf(values, c.budget);
  return pieces !== null && solves(plain, pieces, c.budget);
}

/** f(x) as one symbol, so that 0 < f(x) < 1 has the solution (0, 1). */
function callsAsSymbols(x: Expression): Expression {
  return x.kind === "call" ? { kind: "symbol", name: keyOf(x), real: true } : mapParts(x, callsAsSymbols);
}

// Sets and tuples

function equalSets(g: Expression, p: Expression, c: Comparison): boolean {
  const a: Expression = isSet(g) || g.kind === "tuple" ? g : { kind: "set", items: [g], written: [g] };
  const b: Expression = isSet(p) || p.kind === "tuple" ? p : { kind: "set", items: [p], written: [p] };
  if (a.kind === "interval" && b.kind === "interval") {
    return (
      a.leftOpen === b.leftOpen && a.rightOpen === b.rightOpen && equalExpressions(a.start, b.start, inner(c)) && equalExpressions(a.end, b.end, inner(c))
    );
  }
  if (same(a, b)) return true;
  if (isSet(a) && isSet(b) && (a.kind !== "set" || b.kind !== "set")) {
    const [left, right] = [realSetOf(a, c.budget), realSetOf(b, c.budget)];
    if (left !== null && right !== null && sameRealSet(left, right)) return true;
  }
  const [finiteA, finiteB] = [isFinite(a), isFinite(b)];
  if (finiteA && finiteB) return equalItems(a, b, b.kind === "set", c);
  if (a.kind === "interval" && a.leftOpen && a.rightOpen && finiteB && itemsOf(b).length === 2) {
    return equalItems({ kind: "tuple", items: [a.start, a.end] }, b, b.kind === "set" && isSet(p), c);
  }
  if (b.kind === "interval" && b.leftOpen && b.rightOpen && finiteA && itemsOf(a).length === 2) {
    return equalItems(a, { kind: "tuple", items: [b.start, b.end] }, false, c);
  }
  return false;
}

/** What holds inside a set holds without the options of the outermost call. */
const inner = (c: Comparison): Comparison => (c.strict && !c.allowSetRelationComp ? c : { ...c, strict: true, allowSetRelationComp: false });

const isFinite = (x: Expression): boolean => x.kind === "set" || x.kind === "tuple";
const itemsOf = (x: Expression): readonly Expression[] => (x.kind === "set" || x.kind === "tuple" ? x.items : []);

/** Element by element: a gold set in any order, a gold tuple in the order written. */
function equalItems(a: Expression, b: Expression, writtenOrder: boolean, c: Comparison): boolean {
  const gold = itemsOf(a);
  const pred = itemsOf(b);
  if (gold.length !== pred.length) return false;
  const own = inner(c);
  if (a.kind === "set") return equalUnordered(gold, pred, own);
  const order = writtenOrder && b.kind === "set" ? b.written : pred;
  if (order.length !== gold.length) throw INCOMPARABLE;
  return gold.every((item, i) => equalExpressions(item, order[i]!, own));
}

/**
 * The reference sorts both sides by value and compares in order. Sorting by value first makes the usual case cheap; where that does
 * not pair up (equal values in different forms), every item looks for its own partner.
 */
function equalUnordered(gold: readonly Expression[], pred: readonly Expression[], c: Comparison): boolean {
  const [a, b] = [sortedByValue(gold, c.budget), sortedByValue(pred, c.budget)];
  if (a !== null && b !== null) return a.every((item, i) => equalExpressions(item, b[i]!, c));
  const left = [...pred];
  for (const item of gold) {
    const at = left.findIndex((other) => equalExpressions(item, other, c));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
}

/** Items in ascending order when all are real constants (the right side of an assignment counts), else null. */
function sortedByValue(items: readonly Expression[], budget: Budget): Expression[] | null {
  const valued: { item: Expression; value: number; exact: ReturnType<typeof evaluateExactly> }[] = [];
  for (const item of items) {
    const x = isAssignment(item) ? lastRelation(item as RelationNode | ChainNode).right : item;
    if (x.kind !== "number" && (isSet(x) || x.kind === "tuple" || isRelation(x) || freeSymbols(x).size > 0)) return null;
    const exact = evaluateExactly(x, null, budget);
    const value = exact !== null ? toNumber(exact) : approximate(x, NOWHERE, budget).re;
    if (Number.isNaN(value)) return null;
    valued.push({ item, value, exact });
  }
  valued.sort((a, b) => (a.exact !== null && b.exact !== null ? compare(a.exact, b.exact) : a.value - b.value || 0));
  return valued.map(({ item }) => item);
}
