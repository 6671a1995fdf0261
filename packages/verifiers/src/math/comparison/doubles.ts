/**
 * Decimals as the reference has them: doubles, rounded at every step (SymPy 1.14 `Float`, 53 bits). 8.2·10^6 is no 8200000 to it, as
 * 8.2 times a million rounds to the double beside it; 1.5·10^8 is 150000000.
 */
import { abs, isNaN, max } from "../floats";
import { evaluateExactly } from "../evaluation/exact";
import { type Expression, childrenOf, isIntegerNode, isAdd, isNumber, isPow, isMul, isFunction } from "../expression";
import { type Rational, toNumber } from "../rational";

/**
 * Whether two trees are the same double. The terms of a gold sum are added to what the prediction comes to, as SymPy does.
 *
 * @param places values of the symbols
 * @param chop the distance that is overlooked
 * @returns null where a tree holds more than arithmetic
 */
export const sameDouble = (a: Expression, b: Expression, places: ReadonlyMap<string, Rational>, chop: number): boolean | null => {
  const y = asDouble(b, places);
  const total = isAdd(a) ? a.args.reduce((total, arg) => total + asDouble(arg, places), -y) : asDouble(a, places) - y;
  return isNaN(total) ? null : abs(total) <= max(chop, 2 ** -60 * abs(y));
};

/** The value in doubles, operands taken in the order written; exact ones stay exact until they meet a double. */
const asDouble = (x: Expression, places: ReadonlyMap<string, Rational>): number => {
  if (!holdsFloat(x)) {
    const exact = evaluateExactly(x, places);
    return exact === null ? NaN : toNumber(exact);
  }
  if (isNumber(x)) return toNumber(x.value);
  if (isPow(x)) return asDouble(x.base, places) ** asDouble(x.exponent, places);
  if (!isAdd(x) && !isMul(x)) return NaN;
  const first = x.args.findIndex((arg) => holdsFloat(arg));
  const rest = x.args.slice(first).map((arg) => asDouble(arg, places));
  const start = asDouble({ kind: x.kind, args: x.args.slice(0, first) }, places);
  return rest.reduce((total, value) => (isAdd(x) ? total + value : total * value), start);
};

/** Whether a decimal stands in a function (other than e^x, which is worked out on both sides) or a power that is no whole one. */
export const floatInside = (x: Expression): boolean => {
  if ((isFunction(x) && x.name !== "exp") || (isPow(x) && !isIntegerNode(x.exponent))) return holdsFloat(x);
  return childrenOf(x).some(floatInside);
};

/** Whether a decimal stands anywhere in these trees. */
export const holdsFloat = (...trees: Expression[]): boolean => trees.some((x) => (isNumber(x) ? x.float : childrenOf(x).some((part) => holdsFloat(part))));
