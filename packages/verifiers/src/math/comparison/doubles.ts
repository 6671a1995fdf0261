/**
 * Decimals as the reference has them: doubles, rounded at every step (SymPy 1.14 `Float`, 53 bits). 8.2·10^6 is no 8200000 to it, as
 * 8.2 times a million rounds to the double beside it; 1.5·10^8 is 150000000.
 */
import type { Budget } from "../budget";
import { evaluateExactly } from "../evaluation/exact";
import { type Expression, childrenOf, isIntegerNode } from "../expression";
import { type Rational, toNumber } from "../rational";

/**
 * Whether two trees are the same double. The terms of a gold sum are added to what the prediction comes to, as SymPy does.
 *
 * @param places values of the symbols
 * @param chop the distance that is overlooked
 * @returns null where a tree holds more than arithmetic
 */
export function sameDouble(a: Expression, b: Expression, places: ReadonlyMap<string, Rational>, chop: number, budget: Budget): boolean | null {
  const y = asDouble(b, places, budget);
  const total = a.kind === "add" ? a.args.reduce((total, arg) => total + asDouble(arg, places, budget), -y) : asDouble(a, places, budget) - y;
  return Number.isNaN(total) ? null : Math.abs(total) <= Math.max(chop, 2 ** -60 * Math.abs(y));
}

/** The value in doubles, operands taken in the order written; exact ones stay exact until they meet a double. */
function asDouble(x: Expression, places: ReadonlyMap<string, Rational>, budget: Budget): number {
  if (!holdsFloat(x)) {
    const exact = evaluateExactly(x, places, budget);
    return exact === null ? NaN : toNumber(exact);
  }
  if (x.kind === "number") return toNumber(x.value);
  if (x.kind === "pow") return asDouble(x.base, places, budget) ** asDouble(x.exponent, places, budget);
  if (x.kind !== "add" && x.kind !== "mul") return NaN;
  const first = x.args.findIndex((arg) => holdsFloat(arg));
  const rest = x.args.slice(first).map((arg) => asDouble(arg, places, budget));
  const start = asDouble({ kind: x.kind, args: x.args.slice(0, first) }, places, budget);
  return x.kind === "add" ? rest.reduce((total, value) => total + value, start) : rest.reduce((total, value) => total * value, start);
}

/** Whether a decimal stands in a function (other than e^x, which is worked out on both sides) or a power that is no whole one. */
export function floatInside(x: Expression): boolean {
  if ((x.kind === "function" && x.name !== "exp") || (x.kind === "pow" && !isIntegerNode(x.exponent))) return holdsFloat(x);
  return childrenOf(x).some(floatInside);
}

/** Whether a decimal stands anywhere in these trees. */
export function holdsFloat(...trees: Expression[]): boolean {
  return trees.some((x) => (x.kind === "number" ? x.float : childrenOf(x).some((part) => holdsFloat(part))));
}
