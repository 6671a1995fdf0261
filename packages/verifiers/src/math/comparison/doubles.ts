/**
 * Decimals as the reference has them: doubles, rounded at every step (SymPy 1.14 `Float`, 53 bits). 8.2·10^6 is no
 * 8200000 to it, as
 * 8.2 times a million rounds to the double beside it; 1.5·10^8 is 150000000.
 */
import type { Budget } from "../budget";
import { type Expression, isAdd, isFunction, isIntegerNode, isMul, isNumber, isPow, termsOf } from "../tree/expression";
import { childrenOf, holds } from "../tree/traversal";
import { type Rational, toNumber } from "../rational";
import type { Comparison } from "./comparison";

type Places = ReadonlyMap<string, Rational>;

/**
 * Whether two trees are the same double. The terms of a gold sum are added to what the prediction comes to, as SymPy
 * does.
 *
 * @param chop the distance that is overlooked
 * @param places values of the symbols
 * @returns null where a tree holds more than arithmetic
 */
export function sameDouble(
  comparison: Comparison,
  a: Expression,
  b: Expression,
  chop: number,
  places?: Places,
): boolean | null {
  const y = asDouble(comparison, b, places);
  const total = termsOf(a).reduce((rest, term) => rest + asDouble(comparison, term, places), -y);
  return Number.isNaN(total) ? null : Math.abs(total) <= Math.max(chop, 2 ** -60 * Math.abs(y));
}

/** The value in doubles, operands taken in the order written; exact ones stay exact until they meet a double. */
function asDouble(comparison: Comparison, x: Expression, places?: Places): number {
  const { budget, calculator } = comparison;
  if (!holdsFloat(budget, x)) {
    const exact = calculator.evaluateExactly(x, places);
    return exact ? toNumber(exact) : NaN;
  }
  if (isNumber(x)) return toNumber(x.value);
  if (isPow(x)) return asDouble(comparison, x.base, places) ** asDouble(comparison, x.exponent, places);
  if (!isAdd(x) && !isMul(x)) return NaN;
  const first = x.args.findIndex((arg) => holdsFloat(budget, arg));
  const rest = x.args.slice(first).map((arg) => asDouble(comparison, arg, places));
  const start = asDouble(comparison, { kind: x.kind, args: x.args.slice(0, first) }, places);
  return rest.reduce((total, value) => (isAdd(x) ? total + value : total * value), start);
}

/**
 * Whether a decimal stands in a function or a power that is no whole one; e^x is worked out on both sides, and what is
 * rounded to a whole number is no decimal any more.
 */
export function floatInside(budget: Budget, tree: Expression): boolean {
  return holds(tree, (x) => {
    const isRounded = isFunction(x) ? !/^(exp|floor|ceiling)$/.test(x.name) : isPow(x) && !isIntegerNode(x.exponent);
    return isRounded && holdsFloat(budget, x);
  });
}

export function isFloat(x: Expression): boolean {
  return isNumber(x) && x.float;
}

/** Whether a decimal stands anywhere in a tree. */
export function holdsFloat(budget: Budget, x: Expression): boolean {
  budget.spend(1);
  return isFloat(x) || childrenOf(x).some((part) => holdsFloat(budget, part));
}
