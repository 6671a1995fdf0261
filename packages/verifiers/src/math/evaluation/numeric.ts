/**
 * Approximate value of a tree at a point, with its error bound. Sums and products over ranges are added up, definite integrals go
 * through Gauss-Legendre panels, limits through points that close in, unknown functions `f(x)` through a fixed smooth function
 * drawn from the name (two trees with the same f at the same places then agree, others do not).
 */
import { type Budget, BudgetError } from "../budget";
import { type BinderNode, type Expression, type FunctionNode, type PowNode, childrenOf } from "../expression";
import { exactRoot, integer, toNumber } from "../rational";
import { freeSymbols, symbolKey } from "../structure";
import { differentiate } from "./calculus";
import { evaluateExactly } from "./exact";
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

/** The key of a point at which functions, not constants, are compared. SymPy then knows less: see `unknown`. */
export const SYMBOLIC = "";
const MAX_TERMS = 20_000;
const EULER_GAMMA = 0.5772156649015329;

/**
 * The value of a tree.
 *
 * @param environment values of the symbols by `symbolKey`
 * @returns `UNDEFINED` (not a number) where there is none
 * @throws BudgetError
 */
export function approximate(x: Expression, environment: Environment, budget: Budget): Approximation {
  budget.spend(1);
  switch (x.kind) {
    case "number":
      return x.value.d === 1n && x.value.n < 9007199254740991n && x.value.n > -9007199254740991n ? exactly(Number(x.value.n)) : rounded(toNumber(x.value));
    case "percent":
      return rounded(0.01);
    case "symbol":
      return environment.get(symbolKey(x.name, x.real)) ?? UNDEFINED;
    case "constant":
      return constant(x.name);
    case "add": {
      let total = exactly(0);
      for (const arg of x.args) total = plus(total, approximate(arg, environment, budget));
      return total;
    }
    case "mul": {
      let total = exactly(1);
      for (const arg of x.args) total = times(total, approximate(arg, environment, budget));
      return total;
    }
    case "pow": {
      const base = approximate(x.base, environment, budget);
      if (x.base.kind === "add" && environment.has(SYMBOLIC) && isSquareRoot(x, budget)) return unknownFunction("root", [base]);
      if (x.exponent.kind === "number" && x.exponent.value.d === 1n && x.exponent.value.n === -1n) return reciprocal(base);
      return raise(base, approximate(x.exponent, environment, budget));
    }
    case "function":
      return applied(x, environment, budget);
    case "call":
      return unknownFunction(
        x.name,
        x.args.map((arg) => approximate(arg, environment, budget)),
      );
    case "sum":
    case "product":
      return series(x, environment, budget);
    case "integral":
      return integral(x, environment, budget);
    case "limit":
      return limit(x, environment, budget);
    case "derivative": {
      const slope = differentiate(x.body, x.variable, budget);
      return slope === null ? UNDEFINED : approximate(slope, environment, budget);
    }
    default:
      return UNDEFINED;
  }
}

function constant(name: string): Approximation {
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
}

/** √(x² + 2x + 1), which the reference takes for no |x + 1|: whether the root of a sum comes out at two whole places. */
function isSquareRoot(x: PowNode, budget: Budget): boolean {
  if (x.exponent.kind !== "number" || x.exponent.value.d !== 2n) return false;
  const keys = [...freeSymbols(x.base).keys()];
  return keys.length > 0 && [97, 1009].every((place) => {
    const value = evaluateExactly(x.base, new Map(keys.map((key, i) => [key, integer(place + 31 * i * i)])), budget);
    return value !== null && value.n >= 0n && exactRoot(value, 2) !== null;
  });
}

const holdsInverse = (x: Expression): boolean => (x.kind === "function" && INVERSE.test(x.name)) || childrenOf(x).some(holdsInverse);
const INVERSE = /^a(sin|cos|tan|cot|sec|csc)h?$/;

function applied(x: FunctionNode, environment: Environment, budget: Budget): Approximation {
  const symbolic = environment.has(SYMBOLIC);
  let inside = environment;
  if (symbolic && FUNCTIONS[x.name] !== undefined && holdsInverse(x.args[0]!)) {
    // Of an inverse function inside another the reference knows the value: sin(2 arccos x).
    inside = new Map(environment);
    (inside as Map<string, Approximation>).delete(SYMBOLIC);
  }
  const args = x.args.map((arg) => approximate(arg, inside, budget));
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
}

function step(name: string, a: Approximation): Approximation {
  if (a.im !== 0 || !isDefined(a)) return UNDEFINED;
  const nearest = Math.round(a.re);
  if (Math.abs(a.re - nearest) <= a.error) return exactly(nearest);
  return exactly(name === "floor" ? Math.floor(a.re) : Math.ceil(a.re));
}

/** Σ c_i·cos(arg·a_i + b_i) with coefficients from the name: smooth, so that rounding in the arguments stays small. */
function unknownFunction(name: string, args: readonly Approximation[]): Approximation {
  let seed = 2166136261;
  for (let i = 0; i < name.length; i++) seed = Math.imul(seed ^ name.charCodeAt(i), 16777619);
  const draw = (): number => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((seed >>> 0) % 9973) / 9973 + 0.3;
  };
  let total = exactly(draw());
  for (const arg of args) {
    const wave = cosine(plus(times(exactly(draw()), arg), exactly(draw())));
    total = plus(times(total, exactly(draw())), times(exactly(draw()), wave));
  }
  return total;
}

/**
 * Σ and Π. Over symbolic bounds the reference finds closed forms only of polynomials and of c^k, so that other terms are carried by
 * an unknown function of the bounds and two of the terms: equal for the same series, linear (or multiplicative) in what is summed.
 */
function series(x: BinderNode, environment: Environment, budget: Budget): Approximation {
  const lower = approximate(x.lower!, environment, budget);
  const upper = approximate(x.upper!, environment, budget);
  const inner = new Map(environment);
  const key = symbolKey(x.variable.name, x.variable.real);
  const isSum = x.kind === "sum";
  const join = isSum ? plus : times;
  const term = (k: number): Approximation => {
    inner.set(key, exactly(k));
    return approximate(x.body, inner, budget);
  };
  const opaque = (): Approximation => {
    const weight = unknownFunction(x.kind, upper.re === Infinity ? [lower] : [lower, upper]);
    return isSum ? times(weight, plus(term(2.3), times(exactly(3.1), term(5.7)))) : raise(times(term(2.3), term(5.7)), weight);
  };
  if (environment.has(SYMBOLIC) && !finds(x)) return opaque();
  if (lower.im !== 0 || upper.im !== 0 || !Number.isInteger(lower.re)) return UNDEFINED;
  if (upper.re === Infinity) {
    const limit = isSum ? infiniteSum(term, lower.re) : UNDEFINED;
    return environment.has(SYMBOLIC) && !isDefined(limit) ? opaque() : limit;
  }
  if (!Number.isSafeInteger(upper.re)) return UNDEFINED;
  const reversed = upper.re < lower.re - 1;
  const [from, to] = reversed ? [upper.re + 1, lower.re - 1] : [lower.re, upper.re];
  if (to - from > MAX_TERMS) throw new BudgetError("fuel");
  let total = exactly(isSum ? 0 : 1);
  for (let k = from; k <= to; k++) total = join(total, term(k));
  if (!reversed) return total;
  return isSum ? times(total, exactly(-1)) : reciprocal(total);
}

const movable = (x: BinderNode): boolean => freeSymbols(x.lower!).size + freeSymbols(x.upper!).size > 0;

/** Whether the reference works out a sum (or product) whose bounds hold symbols. */
function finds(x: BinderNode): boolean {
  if (!movable(x)) return true;
  const key = symbolKey(x.variable.name, x.variable.real);
  const constant = (part: Expression): boolean => !freeSymbols(part).has(key);
  if (x.kind === "product") return constant(x.body);
  const alone = (part: Expression): boolean => freeSymbols(part).size === 1;
  const polynomial = (part: Expression): boolean =>
    part.kind === "symbol" ||
    constant(part) ||
    (part.kind === "mul" && part.args.every(polynomial)) ||
    (part.kind === "add" && alone(part) && part.args.every(polynomial)) ||
    (part.kind === "pow" && part.exponent.kind === "number" && part.exponent.value.n > 0n && part.exponent.value.d === 1n && polynomial(part.base));
  const geometric = (part: Expression): boolean =>
    (part.kind === "pow" && part.base.kind === "number" && part.base.value.n > 0n && part.exponent.kind === "symbol") ||
    (part.kind === "mul" && part.args.filter((factor) => factor.kind !== "number").length === 1 && part.args.some(geometric));
  const term = (part: Expression): boolean => polynomial(part) || geometric(part);
  return x.body.kind === "add" ? x.body.args.every((part) => constant(part) || (alone(part) && term(part))) : term(x.body);
}

/**
 * Partial sums until the terms fall below rounding; a series that converges more slowly, like Σ 1/k², by Richardson's extrapolation of
 * the partial sums over 16, 32, .. 1024 terms. Terms of one sign that never get small enough make it infinite.
 */
function infiniteSum(term: (k: number) => Approximation, from: number): Approximation {
  let total = exactly(0);
  let small = 0;
  const doublings: Approximation[] = [];
  for (let k = from, next = 16; k < from + 1024; k++) {
    const value = term(k);
    if (!isDefined(value)) return UNDEFINED;
    total = plus(total, value);
    small = magnitude(value) <= 1e-17 * (1 + magnitude(total)) ? small + 1 : 0;
    if (small >= 5) return total;
    if (k - from + 1 === next) {
      doublings.push(total);
      next *= 2;
    }
  }
  const limit = extrapolate(doublings);
  const [last, before] = [doublings.at(-1)!.re, doublings.at(-2)!.re];
  // Twice as many terms add no less than the time before: as with 1/k, and faster.
  return Number.isNaN(limit.re) && total.im === 0 && (last - before) / (before - doublings.at(-3)!.re) > 0.999 ? exactly(Math.sign(last) * Infinity) : limit;
}

/** The limit of values whose distance to it is a power series in a step that halves each time; undefined when they do not settle. */
function extrapolate(values: readonly Approximation[]): Approximation {
  let row: Approximation[] = [];
  values.forEach((value, k) => {
    const next = [value];
    for (let j = 1; j <= k; j++) {
      const factor = 2 ** j;
      const sharper = minus(times(exactly(factor), next[j - 1]!), row[j - 1]!);
      next.push(times(sharper, exactly(1 / (factor - 1))));
    }
    row = next;
  });
  const best = row[row.length - 1]!;
  const gap = magnitude(minus(best, row[row.length - 2]!));
  if (!isDefined(best) || !(gap < 1e-7 * (1 + magnitude(best)))) return UNDEFINED;
  return { re: best.re, im: best.im, error: best.error + 10 * gap + 1e-10 };
}

/**
 * Definite integrals by the double exponential rule (Takahasi and Mori 1974), which does not mind what happens at the ends: ln x and
 * 1/√x at 0, √(1-x²) at 1. An indefinite one has no value: it is compared by its derivative.
 */
function integral(x: BinderNode, environment: Environment, budget: Budget): Approximation {
  if (x.lower === null || x.upper === null) return UNDEFINED;
  const [lower, upper] = [approximate(x.lower, environment, budget), approximate(x.upper, environment, budget)];
  if (lower.im !== 0 || upper.im !== 0 || Number.isNaN(lower.re) || Number.isNaN(upper.re)) return UNDEFINED;
  const inner = new Map(environment);
  const key = symbolKey(x.variable.name, x.variable.real);
  const f = (place: number): Approximation => approximate(x.body, inner.set(key, exactly(place)), budget);
  const value = definite(f, lower.re, upper.re);
  // Where ∫x^n diverges at one n, the reference has cases, which equal nothing.
  return environment.has(SYMBOLIC) && !isDefined(value) && !movable(x) ? unknownFunction(x.kind, []) : value;
}

/** An infinite end is brought to 1 by x = t / (1 - t). */
function definite(f: (x: number) => Approximation, from: number, to: number): Approximation {
  if (from > to) return times(exactly(-1), definite(f, to, from));
  if (from < 0 && to === Infinity) return plus(definite(f, from, 0), definite(f, 0, to));
  if (from === -Infinity) return definite((x) => f(-x), -to, Infinity);
  if (to < Infinity) return quadrature(f, from, to);
  return plus(quadrature(f, from, from + 1), quadrature((t) => times(exactly(1 / (t * t)), f(from + 1 / t)), 0, 1));
}

/** Halves the step until two sums agree; undefined when they do not. */
function quadrature(f: (x: number) => Approximation, from: number, to: number): Approximation {
  const half = (to - from) / 2;
  let sum = exactly(0);
  let before = UNDEFINED;
  for (let step = 0.5, odd = false; step > 0.01; step /= 2, odd = true) {
    for (let t = odd ? step : 0; t < 3.4; t += odd ? 2 * step : step) {
      const reach = (Math.PI / 2) * Math.sinh(t);
      const gap = 1 / (Math.exp(2 * reach) + 1);
      const weight = exactly((Math.PI * half * Math.cosh(t)) / Math.cosh(reach) ** 2 / 2);
      if (weight.re < 1e-300) break;
      for (const place of t === 0 ? [from + half] : [from + 2 * half * gap, to - 2 * half * gap]) {
        if (place === from || place === to) continue;
        const value = times(weight, f(place));
        if (!isDefined(value)) return UNDEFINED;
        sum = plus(sum, value);
      }
    }
    const total = times(sum, exactly(step));
    const error = magnitude(minus(total, before));
    if (error < 1e-9 * (1 + magnitude(total))) return { re: total.re, im: total.im, error: total.error + error + 1e-13 };
    before = total;
  }
  return UNDEFINED;
}

/** The value that f(a ± h) tends to, by Richardson's extrapolation over h = 2^-4 .. 2^-12; undefined when it does not settle. */
function limit(x: BinderNode, environment: Environment, budget: Budget): Approximation {
  const target = approximate(x.lower!, environment, budget);
  if (target.im !== 0 || Number.isNaN(target.re)) return UNDEFINED;
  const key = symbolKey(x.variable.name, x.variable.real);
  const f = (place: number): Approximation => approximate(x.body, new Map(environment).set(key, exactly(place)), budget);
  const at = (h: number): Approximation => (Number.isFinite(target.re) ? f(target.re + x.direction * h) : f(Math.sign(target.re) / h));
  const direct = Number.isFinite(target.re) ? f(target.re) : UNDEFINED;
  if (isDefined(direct)) return direct;
  const settled = extrapolate(Array.from({ length: 10 }, (_, k) => at(2 ** -(k + 3))));
  if (isDefined(settled)) return settled;
  // What tends slowly is there far out; what grows without bound has a sign there.
  const [near, far] = [at(1e-30), at(1e-60)];
  if (far.im === 0 && Math.abs(far.re) > 2 * Math.abs(near.re) && Math.abs(near.re) > 1e9) return exactly(Math.sign(far.re) * Infinity);
  const gap = magnitude(minus(far, near));
  return gap < 1e-12 * (1 + magnitude(far)) ? { re: far.re, im: far.im, error: far.error + gap } : UNDEFINED;
}
