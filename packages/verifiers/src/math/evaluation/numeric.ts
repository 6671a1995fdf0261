/**
 * Approximate value of a tree at a point, with its error bound. Sums and products over ranges are added up, definite integrals go
 * through double exponential quadrature, limits through points that close in, unknown functions `f(x)` through a fixed smooth function
 * drawn from the name (two trees with the same f at the same places then agree, others do not).
 */
import { abs, ceil, floor, imul, isFinite, isInteger, isNaN, isSafeInteger, round } from "../floats";
import { spend } from "../budget";
import { type BinderNode, type Expression, type FunctionNode, type PowNode, childrenOf, isAdd, isNumber, isFunction, isSymbol, isMul, isPow } from "../expression";
import { exactRoot, integer, toNumber } from "../rational";
import { freeSymbols, symbolKey } from "../structure";
import { differentiate } from "./calculus";
import { evaluateExactly } from "./exact";
import { extrapolate, infiniteSum } from "./extrapolation";
import { definite } from "./quadrature";
import {
  type Approximation,
  FUNCTIONS,
  IMAGINARY_UNIT,
  UNDEFINED,
  cosine,
  exactly,
  gamma,
  isDefined,
  logarithm,
  magnitude,
  minus,
  plus,
  raise,
  reciprocal,
  rounded,
  times,
} from "./complex";

export type Environment = ReadonlyMap<string, Approximation>;

/** The key of a point at which functions, not constants, are compared. SymPy then knows less: see `unknownFunction` and its uses. */
export const SYMBOLIC = "";
const NOWHERE: Environment = new Map();
const MAX_TERMS = 20_000;
const EULER_GAMMA = 0.5772156649015329;

/**
 * The value of a tree.
 *
 * @param environment values of the symbols by `symbolKey`
 * @returns `UNDEFINED` (not a number) where there is none
 * @throws BudgetError
 */
export const approximate = (x: Expression, environment: Environment = NOWHERE): Approximation => {
  spend(1);
  switch (x.kind) {
    case "number":
      return x.value.d === 1n && x.value.n < 9007199254740991n && x.value.n > -9007199254740991n ? exactly(Number(x.value.n)) : rounded(toNumber(x.value));
    case "percent":
      return rounded(0.01);
    case "symbol":
      return environment.get(symbolKey(x)) ?? UNDEFINED;
    case "constant":
      return constant(x.name);
    case "add": {
      let total = exactly(0);
      for (const arg of x.args) total = plus(total, approximate(arg, environment));
      return total;
    }
    case "mul": {
      let total = exactly(1);
      for (const arg of x.args) total = times(total, approximate(arg, environment));
      return total;
    }
    case "pow": {
      const base = approximate(x.base, environment);
      if (isAdd(x.base) && environment.has(SYMBOLIC) && isSquareRoot(x)) return unknownFunction("root", [base]);
      if (isNumber(x.exponent) && x.exponent.value.d === 1n && x.exponent.value.n === -1n) return reciprocal(base);
      return raise(base, approximate(x.exponent, environment));
    }
    case "function":
      return applied(x, environment);
    case "call":
      return unknownFunction(
        x.name,
        x.args.map((arg) => approximate(arg, environment)),
      );
    case "sum":
    case "product":
      return series(x, environment);
    case "integral":
      return integral(x, environment);
    case "limit":
      return limit(x, environment);
    case "derivative": {
      const slope = differentiate(x.body, x.variable);
      return slope === null ? UNDEFINED : approximate(slope, environment);
    }
    default:
      return UNDEFINED;
  }
};

const constant = (name: string): Approximation => {
  switch (name) {
    case "pi":
      return rounded(Math.PI);
    case "e":
      return rounded(Math.E);
    case "I":
      return IMAGINARY_UNIT;
    case "oo":
      return exactly(Infinity);
    case "EulerGamma":
      return rounded(EULER_GAMMA);
    default:
      return UNDEFINED;
  }
};

/** √(x² + 2x + 1), which the reference takes for no |x + 1|: whether the root of a sum comes out at two whole places. */
const isSquareRoot = (x: PowNode): boolean => {
  if (!isNumber(x.exponent) || x.exponent.value.d !== 2n) return false;
  const keys = [...freeSymbols(x.base).keys()];
  return keys.length > 0 && [97, 1009].every((place) => {
    const value = evaluateExactly(x.base, new Map(keys.map((key, i) => [key, integer(place + 31 * i * i)])));
    return value !== null && value.n >= 0n && exactRoot(value, 2) !== null;
  });
};

const holdsInverse = (x: Expression): boolean => (isFunction(x) && INVERSE.test(x.name)) || childrenOf(x).some(holdsInverse);
const INVERSE = /^a(sin|cos|tan|cot|sec|csc)h?$/;

const applied = (x: FunctionNode, environment: Environment): Approximation => {
  const symbolic = environment.has(SYMBOLIC);
  let inside = environment;
  if (symbolic && FUNCTIONS[x.name] !== undefined && holdsInverse(x.args[0]!)) {
    // Of an inverse function inside another the reference knows the value: sin(2 arccos x).
    inside = new Map(environment);
    (inside as Map<string, Approximation>).delete(SYMBOLIC);
  }
  const args = x.args.map((arg) => approximate(arg, inside));
  if (symbolic && freeSymbols(x).size > 0) {
    // Identities between these functions and others, like arcsin x + arccos x = π/2, are none to it.
    if (x.name === "max" || x.name === "min") return args.map((arg) => unknownFunction(x.name, [arg])).reduce(plus);
    if (INVERSE.test(x.name)) {
      const value = unknownFunction(x.name, args);
      return /cos|sec|cot/.test(x.name) ? value : minus(value, unknownFunction(x.name, [times(exactly(-1), args[0]!)]));
    }
  }
  const first = args[0]!;
  const plain = FUNCTIONS[x.name];
  if (plain !== undefined) return plain(first);
  switch (x.name) {
    case "log":
      return times(logarithm(first), reciprocal(logarithm(args[1]!)));
    case "abs":
      return { re: magnitude(first), im: 0, error: first.error };
    case "floor":
    case "ceiling":
      return step(x.name, first);
    case "factorial":
      return gamma(plus(first, exactly(1)));
    case "gamma":
      return gamma(first);
    case "binomial": {
      const [n, k] = [first, args[1]!];
      const one = exactly(1);
      return times(gamma(plus(n, one)), reciprocal(times(gamma(plus(k, one)), gamma(plus(minus(n, k), one)))));
    }
    case "max":
    case "min": {
      if (args.some((arg) => arg.im !== 0)) return UNDEFINED;
      const sign = x.name === "max" ? 1 : -1;
      return args.reduce((a, b) => (sign * (a.re - b.re) >= 0 ? a : b));
    }
    case "mod": {
      const quotient = step("floor", times(first, reciprocal(args[1]!)));
      return minus(first, times(args[1]!, quotient));
    }
    default:
      return unknownFunction(x.name, args);
  }
};

const step = (name: string, a: Approximation): Approximation => {
  if (a.im !== 0 || !isDefined(a)) return UNDEFINED;
  const nearest = round(a.re);
  if (abs(a.re - nearest) <= a.error) return exactly(nearest);
  return exactly(name === "floor" ? floor(a.re) : ceil(a.re));
};

/** Σ c_i·cos(arg·a_i + b_i) with coefficients from the name: smooth, so that rounding in the arguments stays small. */
const unknownFunction = (name: string, args: readonly Approximation[]): Approximation => {
  let seed = 2166136261;
  for (let i = 0; i < name.length; i++) seed = imul(seed ^ name.charCodeAt(i), 16777619);
  const draw = (): number => {
    seed = (imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((seed >>> 0) % 9973) / 9973 + 0.3;
  };
  let total = exactly(draw());
  for (const arg of args) {
    const wave = cosine(plus(times(exactly(draw()), arg), exactly(draw())));
    total = plus(times(total, exactly(draw())), times(exactly(draw()), wave));
  }
  return total;
};

/**
 * Σ and Π. Over symbolic bounds the reference finds closed forms only of polynomials and of c^k, so that other terms are carried by
 * an unknown function of the bounds and two of the terms: equal for the same series, linear (or multiplicative) in what is summed.
 */
const series = (x: BinderNode, environment: Environment): Approximation => {
  const lower = approximate(x.lower!, environment);
  const upper = approximate(x.upper!, environment);
  const inner = new Map(environment);
  const key = symbolKey(x.variable);
  const isSum = x.kind === "sum";
  const join = isSum ? plus : times;
  const term = (k: number): Approximation => {
    inner.set(key, exactly(k));
    return approximate(x.body, inner);
  };
  const opaque = (): Approximation => {
    const weight = unknownFunction(x.kind, upper.re === Infinity ? [lower] : [lower, upper]);
    return isSum ? times(weight, plus(term(2.3), times(exactly(3.1), term(5.7)))) : raise(times(term(2.3), term(5.7)), weight);
  };
  if (environment.has(SYMBOLIC) && !finds(x)) return opaque();
  if (lower.im !== 0 || upper.im !== 0 || !isInteger(lower.re)) return UNDEFINED;
  if (upper.re === Infinity) {
    const limit = isSum ? infiniteSum(term, lower.re) : UNDEFINED;
    return environment.has(SYMBOLIC) && !isDefined(limit) ? opaque() : limit;
  }
  if (!isSafeInteger(upper.re)) return UNDEFINED;
  const reversed = upper.re < lower.re - 1;
  const [from, to] = reversed ? [upper.re + 1, lower.re - 1] : [lower.re, upper.re];
  if (to - from > MAX_TERMS) spend(Infinity);
  let total = exactly(isSum ? 0 : 1);
  for (let k = from; k <= to; k++) total = join(total, term(k));
  if (!reversed) return total;
  return isSum ? times(total, exactly(-1)) : reciprocal(total);
};

const movable = (x: BinderNode): boolean => freeSymbols(x.lower!).size + freeSymbols(x.upper!).size > 0;

/** Whether the reference works out a sum (or product) whose bounds hold symbols. */
const finds = (x: BinderNode): boolean => {
  if (!movable(x)) return true;
  const key = symbolKey(x.variable);
  const constant = (part: Expression): boolean => !freeSymbols(part).has(key);
  if (x.kind === "product") return constant(x.body);
  const alone = (part: Expression): boolean => freeSymbols(part).size === 1;
  const polynomial = (part: Expression): boolean =>
    isSymbol(part) ||
    constant(part) ||
    (isMul(part) && part.args.every(polynomial)) ||
    (isAdd(part) && alone(part) && part.args.every(polynomial)) ||
    (isPow(part) && isNumber(part.exponent) && part.exponent.value.n > 0n && part.exponent.value.d === 1n && polynomial(part.base));
  const geometric = (part: Expression): boolean =>
    (isPow(part) && isNumber(part.base) && part.base.value.n > 0n && isSymbol(part.exponent)) ||
    (isMul(part) && part.args.filter((factor) => !isNumber(factor)).length === 1 && part.args.some(geometric));
  const term = (part: Expression): boolean => polynomial(part) || geometric(part);
  return isAdd(x.body) ? x.body.args.every((part) => constant(part) || (alone(part) && term(part))) : term(x.body);
};

/** A definite integral. An indefinite one has no value: it is compared by its derivative. */
const integral = (x: BinderNode, environment: Environment): Approximation => {
  if (x.lower === null || x.upper === null) return UNDEFINED;
  const [lower, upper] = [approximate(x.lower, environment), approximate(x.upper, environment)];
  if (lower.im !== 0 || upper.im !== 0 || isNaN(lower.re) || isNaN(upper.re)) return UNDEFINED;
  const inner = new Map(environment);
  const key = symbolKey(x.variable);
  const f = (place: number): Approximation => approximate(x.body, inner.set(key, exactly(place)));
  const value = definite(f, lower.re, upper.re);
  // Where ∫x^n diverges at one n, the reference has cases, which equal nothing.
  return environment.has(SYMBOLIC) && !isDefined(value) && !movable(x) ? unknownFunction(x.kind, []) : value;
};

/** The value that f(a ± h) tends to, by Richardson's extrapolation over h = 2^-4 .. 2^-12; undefined when it does not settle. */
const limit = (x: BinderNode, environment: Environment): Approximation => {
  const target = approximate(x.lower!, environment);
  if (target.im !== 0 || isNaN(target.re)) return UNDEFINED;
  const key = symbolKey(x.variable);
  const f = (place: number): Approximation => approximate(x.body, new Map(environment).set(key, exactly(place)));
  const at = (h: number): Approximation => (isFinite(target.re) ? f(target.re + x.direction * h) : f(Math.sign(target.re) / h));
  const direct = isFinite(target.re) ? f(target.re) : UNDEFINED;
  if (isDefined(direct)) return direct;
  const settled = extrapolate(Array.from({ length: 10 }, (_, k) => at(2 ** -(k + 3))));
  if (isDefined(settled)) return settled;
  // What tends slowly is there far out; what grows without bound has a sign there.
  const [near, far] = [at(1e-30), at(1e-60)];
  if (far.im === 0 && abs(far.re) > 2 * abs(near.re) && abs(near.re) > 1e9) return exactly(Math.sign(far.re) * Infinity);
  const gap = magnitude(minus(far, near));
  return gap < 1e-12 * (1 + magnitude(far)) ? { re: far.re, im: far.im, error: far.error + gap } : UNDEFINED;
};
