/**
 * Whether a prediction equals a gold answer: the cascade of Math-Verify 0.9 (`grader.py`), step by step. It is not symmetric: an
 * equation is cut down to the form the gold has.
 */
import { abs, isNaN, min } from "../floats";
import { spend } from "../budget";
import { type ChainNode, type Expression, type RelationNode, childrenOf, finiteSet, isSet, keyOf, mapParts, product, same, sum, integerNode, isConstant, isTuple, isSymbol, isMatrix, isMul, isPercent, isNumber, isChain, isOpaque, isFiniteSet, isInterval, relation, symbol, tuple } from "../expression";
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
export const equalExpressions = (gold: Expression, pred: Expression, c: Comparison): boolean => {
  spend(4);
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
    const solved = relationIsSet(g, p);
    if (solved !== null) return solved;
  }
  if (c.allowSetRelationComp && isRelation(p) && isSet(g)) {
    const solved = relationIsSet(p, g);
    if (solved !== null) return solved;
  }
  if (isConstant(g) && (g.name === "zoo" || g.name === "nan")) throw INCOMPARABLE;
  if (same(g, p)) return true;
  if (isRelation(g) && isRelation(p)) return equalRelations(g, p, c);
  if (isSet(g) || isTuple(g) || isSet(p) || isTuple(p)) return equalSets(g, p, c);
  if (isSymbol(g) || isSymbol(p)) return equalNames(g, p);
  if (isRelation(g) || isRelation(p)) return false;
  return equalValues(g, p, c);
};

/** An equation chain a = b = c as a = c. */
const ends = (x: RelationNode | ChainNode): RelationNode => relation("=", firstRelation(x).left, lastRelation(x).right);

/** Non-strict comparison takes the prediction's symbols, in order, for the gold's. */
const renameSymbols = (pred: Expression, gold: Expression): Expression => {
  const [from, to] = [[...freeSymbols(pred)], [...freeSymbols(gold)]];
  if (from.length !== to.length || from.every(([key]) => to.some(([other]) => other === key))) return pred;
  const bare = (key: string): string => key.replace("\u0000", "");
  let renamed = pred;
  from.forEach(([key, real], i) => (renamed = substitute(renamed, symbol(bare(key), real), symbol(`\u0001${i}`, real))));
  to.forEach(([key, real], i) => (renamed = substitute(renamed, symbol(`\u0001${i}`, from[i]![1]), symbol(bare(key), real))));
  return renamed;
};

// Values

/** Compares two trees that are neither sets nor relations nor lone symbols. */
const equalValues = (g: Expression, p: Expression, c: Comparison): boolean => {
  if (isMatrix(g) || isMatrix(p)) return equalMatrices(g, p, c);
  return equalNumerically(g, p, c) || sameValue(g, p, c.numericPrecision);
};

const equalMatrices = (g: Expression, p: Expression, c: Comparison): boolean => {
  if (!isMatrix(g) || !isMatrix(p)) return false;
  if (g.rows.length !== p.rows.length || g.rows[0]!.length !== p.rows[0]!.length) return false;
  const [a, b] = [g.rows.flat(), p.rows.flat()];
  return a.every((x, i) => equalNumerically(x, b[i]!, c) || same(x, b[i]!) || sameValue(x, b[i]!, c.numericPrecision));
};

type Atomic = "integer" | "rational" | "float" | null;

/** The kind of number a tree is, alone or as a percentage. */
const atomicKind = (x: Expression): Atomic => {
  const value = isMul(x) && x.args.length === 2 && isPercent(x.args[1]!) ? x.args[0]! : x;
  if (!isNumber(value)) return null;
  return value.float ? "float" : value.value.d === 1n ? "integer" : "rational";
};

/** The part of the cascade that rounds: with a decimal both sides are rounded, and 9% equals 9. */
const equalNumerically = (g: Expression, p: Expression, c: Comparison): boolean => {
  const [a, b] = [atomicKind(g), atomicKind(p)];
  if (a === null && b === null) return false;
  if (a === "float" || b === "float") return equalRounded(g, p, c);
  if (a === "integer" && b === "integer") {
    const [x, y] = [withoutPercent(g), withoutPercent(p)];
    return same(x, y);
  }
  return false;
};

const withoutPercent = (x: Expression): Expression => isMul(x) ? x.args[0]! : x;

/**
 * Equal after rounding to `floatRounding` decimals. An exact integer stays an integer when SymPy rounds it and then differs
 * from every decimal, so 5 and 5.0000001 are unequal while 5.0 and 5.0000001 are equal.
 */
const equalRounded = (g: Expression, p: Expression, c: Comparison): boolean => {
  const [a, b] = [roundable(g), roundable(p)];
  if (a === null || b === null || a.whole !== b.whole) return false;
  return roundScaled(a.value, c.floatRounding) === roundScaled(b.value, c.floatRounding);
};

const roundable = (x: Expression): { value: ReturnType<typeof fromNumber>; whole: boolean } | null => {
  if (freeSymbols(x).size > 0) return null;
  const exact = evaluateExactly(x, null);
  if (exact !== null) return { value: exact, whole: exact.d === 1n && !holdsFloat(x) };
  const value = approximate(x, NOWHERE);
  return value.im === 0 && Number.isFinite(value.re) ? { value: fromNumber(value.re), whole: false } : null;
};

// Names

/** At least one side is a lone symbol: names decide, without regard to case. `odd` (o·d·d) equals \text{odd}. */
const equalNames = (g: Expression, p: Expression): boolean => {
  if (isSymbol(g) && isSymbol(p)) return folded(g.name) === folded(p.name);
  const [symbol, other] = isSymbol(g) ? [g, p] : [p as Expression & { kind: "symbol" }, g];
  if (isConstant(other) && other.name === "e") return symbol.name.toLowerCase() === "e";
  if (isMul(other)) {
    const parts = other.args.map((arg) => (isSymbol(arg) ? arg.name : isConstant(arg) && arg.name === "e" ? "e" : null));
    if (parts.every((part) => part !== null)) return symbol.name.toLowerCase() === parts.join("").toLowerCase();
  }
  return symbol.name === printed(other);
};

const folded = (name: string): string => (name.length > 1 ? name.toLowerCase() : name);

/** How SymPy prints a number; other trees print with operators and spaces that no name holds. */
const printed = (x: Expression): string | null => {
  if (isConstant(x)) return x.name === "I" || x.name === "EulerGamma" ? x.name : x.name === "e" ? "E" : x.name;
  if (!isNumber(x)) return null;
  if (!x.float) return x.value.d === 1n ? `${x.value.n}` : `${x.value.n}/${x.value.d}`;
  return toNumber(x.value).toPrecision(15);
};

// Relations

const FLIPPED = { "=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;

const equalRelations = (g: RelationNode | ChainNode, p: RelationNode | ChainNode, c: Comparison): boolean => {
  if (isChain(g) && isChain(p)) {
    for (let i = 0; i < min(g.items.length, p.items.length); i++) if (!equalRelations(g.items[i]!, p.items[i]!, c)) return false;
    if (g.items.length !== p.items.length) throw INCOMPARABLE;
    return true;
  }
  if (isChain(g) || isChain(p)) return false;
  const sides = [g.left, g.right, p.left, p.right];
  const scalar = sides.every((side) => !isSet(side) && !isTuple(side) && !isRelation(side) && !isOpaque(side));
  if (!scalar) return g.operator === p.operator && g.operator === "=" && equalSideways(g, p, c);
  const [x, y] = [difference(g), difference(p)];
  if (g.operator === p.operator && equalDifferences(x, y, c)) return true;
  if (g.operator === "!=") throw INCOMPARABLE;
  if (FLIPPED[g.operator] === p.operator && equalDifferences(x, product(integerNode(-1), y), c)) return true;
  if (g.operator !== "=" || p.operator !== "=") return false;
  return sameZeros(x, y) || bothUnsolvable(x, y);
};

/** Equations whose sides are sets or tuples cannot be subtracted; the reference is left with solving, which needs numbers. */
const equalSideways = (g: RelationNode, p: RelationNode, c: Comparison): boolean => same(g.left, p.left) && equalWithin(g.right, p.right, c);

const equalWithin = (g: Expression, p: Expression, c: Comparison): boolean => same(g, p) || (keyOf(g) === keyOf(p) && c.strict);

const difference = (x: RelationNode): Expression => sum(x.left, product(integerNode(-1), x.right));

/** SymPy evaluates the differences, so a constant one is a number and is compared as one. */
const equalDifferences = (x: Expression, y: Expression, c: Comparison): boolean => {
  if (isMatrix(x) || isMatrix(y)) return false;
  return sameValue(x, y, c.numericPrecision);
};

/** Two equations in one real unknown without any solution count as equal (both solution lists are empty): x²+1=0 and x²+2=0. */
const bothUnsolvable = (x: Expression, y: Expression): boolean => neverZero(x) && neverZero(y);

const neverZero = (x: Expression): boolean => {
  const symbols = [...freeSymbols(x)];
  if (symbols.length !== 1 || !symbols[0]![1] || holdsUnknownFunction(x)) return false;
  const key = symbols[0]![0];
  let sign = 0;
  let least = Infinity;
  for (let i = -80; i <= 80; i++) {
    const place = Math.sign(i) * (abs(i) <= 40 ? abs(i) / 4 : 10 * 2 ** (abs(i) - 40));
    const value = approximate(x, new Map([[key, { re: place, im: 0, error: 0 }]]));
    if (value.im !== 0 || !Number.isFinite(value.re)) return false;
    if (value.re === 0 || (sign !== 0 && Math.sign(value.re) !== sign)) return false;
    sign = Math.sign(value.re);
    least = min(least, abs(value.re));
  }
  return least > 1e-3;
};

const holdsUnknownFunction = (x: Expression): boolean => x.kind === "call" || childrenOf(x).some(holdsUnknownFunction);

/** An inequality against a set: whether the set is its solution; null when the inequality has more than one unknown. */
const relationIsSet = (relation: RelationNode | ChainNode, set: Expression): boolean | null => {
  const plain = callsAsSymbols(relation) as RelationNode | ChainNode;
  if (freeSymbols(plain).size !== 1) return null;
  const values = isFiniteSet(set) ? finiteSet(set.items.map((item) => (isEquation(item) ? lastRelation(item).right : item))) : set;
  const pieces = realSetOf(values);
  return pieces !== null && solves(plain, pieces);
};

/** f(x) as one symbol, so that 0 < f(x) < 1 has the solution (0, 1). */
const callsAsSymbols = (x: Expression): Expression => x.kind === "call" ? symbol(keyOf(x), true) : mapParts(x, callsAsSymbols);

// Sets and tuples

const equalSets = (g: Expression, p: Expression, c: Comparison): boolean => {
  const a: Expression = isSet(g) || isTuple(g) ? g : { kind: "set", items: [g], written: [g] };
  const b: Expression = isSet(p) || isTuple(p) ? p : { kind: "set", items: [p], written: [p] };
  if (isInterval(a) && isInterval(b)) {
    return (
      a.leftOpen === b.leftOpen && a.rightOpen === b.rightOpen && equalExpressions(a.start, b.start, inner(c)) && equalExpressions(a.end, b.end, inner(c))
    );
  }
  if (same(a, b)) return true;
  if (isSet(a) && isSet(b) && (!isFiniteSet(a) || !isFiniteSet(b))) {
    const [left, right] = [realSetOf(a), realSetOf(b)];
    if (left !== null && right !== null && sameRealSet(left, right)) return true;
  }
  const [finiteA, finiteB] = [isFinite(a), isFinite(b)];
  if (finiteA && finiteB) return equalItems(a, b, isFiniteSet(b), c);
  if (isInterval(a) && a.leftOpen && a.rightOpen && finiteB && itemsOf(b).length === 2) {
    return equalItems(tuple([a.start, a.end]), b, isFiniteSet(b) && isSet(p), c);
  }
  if (isInterval(b) && b.leftOpen && b.rightOpen && finiteA && itemsOf(a).length === 2) {
    return equalItems(a, tuple([b.start, b.end]), false, c);
  }
  return false;
};

/** What holds inside a set holds without the options of the outermost call. */
const inner = (c: Comparison): Comparison => (c.strict && !c.allowSetRelationComp ? c : { ...c, strict: true, allowSetRelationComp: false });

const isFinite = (x: Expression): boolean => isFiniteSet(x) || isTuple(x);
const itemsOf = (x: Expression): readonly Expression[] => (isFiniteSet(x) || isTuple(x) ? x.items : []);

/** Element by element: a gold set in any order, a gold tuple in the order written. */
const equalItems = (a: Expression, b: Expression, writtenOrder: boolean, c: Comparison): boolean => {
  const gold = itemsOf(a);
  const pred = itemsOf(b);
  if (gold.length !== pred.length) return false;
  const own = inner(c);
  if (isFiniteSet(a)) return equalUnordered(gold, pred, own);
  const order = writtenOrder && isFiniteSet(b) ? b.written : pred;
  if (order.length !== gold.length) throw INCOMPARABLE;
  return gold.every((item, i) => equalExpressions(item, order[i]!, own));
};

/**
 * The reference sorts both sides by value and compares in order. Sorting by value first makes the usual case cheap; where that does
 * not pair up (equal values in different forms), every item looks for its own partner.
 */
const equalUnordered = (gold: readonly Expression[], pred: readonly Expression[], c: Comparison): boolean => {
  const [a, b] = [sortedByValue(gold), sortedByValue(pred)];
  if (a !== null && b !== null) return a.every((item, i) => equalExpressions(item, b[i]!, c));
  const left = [...pred];
  for (const item of gold) {
    const at = left.findIndex((other) => equalExpressions(item, other, c));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
};

/** Items in ascending order when all are real constants (the right side of an assignment counts), else null. */
const sortedByValue = (items: readonly Expression[]): Expression[] | null => {
  const valued: { item: Expression; value: number; exact: ReturnType<typeof evaluateExactly> }[] = [];
  for (const item of items) {
    const x = isAssignment(item) ? lastRelation(item as RelationNode | ChainNode).right : item;
    if (!isNumber(x) && (isSet(x) || isTuple(x) || isRelation(x) || freeSymbols(x).size > 0)) return null;
    const exact = evaluateExactly(x, null);
    const value = exact !== null ? toNumber(exact) : approximate(x, NOWHERE).re;
    if (isNaN(value)) return null;
    valued.push({ item, value, exact });
  }
  valued.sort((a, b) => (a.exact !== null && b.exact !== null ? compare(a.exact, b.exact) : a.value - b.value || 0));
  return valued.map(({ item }) => item);
};
