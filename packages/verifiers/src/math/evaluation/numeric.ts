/**
 * Approximate value of a tree at a point, with its error bound. Sums and products over ranges are added up, definite
 * integrals go through double exponential quadrature, limits through points that close in.
 */
import type { Budget } from "../budget";
import {
  type BinderNode,
  type Expression,
  type FunctionNode,
  isAdd,
  isCall,
  isConstant,
  isDerivative,
  isFunction,
  isIntegral,
  isNumber,
  isPow,
  number,
  pow,
} from "../tree/expression";
import { freeSymbols } from "../tree/structure";
import { childrenOf } from "../tree/traversal";
import { HALF, type Rational, integer, isInteger, logarithm2, toNumber } from "../rational";
import { differentiate } from "./derivatives";
import type { Exact } from "./exact";
import { bodyOf, evaluator } from "./evaluator";
import type { Evaluate, NumberSystem, Places } from "./number-system";
import { limitAt } from "./extrapolation";
import { definite } from "./quadrature";
import { hasSymbolicBounds, seriesValue } from "./symbolic-series";
import { unknownFunction } from "./unknown-function";
import {
  type Approximation,
  FUNCTIONS,
  ONE,
  UNDEFINED,
  exactly,
  gamma,
  isDefined,
  isReal,
  logarithm,
  magnitude,
  minus,
  negate,
  plus,
  raise,
  reciprocal,
  rounded,
  times,
} from "./complex";

type Environment = Places<Approximation>;

/**
 * The key of a point at which functions, not constants, are compared. SymPy then knows less: see `valueOf` and
 * `applied`.
 */
export const SYMBOLIC = "";

const CONSTANTS: Readonly<Record<string, Approximation>> = {
  pi: rounded(Math.PI),
  e: rounded(Math.E),
  I: exactly(0, 1),
  oo: exactly(Infinity),
  EulerGamma: rounded(0.5772156649015329),
};

/** What evaluation in doubles works with. */
interface Doubles {
  readonly budget: Budget;
  readonly evaluateExactly: Evaluate<Exact>;
  readonly approximate: Evaluate<Approximation>;
}

/**
 * The evaluation of trees in complex doubles.
 *
 * @returns a function that gives `UNDEFINED` (not a number) where there is no value, and throws BudgetError
 */
export function approximateEvaluator(budget: Budget, evaluateExactly: Evaluate<Exact>): Evaluate<Approximation> {
  const approximate: Evaluate<Approximation> = evaluator<Approximation>(budget, {
    none: UNDEFINED,
    of: (value) => ofRational(budget, value),
    integerOf: (x, places) => {
      const value = approximate(x, places);
      return isReal(value) && Number.isSafeInteger(value.re) ? BigInt(value.re) : null;
    },
    plus,
    times,
    negate,
    reciprocal,
    raise,
    order,
    floor: wholePart,
    gamma,
    functions: KNOWN_FUNCTIONS,
    other: (x, places) => valueOf(doubles, x, places),
    isExact: false,
  });
  const doubles: Doubles = { budget, evaluateExactly, approximate };
  return approximate;
}

function ofRational(budget: Budget, value: Rational): Approximation {
  const n = Number(value.n);
  if (isInteger(value) && Number.isSafeInteger(n)) return exactly(n);
  // Long numbers are divided.
  if (!Number.isFinite(n - Number(value.d))) budget.spend(logarithm2(value) / 16);
  return rounded(toNumber(value));
}

function wholePart(a: Approximation): Approximation {
  if (!isReal(a) || !isDefined(a)) return UNDEFINED;
  const nearest = Math.round(a.re);
  return exactly(Math.abs(a.re - nearest) <= a.error ? nearest : Math.floor(a.re));
}

/** Below, at or above 0 as two real numbers are in order; else not a number. */
function order(a: Approximation, b: Approximation): number {
  if (!isReal(a) || !isReal(b)) return NaN;
  return a.re === b.re ? 0 : a.re - b.re;
}

function factorial(a: Approximation): Approximation {
  return gamma(plus(a, ONE));
}

const KNOWN_FUNCTIONS: NumberSystem<Approximation>["functions"] = {
  ...FUNCTIONS,
  log: (a, base) => times(logarithm(a), reciprocal(logarithm(base))),
  abs: (a) => exactly(magnitude(a), 0, a.error),
  binomial: (n, k) => times(factorial(n), reciprocal(times(factorial(k), factorial(minus(n, k))))),
};

/**
 * What has a value only here: constants, unknown functions, integrals, limits, derivatives, and what the reference
 * knows less of.
 */
function valueOf(doubles: Doubles, x: Expression, places: Environment): Approximation | undefined {
  const { budget, approximate } = doubles;
  const isSymbolic = places?.has(SYMBOLIC) === true;
  const value = (part: Expression): Approximation => approximate(part, places);
  if (isConstant(x)) return CONSTANTS[x.name];
  if (isPow(x)) {
    const isRoot = isSymbolic && isAdd(x.base) && isSquareRoot(doubles, x.base, x.exponent);
    return isRoot ? unknownFunction(budget, "root", [value(x.base)]) : undefined;
  }
  if (isCall(x) || (isFunction(x) && /gcd|lcm/.test(x.name))) return unknownFunction(budget, x.name, x.args.map(value));
  if (isFunction(x)) return isSymbolic ? applied(doubles, x, places) : undefined;
  if (isDerivative(x)) return value(differentiate(budget, x.body, x.variable));
  return "body" in x ? binderValue(doubles, x, places) : undefined;
}

/** Of a sum, product, integral or limit. An indefinite integral has no value: it is compared by its derivative. */
function binderValue({ budget, approximate }: Doubles, x: BinderNode, places: Environment): Approximation | undefined {
  const { lower, upper } = x;
  if (!lower) return undefined;
  const isSymbolic = places?.has(SYMBOLIC) === true;
  const body = bodyOf(budget, approximate, x, places);
  const f = (place: number): Approximation => body(exactly(place));
  const from = approximate(lower, places);
  if (!upper) return isReal(from) ? limitAt(budget, f, from.re, x.direction) : UNDEFINED;
  const to = approximate(upper, places);
  if (!isIntegral(x)) return seriesValue(budget, x, { term: f, lower: from, upper: to, isSymbolic });
  if (!isReal(from) || !isReal(to)) return UNDEFINED;
  const area = definite(f, from.re, to.re);
  // Where ∫x^n diverges at one n, the reference has cases, which equal nothing.
  return isSymbolic && !isDefined(area) && !hasSymbolicBounds(budget, x) ? unknownFunction(budget, x.kind, []) : area;
}

/**
 * √(x² + 2x + 1), which the reference takes for no |x + 1|: whether the root of a sum comes out at two whole places.
 */
function isSquareRoot({ budget, evaluateExactly }: Doubles, base: Expression, exponent: Expression): boolean {
  if (!isNumber(exponent) || exponent.value.d !== 2n) return false;
  const keys = [...freeSymbols(budget, base).keys()];
  if (keys.length === 0) return false;
  return [97, 1009].every((place) => {
    const places = new Map(keys.map((key, i) => [key, integer(place + 31 * i * i)]));
    return evaluateExactly(pow(base, number(HALF)), places) !== null;
  });
}

const INVERSE = /^a.../;

function holdsInverse(x: Expression): boolean {
  return (isFunction(x) && INVERSE.test(x.name)) || childrenOf(x).some(holdsInverse);
}

/** Functions of symbols as far as the reference knows less, or more, of them than of those of constants. */
function applied({ budget, approximate }: Doubles, x: FunctionNode, places: Environment): Approximation | undefined {
  let inside = places;
  // Of an inverse function inside another the reference knows the value: sin(2 arccos x).
  if (FUNCTIONS[x.name] && holdsInverse(x.args[0]!)) {
    budget.spend(places!.size);
    inside = new Map([...places!].filter(([key]) => key !== SYMBOLIC));
  }
  const unknown = (arg: Approximation): Approximation => unknownFunction(budget, x.name, [arg]);
  // Identities between these functions and others, like arcsin x + arccos x = π/2, are none to it.
  if (/^a...|max|min/.test(x.name) && freeSymbols(budget, x).size > 0) {
    const args = x.args.map((arg) => approximate(arg, inside));
    const value = args.map(unknown).reduce(plus);
    return /ma|mi|cos|sec|cot/.test(x.name) ? value : minus(value, unknown(negate(args[0]!)));
  }
  return inside === places ? undefined : approximate(x, inside);
}
