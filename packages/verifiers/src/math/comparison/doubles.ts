/**
 * Decimals as the reference has them: doubles, rounded at every step (SymPy 1.14 `Float`, 53 bits). 8.2·10^6 is no 8200000 to it, as
 * 8.2 times a million rounds to the double beside it; 1.5·10^8 is 150000000.
 */
import { spend } from "../budget";
import { abs, isNaN, max } from "../floats";
import { evaluateExactly } from "../evaluation/exact";
import {
  type Expression,
  childrenOf,
  holds,
  isAdd,
  isFunction,
  isIntegerNode,
  isMul,
  isNumber,
  isPow,
  termsOf,
} from "../expression";
import { type Rational, toNumber } from "../rational";

type Places = ReadonlyMap<string, Rational>;

/**
 * Whether two trees are the same double. The terms of a gold sum are added to what the prediction comes to, as SymPy does.
 *
 * @param chop the distance that is overlooked
 * @param places values of the symbols
 * @returns null where a tree holds more than arithmetic
 */
export const sameDouble = (a: Expression, b: Expression, chop: number, places?: Places): boolean | null => {
  const y = asDouble(b, places);
  const total = termsOf(a).reduce((rest, term) => rest + asDouble(term, places), -y);
  return isNaN(total) ? null : abs(total) <= max(chop, 2 ** -60 * abs(y));
};

/** The value in doubles, operands taken in the order written; exact ones stay exact until they meet a double. */
const asDouble = (x: Expression, places?: Places): number => {
  if (!holdsFloat(x)) {
    const exact = evaluateExactly(x, places);
    return exact ? toNumber(exact) : NaN;
  }
  if (isNumber(x)) return toNumber(x.value);
  if (isPow(x)) return asDouble(x.base, places) ** asDouble(x.exponent, places);
  if (!isAdd(x) && !isMul(x)) return NaN;
  const first = x.args.findIndex(holdsFloat);
  const rest = x.args.slice(first).map((arg) => asDouble(arg, places));
  const start = asDouble({ kind: x.kind, args: x.args.slice(0, first) }, places);
  return rest.reduce((total, value) => (isAdd(x) ? total + value : total * value), start);
};

/**
 * Whether a decimal stands in a function or a power that is no whole one; e^x is worked out on both sides, and what is rounded to a
 * whole number is no decimal any more.
 */
export const floatInside = (tree: Expression): boolean =>
  holds(
    tree,
    (x) =>
      ((isFunction(x) && !/^(exp|floor|ceiling)$/.test(x.name)) || (isPow(x) && !isIntegerNode(x.exponent))) &&
      holdsFloat(x),
  );

export const isFloat = (x: Expression): boolean => isNumber(x) && x.float;

/** Whether a decimal stands anywhere in a tree. */
export const holdsFloat = (x: Expression): boolean => {
  spend(1);
  return isFloat(x) || childrenOf(x).some(holdsFloat);
};
