/**
 * What `\sin`, `\log_2`, `\operatorname{..}`, `\gcd` mean, as latex2sympy2_extended 1.11 converts them: `\log` has base 10, a power -1
 * on a trigonometric function is its inverse, gcd and lcm are worked out at once.
 */
import { checkBits } from "../budget";
import {
  type Expression,
  EULER,
  ONE_NODE,
  call,
  flatSum,
  integerNode,
  isExactly,
  number,
  pow,
  same,
  isNumber,
  isMatrix,
  productOf,
} from "../expression";
import { evaluateExactly } from "../evaluation/exact";
import { gcd, logarithm2, rational } from "../rational";
import { determinant } from "./matrices";
import { unbuildable } from "./token-reader";

/**
 * A named function of one argument.
 *
 * @param lower the subscript (base of a logarithm)
 * @param upper the superscript on the name
 */
export const applyNamed = (
  written: string,
  argument: Expression,
  lower: Expression | undefined,
  upper: Expression | undefined,
): Expression => {
  // \arcsin, \arsinh and \arcosh are asin, asinh and acosh.
  const name = written.replace(/^arc?(?=[cst])/, "a");
  // With the `a` of an inverse; undefined for the two that have none.
  const known = /^(?:(a?)(?:sin|cos|tan|csc|sec|cot)h?|exp|floor)$/.exec(name);
  if (upper && known?.[1] === "" && isExactly(upper, -1)) return call(`a${name}`, [argument]);
  const value = NAMED[name]?.(argument, lower) ?? (known ? call(name, [argument]) : unbuildable());
  return !upper || (isNumber(upper) && upper.value.n === 0n) ? value : pow(value, upper);
};

const gamma = (x: Expression): Expression => evaluated(call("gamma", [x]));

const trace = (x: Expression): Expression =>
  isMatrix(x) && x.rows.length === x.rows[0]!.length ? flatSum(x.rows.map((row, i) => row[i]!)) : unbuildable();

/** The functions that are not called in trees as they are in LaTeX. */
const NAMED: Readonly<Record<string, (argument: Expression, lower?: Expression) => Expression>> = {
  log: (x, base = integerNode(10)) => call("log", [x, base]),
  ln: (x, base = EULER) => call("log", [x, base]),
  ceil: (x) => call("ceiling", [x]),
  gamma,
  Gamma: gamma,
  det: determinant,
  trace,
  tr: trace,
};

/** gcd or lcm of rationals: gcd of the numerators over lcm of the denominators, and the reverse. Symbols stay unevaluated. */
export const greatestCommonDivisor = (name: string, args: readonly Expression[]): Expression => {
  const isGcd = name === "gcd";
  let [n, d] = isGcd ? [0n, 1n] : [1n, 0n];
  for (const arg of args) {
    const value = evaluateExactly(arg);
    if (!value) return call(name, args);
    [n, d] = isGcd
      ? [gcd(n, value.n), leastCommonMultiple(d, value.d)]
      : [leastCommonMultiple(n, value.n), gcd(d, value.d)];
    checkBits(logarithm2({ n, d }));
  }
  // No plain number, so that `3\gcd(4,6)` is a product and no mixed number.
  return productOf([number(rational(n, d))]);
};

/** `x` as a number if it has an exact value within the limits: what the reference evaluates while reading may stand behind an integer as a mixed number. */
export const evaluated = (x: Expression): Expression => {
  const value = evaluateExactly(x);
  return value ? number(value) : x;
};

export const binomialOf = (upper: Expression, lower: Expression): Expression => {
  if (same(upper, lower) || isExactly(lower, 0)) return ONE_NODE;
  return isExactly(lower, 1) ? upper : evaluated(call("binomial", [upper, lower]));
};

const leastCommonMultiple = (a: bigint, b: bigint): bigint => (a && b ? gcd((a / gcd(a, b)) * b, 0n) : 0n);
