/**
 * What `\sin`, `\log_2`, `\operatorname{..}`, `\gcd` mean, as latex2sympy2_extended 1.11 converts them: `\log` has base 10, a power -1
 * on a trigonometric function is its inverse, gcd and lcm are worked out at once.
 */
import { type Expression, EULER, ONE_NODE, call, integerNode, isExactly, number, same, sum, isNumber, isMatrix, productOf } from "../expression";
import { evaluateExactly } from "../evaluation/exact";
import { type Rational, gcd, integer, rational } from "../rational";
import { determinant } from "./matrices";

/** Names allowed in `\operatorname{}` and how many arguments they take. */
export const operatorNames = new Map<string, "single" | "several">();
for (const name of (
  "arsinh arcosh artanh arcsinh arccosh arctanh floor ceil eye rank trace tr rref nullspace eig eigen diagonalize norm eigenvals " +
  "eigenvalues eigenvects eigenvectors svd SVD cols rows"
).split(" "))
  operatorNames.set(name, "single");
for (const name of "gcd lcm zeros orth ortho orthogonal orthogonalize ones diag hstack vstack".split(" ")) operatorNames.set(name, "several");

const CIRCULAR = new Set(["sin", "cos", "tan", "csc", "sec", "cot"]);
const HYPERBOLIC = new Set(["sinh", "cosh", "tanh"]);

/**
 * A named function of one argument.
 *
 * @param lower the subscript (base of a logarithm)
 * @param upper the superscript on the name
 * @returns the value and the power still to be taken; null where there is no value
 */
export const applyNamed = (
  name: string,
  argument: Expression,
  lower: Expression | null,
  upper: Expression | null,
): readonly [Expression | null, Expression | null] => {
  const exponent = upper !== null && isNumber(upper) && upper.value.n === 0n ? null : upper;
  const inverse = exponent !== null && isNumber(exponent) && exponent.value.n === -1n && exponent.value.d === 1n;
  if (CIRCULAR.has(name) || HYPERBOLIC.has(name)) return inverse ? [call(`a${name}`, [argument]), null] : [call(name, [argument]), exponent];
  if (name.startsWith("arc") && name !== "arc") return [call(`a${name.slice(3)}`, [argument]), exponent];
  if (name.startsWith("ar") && name.endsWith("h")) return [call(`a${name.slice(2)}`, [argument]), exponent];
  switch (name) {
    case "log":
    case "ln":
      return [call("log", [argument, lower ?? (name === "ln" ? EULER : integerNode(10))]), exponent];
    case "exp":
    case "floor":
      return [call(name, [argument]), exponent];
    case "ceil":
      return [call("ceiling", [argument]), exponent];
    case "gamma":
    case "Gamma":
      return [evaluated(call("gamma", [argument])), exponent];
    case "det":
      return [determinant(argument), exponent];
    case "trace":
    case "tr":
      return [trace(argument), exponent];
    default:
      return [null, exponent];
  }
};

const trace = (matrix: Expression): Expression | null => {
  if (!isMatrix(matrix) || matrix.rows.length !== matrix.rows[0]!.length) return null;
  return matrix.rows.map((row, i) => row[i]!).reduce((a, b) => sum(a, b));
};

/** gcd or lcm of rationals: gcd of the numerators over lcm of the denominators, and the reverse. Symbols stay unevaluated. */
export const greatestCommonDivisor = (name: "gcd" | "lcm", args: readonly Expression[]): Expression => {
  const values: Rational[] = [];
  for (const arg of args) {
    const value = evaluateExactly(arg, null);
    if (value === null) return call(name, args);
    values.push(value);
  }
  let n = abs(values[0]!.n);
  let d = values[0]!.d;
  for (const value of values.slice(1)) {
    const other = abs(value.n);
    if (name === "gcd") {
      n = gcd(n, other);
      d = leastCommonMultiple(d, value.d);
    } else {
      n = leastCommonMultiple(n, other);
      d = gcd(d, value.d);
    }
  }
  // No plain number, so that `3\gcd(4,6)` is a product and no mixed number.
  return productOf([number(n === 0n ? integer(0) : rational(n, d))]);
};

/** `x` as a number if it has an exact value: what the reference evaluates while reading may stand behind an integer as a mixed number. */
export const evaluated = (x: Expression): Expression => {
  const value = evaluateExactly(x, null);
  return value === null ? x : number(value);
};

export const binomialOf = (upper: Expression, lower: Expression): Expression => {
  if (same(upper, lower) || isExactly(lower, 0)) return ONE_NODE;
  return isExactly(lower, 1) ? upper : evaluated(call("binomial", [upper, lower]));
};

const abs = (n: bigint): bigint => (n < 0n ? -n : n);
const leastCommonMultiple = (a: bigint, b: bigint): bigint => (a === 0n || b === 0n ? 0n : (a / gcd(a, b)) * b);
