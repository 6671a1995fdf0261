/**
 * What `\sin`, `\log_2`, `\operatorname{..}`, `\gcd` mean, as latex2sympy2_extended 1.11 converts them: `\log` has base
 * 10, a power -1 on a trigonometric function is its inverse, gcd and lcm are worked out at once.
 */
import {
  EULER,
  type Expression,
  ONE_NODE,
  call,
  flatSum,
  integerNode,
  isExactly,
  isMatrix,
  isNumber,
  number,
  pow,
  productOf,
} from "../tree/expression";
import { same } from "../tree/identity";
import { gcd, logarithm2, rational } from "../rational";
import type { LatexReader } from "./latex-reader";
import { determinant } from "./matrices";

/** A function of one argument as it is written. */
interface NamedFunction {
  readonly written: string;
  readonly argument: Expression;
  /** The subscript: base of a logarithm. */
  readonly lower: Expression | undefined;
  /** The superscript on the name. */
  readonly upper: Expression | undefined;
}

export function applyNamed(reader: LatexReader, { written, argument, lower, upper }: NamedFunction): Expression {
  // \arcsin, \arsinh and \arcosh are asin, asinh and acosh.
  const name = written.replace(/^arc?(?=[cst])/, "a");
  // With the `a` of an inverse; undefined for the two that have none.
  const known = /^(?:(a?)(?:sin|cos|tan|csc|sec|cot)h?|exp|floor)$/.exec(name);
  if (upper && known?.[1] === "" && isExactly(upper, -1)) return call(`a${name}`, [argument]);
  const value = NAMED[name]?.(reader, argument, lower) ?? (known ? call(name, [argument]) : reader.unbuildable());
  return !upper || (isNumber(upper) && upper.value.n === 0n) ? value : pow(value, upper);
}

function gamma(reader: LatexReader, x: Expression): Expression {
  return evaluated(reader, call("gamma", [x]));
}

function trace(reader: LatexReader, x: Expression): Expression {
  const isSquare = isMatrix(x) && x.rows.length === x.rows[0]!.length;
  return isSquare ? flatSum(x.rows.map((row, i) => row[i]!)) : reader.unbuildable();
}

/** The functions that are not called in trees as they are in LaTeX. */
const NAMED: Readonly<
  Record<string, (reader: LatexReader, argument: Expression, lower: Expression | undefined) => Expression>
> = {
  log: (_, x, base = integerNode(10)) => call("log", [x, base]),
  ln: (_, x, base = EULER) => call("log", [x, base]),
  ceil: (_, x) => call("ceiling", [x]),
  gamma,
  Gamma: gamma,
  det: determinant,
  trace,
  tr: trace,
};

/**
 * gcd or lcm of rationals: gcd of the numerators over lcm of the denominators, and the reverse. Symbols stay
 * unevaluated.
 */
export function greatestCommonDivisor(reader: LatexReader, name: string, args: readonly Expression[]): Expression {
  const isGcd = name === "gcd";
  let [n, d] = isGcd ? [0n, 1n] : [1n, 0n];
  for (const arg of args) {
    const value = reader.context.calculator.evaluateExactly(arg);
    if (!value) return call(name, args);
    [n, d] = isGcd
      ? [gcd(n, value.n), leastCommonMultiple(d, value.d)]
      : [leastCommonMultiple(n, value.n), gcd(d, value.d)];
    reader.budget.checkBits(logarithm2({ n, d }));
  }
  // No plain number, so that `3\gcd(4,6)` is a product and no mixed number.
  return productOf([number(rational(n, d))]);
}

/**
 * `x` as a number if it has an exact value within the limits: what the reference evaluates while reading may stand
 * behind an integer as a mixed number.
 */
export function evaluated(reader: LatexReader, x: Expression): Expression {
  const value = reader.context.calculator.evaluateExactly(x);
  return value ? number(value) : x;
}

export function binomialOf(reader: LatexReader, upper: Expression, lower: Expression): Expression {
  if (same(upper, lower) || isExactly(lower, 0)) return ONE_NODE;
  return isExactly(lower, 1) ? upper : evaluated(reader, call("binomial", [upper, lower]));
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  return a && b ? gcd((a / gcd(a, b)) * b, 0n) : 0n;
}
