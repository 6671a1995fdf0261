/**
 * What is neither a set nor a relation: formulas and numbers by their values, matrices entry by entry, lone symbols by
 * their names.
 */
import {
  type Expression,
  type SymbolNode,
  factorsOf,
  isConstant,
  isIntegerNode,
  isMatrix,
  isMul,
  isNumber,
  isPercent,
  isSymbol,
} from "../tree/expression";
import { same } from "../tree/identity";
import { childrenOf } from "../tree/traversal";
import { fromNumber, roundScaled, toNumber } from "../rational";
import type { Comparison } from "./comparison";
import { constantValue } from "./constants";
import { holdsFloat, isFloat } from "./doubles";
import { sameValue } from "./values";

/** Bits of a decimal digit, rounded up. */
const BITS_PER_DIGIT = 3.33;

/** Compares two trees that are neither sets nor relations nor lone symbols. */
export function equalTerms(comparison: Comparison, g: Expression, p: Expression): boolean {
  return equalNumerically(comparison, g, p) || same(g, p) || sameValue(comparison, g, p);
}

export function equalMatrices(comparison: Comparison, g: Expression, p: Expression): boolean {
  if (!isMatrix(g) || !isMatrix(p) || g.rows.length !== p.rows.length) return false;
  const [a, b] = [childrenOf(g), childrenOf(p)];
  return a.length === b.length && a.every((x, i) => equalTerms(comparison, x, b[i]!));
}

/** What a percent sign stands behind. */
function withoutPercent(x: Expression): Expression {
  return isMul(x) && x.args.length === 2 && isPercent(x.args[1]!) ? x.args[0]! : x;
}

/** The part of the cascade that rounds: with a decimal both sides are rounded, and 9% equals 9. */
function equalNumerically(comparison: Comparison, g: Expression, p: Expression): boolean {
  const [a, b] = [withoutPercent(g), withoutPercent(p)];
  if (isFloat(a) || isFloat(b)) return rounded(comparison, g) === rounded(comparison, p);
  return isIntegerNode(a) && same(a, b);
}

/**
 * A constant rounded to the decimals asked for. An exact integer stays an integer when SymPy rounds it and then differs
 * from every decimal, so 5 and 5.0000001 are unequal while 5.0 and 5.0000001 are equal. Not a number, which equals
 * nothing, for the rest.
 */
function rounded(comparison: Comparison, x: Expression): string | number {
  const { budget, decimals } = comparison;
  budget.checkBits(Math.abs(decimals) * BITS_PER_DIGIT);
  const [exact, { re, im }] = constantValue(comparison, x);
  if (exact) return `${roundScaled(exact, decimals)}${exact.d === 1n && !holdsFloat(budget, x) ? "" : "."}`;
  return im === 0 && Number.isFinite(re) ? `${roundScaled(fromNumber(re), decimals)}.` : NaN;
}

/** A lone symbol and something else: names decide, words without regard to case. `odd` (o·d·d) equals \text{odd}. */
export function equalNames({ name }: SymbolNode, other: Expression): boolean {
  const letters = factorsOf(other).map((x) => (isSymbol(x) || (isConstant(x) && x.name === "e") ? x.name : null));
  const word = letters.join("");
  if (letters.includes(null) || (isSymbol(other) && word.length < 2)) return name === printed(other);
  return name.toLowerCase() === word.toLowerCase();
}

/** How SymPy prints a number; other trees print with operators and spaces that no name holds. */
function printed(x: Expression): string | null {
  if (isConstant(x) || isSymbol(x)) return x.name;
  if (!isNumber(x)) return null;
  if (x.float) return toNumber(x.value).toPrecision(15);
  return isIntegerNode(x) ? `${x.value.n}` : `${x.value.n}/${x.value.d}`;
}
