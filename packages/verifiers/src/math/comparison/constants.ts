/**
 * Whether two trees without symbols have the same value, and that value itself.
 */
import { type Approximation, UNDEFINED, areClose, exactly, magnitude } from "../evaluation/complex";
import { OUT_OF_REACH } from "../evaluation/calculator";
import { type Expression, isNumber } from "../tree/expression";
import { freeSymbols } from "../tree/structure";
import { type Rational, equal, subtract, toNumber } from "../rational";
import type { Comparison } from "./comparison";
import { floatInside, holdsFloat, sameDouble } from "./doubles";
import { sameLargeConstant } from "./large-constants";

/** Below this distance the reference takes two irrational constants for equal, however small they are: 2^-49. */
const CHOP = 2 ** -49;
/** Of two doubles. */
const FLOAT_CHOP = 2 ** -55;
/** Part of the remaining steps that an approximation may take. */
const SHARE = 0.5;

/**
 * The exact value of a constant when it has one within the limits, and a double that it is near; not a number where
 * there are symbols, and beyond doubles.
 */
export type ConstantValue = readonly [exact: Rational | null, near: Approximation];

export function constantValue({ budget, calculator }: Comparison, x: Expression): ConstantValue {
  if (freeSymbols(budget, x).size > 0) return [null, UNDEFINED];
  const exact = calculator.evaluateExactly(x);
  return [exact, exact ? exactly(toNumber(exact)) : calculator.nearValue(x)];
}

/** @throws BudgetError */
export function sameConstant(comparison: Comparison, a: Expression, b: Expression): boolean {
  const { budget, calculator, precision } = comparison;
  const isAtomic = isNumber(a) || isNumber(b);
  const chop = isAtomic ? 0 : Math.max(CHOP, 10 ** -(precision + 0.3));
  const hasFloat = holdsFloat(budget, a) || holdsFloat(budget, b);
  const x = calculator.exactValue(a);
  const y = calculator.exactValue(b);
  if (x === OUT_OF_REACH || y === OUT_OF_REACH) return sameLargeConstant(calculator, a, b, chop);
  if (x && y && !hasFloat) return equal(x, y) || Math.abs(toNumber(subtract(x, y))) <= chop;
  const p = budget.attempt(SHARE, () => calculator.approximate(a));
  const q = budget.attempt(SHARE, () => calculator.approximate(b));
  if (!p || !q) return sameLargeConstant(calculator, a, b, chop);
  if (x && y) return sameDouble(comparison, a, b, isAtomic ? 0 : FLOAT_CHOP) ?? areClose(p, q);
  // ln 8.6 is a double to the reference and ln(43/5) is not: they differ by rounding, and from about 2 on by more than
  // it overlooks.
  if (floatInside(budget, a) !== floatInside(budget, b) && magnitude(p) >= 2) return false;
  return isOverflow(p) || isOverflow(q) ? sameLargeConstant(calculator, a, b, chop) : areClose(p, q, chop);
}

/** Infinite, or too large for a double. */
function isOverflow({ re }: Approximation): boolean {
  return Math.abs(re) === Infinity;
}
