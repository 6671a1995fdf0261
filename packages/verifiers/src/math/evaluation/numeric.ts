/**
 * Approximate value of a tree at a point, with its error bound. Sums and products over ranges are added up, definite integrals go
 * through double exponential quadrature, limits through points that close in, unknown functions `f(x)` through a fixed smooth function
 * drawn from the name (two trees with the same f at the same places then agree, others do not).
 */
import { E, PI, abs, floor, imul, isFinite, isInteger, isSafeInteger, round, sign } from "../floats";
import { spend } from "../budget";
import {
  type BinderNode,
  type Expression,
  type FunctionNode,
  childrenOf,
  isAdd,
  isCall,
  isConstant,
  isDerivative,
  isFunction,
  isIntegral,
  isMul,
  isNumber,
  isPow,
  isSymbol,
  number,
  pow,
} from "../expression";
import { HALF, integer, isInteger as isWhole, toNumber } from "../rational";
import { depends, freeSymbols } from "../structure";
import { differentiate } from "./calculus";
import { evaluateExactly } from "./exact";
import { type Evaluate, type Places, bodyOf, evaluator } from "./evaluator";
import { extrapolate, infiniteSum, settled } from "./extrapolation";
import { definite } from "./quadrature";
import {
  type Approximation,
  FUNCTIONS,
  ONE,
  UNDEFINED,
  cosine,
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

/** The key of a point at which functions, not constants, are compared. SymPy then knows less: see `unknownFunction` and its uses. */
export const SYMBOLIC = "";

const CONSTANTS: Readonly<Record<string, Approximation>> = {
  pi: rounded(PI),
  e: rounded(E),
  I: exactly(0, 1),
  oo: exactly(Infinity),
  EulerGamma: rounded(0.5772156649015329),
};

const wholePart = (a: Approximation): Approximation => {
  if (!isReal(a) || !isDefined(a)) return UNDEFINED;
  const nearest = round(a.re);
  return exactly(abs(a.re - nearest) <= a.error ? nearest : floor(a.re));
};

/** Below, at or above 0 as two real numbers are in order; else not a number. */
const order = (a: Approximation, b: Approximation): number =>
  isReal(a) && isReal(b) ? (a.re === b.re ? 0 : a.re - b.re) : NaN;

const factorial = (a: Approximation): Approximation => gamma(plus(a, ONE));

/** Σ c_i·cos(arg·a_i + b_i) with coefficients from the name: smooth, so that rounding in the arguments stays small. */
const unknownFunction = (name: string, args: readonly Approximation[]): Approximation => {
  spend(name.length);
  let seed = 2166136261;
  for (const letter of name) seed = imul(seed ^ letter.charCodeAt(0), 16777619);
  const draw = (): Approximation => {
    seed = (imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return exactly(((seed >>> 0) % 9973) / 9973 + 0.3);
  };
  return args.reduce((total, arg) => {
    const wave = cosine(plus(times(draw(), arg), draw()));
    return plus(times(total, draw()), times(draw(), wave));
  }, draw());
};

/** √(x² + 2x + 1), which the reference takes for no |x + 1|: whether the root of a sum comes out at two whole places. */
const isSquareRoot = (base: Expression, exponent: Expression): boolean => {
  if (!isNumber(exponent) || exponent.value.d !== 2n) return false;
  const keys = [...freeSymbols(base).keys()];
  return (
    keys.length > 0 &&
    [97, 1009].every((place) =>
      evaluateExactly(pow(base, number(HALF)), new Map(keys.map((key, i) => [key, integer(place + 31 * i * i)]))),
    )
  );
};

const INVERSE = /^a.../;
const holdsInverse = (x: Expression): boolean =>
  (isFunction(x) && INVERSE.test(x.name)) || childrenOf(x).some(holdsInverse);

/** Functions of symbols as far as the reference knows less, or more, of them than of those of constants. */
const applied = (x: FunctionNode, places: Environment): Approximation | undefined => {
  let inside = places;
  // Of an inverse function inside another the reference knows the value: sin(2 arccos x).
  if (FUNCTIONS[x.name] && holdsInverse(x.args[0]!)) {
    spend(places!.size);
    inside = new Map([...places!].filter(([key]) => key !== SYMBOLIC));
  }
  const unknown = (arg: Approximation): Approximation => unknownFunction(x.name, [arg]);
  // Identities between these functions and others, like arcsin x + arccos x = π/2, are none to it.
  if (/^a...|max|min/.test(x.name) && freeSymbols(x).size > 0) {
    const args = x.args.map((arg) => approximate(arg, inside));
    const value = args.map(unknown).reduce(plus);
    return /ma|mi|cos|sec|cot/.test(x.name) ? value : minus(value, unknown(negate(args[0]!)));
  }
  return inside === places ? undefined : approximate(x, inside);
};

/**
 * Σ and Π that are not added up: over symbolic bounds the reference finds closed forms only of polynomials and of c^k, so that other
 * terms are carried by an unknown function of the bounds and two of the terms: equal for the same series, linear (or multiplicative)
 * in what is summed.
 */
const series = (
  x: BinderNode,
  f: (place: number) => Approximation,
  lower: Approximation,
  upper: Approximation,
  symbolic: boolean,
): Approximation | undefined => {
  const adds = x.kind === "sum";
  const endless = upper.re === Infinity;
  if (!symbolic || finds(x)) {
    if (!endless || !isReal(upper) || !isReal(lower) || !isInteger(lower.re)) return undefined;
    const limit = adds ? infiniteSum(f, lower.re) : UNDEFINED;
    if (!symbolic || isDefined(limit)) return limit;
  }
  const weight = unknownFunction(x.kind, endless ? [lower] : [lower, upper]);
  return adds ? times(weight, plus(f(2.3), times(exactly(3.1), f(5.7)))) : raise(times(f(2.3), f(5.7)), weight);
};

const movable = (x: BinderNode): boolean => freeSymbols(x.lower!).size + freeSymbols(x.upper!).size > 0;

/** Whether the reference works out a sum (or product) whose bounds hold symbols. */
const finds = (x: BinderNode): boolean => {
  const constant = (part: Expression): boolean => !depends(part, x.variable);
  const alone = (part: Expression): boolean => freeSymbols(part).size === 1;
  const polynomial = (part: Expression): boolean =>
    isSymbol(part) ||
    constant(part) ||
    ((isMul(part) || (isAdd(part) && alone(part))) && part.args.every(polynomial)) ||
    (isPow(part) &&
      isNumber(part.exponent) &&
      part.exponent.value.n > 0n &&
      isWhole(part.exponent.value) &&
      polynomial(part.base));
  const geometric = (part: Expression): boolean =>
    (isPow(part) && isNumber(part.base) && part.base.value.n > 0n && isSymbol(part.exponent)) ||
    (isMul(part) && part.args.filter((factor) => !isNumber(factor)).length === 1 && part.args.some(geometric));
  const term = (part: Expression): boolean => polynomial(part) || geometric(part);
  if (!movable(x)) return true;
  if (x.kind === "product") return constant(x.body);
  return isAdd(x.body) ? x.body.args.every((part) => constant(part) || (alone(part) && term(part))) : term(x.body);
};

/** The value that f(a ± h) tends to, by Richardson's extrapolation over h = 2^-3 .. 2^-12; undefined when it does not settle. */
const limit = (f: (place: number) => Approximation, { re }: Approximation, direction: number): Approximation => {
  const direct = isFinite(re) ? f(re) : UNDEFINED;
  if (isDefined(direct)) return direct;
  const at = (h: number): Approximation => f(isFinite(re) ? re + direction * h : sign(re) / h);
  const close = extrapolate([3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((k) => at(2 ** -k)));
  if (isDefined(close)) return close;
  // What tends slowly is there far out; what grows without bound has a sign there.
  const [near, far] = [at(1e-30), at(1e-60)];
  if (isReal(far) && abs(far.re) > 2 * abs(near.re) && abs(near.re) > 1e9) return exactly(far.re * Infinity);
  return settled(far, near, 1e-12, 1, 0);
};

/** What has a value only here: constants, unknown functions, integrals, limits, derivatives, and what the reference knows less of. */
const other = (x: Expression, places?: Environment): Approximation | undefined => {
  if (isConstant(x)) return CONSTANTS[x.name];
  const value = (part: Expression): Approximation => approximate(part, places);
  const symbolic = !!places?.has(SYMBOLIC);
  if (isPow(x))
    return symbolic && isAdd(x.base) && isSquareRoot(x.base, x.exponent)
      ? unknownFunction("root", [value(x.base)])
      : undefined;
  if (isCall(x) || (isFunction(x) && /gcd|lcm/.test(x.name))) return unknownFunction(x.name, x.args.map(value));
  if (isFunction(x)) return symbolic ? applied(x, places) : undefined;
  if (isDerivative(x)) return value(differentiate(x.body, x.variable));
  // An indefinite integral has no value: it is compared by its derivative.
  const binder = x as BinderNode;
  const { lower, upper } = binder;
  if (!lower) return undefined;
  const body = bodyOf(approximate, binder, places);
  const f = (place: number): Approximation => body(exactly(place));
  const from = value(lower);
  if (!upper) return isReal(from) ? limit(f, from, binder.direction) : UNDEFINED;
  const to = value(upper);
  if (!isIntegral(x)) return series(binder, f, from, to, symbolic);
  if (!isReal(from) || !isReal(to)) return UNDEFINED;
  const area = definite(f, from.re, to.re);
  // Where ∫x^n diverges at one n, the reference has cases, which equal nothing.
  return symbolic && !isDefined(area) && !movable(x) ? unknownFunction(x.kind, []) : area;
};

/**
 * The value of a tree.
 *
 * @param places values of the symbols by `symbolKey`
 * @returns `UNDEFINED` (not a number) where there is none
 * @throws BudgetError
 */
export const approximate: Evaluate<Approximation> = evaluator<Approximation>({
  none: UNDEFINED,
  of: (value) => {
    const n = Number(value.n);
    return isWhole(value) && isSafeInteger(n) ? exactly(n) : rounded(toNumber(value));
  },
  integerOf: (x, places) => {
    const value = approximate(x, places);
    return isReal(value) && isSafeInteger(value.re) ? BigInt(value.re) : null;
  },
  plus,
  times,
  negate,
  reciprocal,
  raise,
  order,
  floor: wholePart,
  gamma,
  functions: {
    ...FUNCTIONS,
    log: (a, base) => times(logarithm(a), reciprocal(logarithm(base))),
    abs: (a) => exactly(magnitude(a), 0, a.error),
    binomial: (n, k) => times(factorial(n), reciprocal(times(factorial(k), factorial(minus(n, k))))),
  },
  other,
  isExact: false,
});
