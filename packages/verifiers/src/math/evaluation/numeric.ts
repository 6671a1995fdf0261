/**
 * Approximate value of a tree at a point, with its error bound. Sums and products over ranges are added up, definite integrals go
 * through Gauss-Legendre panels, limits through points that close in, unknown functions `f(x)` through a fixed smooth function
 * drawn from the name (two trees with the same f at the same places then agree, others do not).
 */
import { type Budget, BudgetError } from "../budget";
import { type BinderNode, type Expression, type FunctionNode } from "../expression";
import { toNumber } from "../rational";
import { symbolKey } from "../structure";
import { antiderivative, differentiate } from "./calculus";
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

function applied(x: FunctionNode, environment: Environment, budget: Budget): Approximation {
  const args = x.args.map((arg) => approximate(arg, environment, budget));
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

function series(x: BinderNode, environment: Environment, budget: Budget): Approximation {
  const lower = approximate(x.lower!, environment, budget);
  const upper = approximate(x.upper!, environment, budget);
  if (lower.im !== 0 || upper.im !== 0 || !Number.isInteger(lower.re)) return UNDEFINED;
  const inner = new Map(environment);
  const key = symbolKey(x.variable.name, x.variable.real);
  const join = x.kind === "sum" ? plus : times;
  const term = (k: number): Approximation => {
    inner.set(key, exactly(k));
    return approximate(x.body, inner, budget);
  };
  let total = exactly(x.kind === "sum" ? 0 : 1);
  if (upper.re === Infinity) return x.kind === "sum" ? infiniteSum(term, lower.re) : UNDEFINED;
  if (!Number.isInteger(upper.re)) return UNDEFINED;
  const reversed = upper.re < lower.re - 1;
  const [from, to] = reversed ? [upper.re + 1, lower.re - 1] : [lower.re, upper.re];
  if (to - from > MAX_TERMS) throw new BudgetError("fuel");
  for (let k = from; k <= to; k++) total = join(total, term(k));
  if (!reversed) return total;
  return x.kind === "sum" ? times(total, exactly(-1)) : reciprocal(total);
}

/**
 * Partial sums until the terms fall below rounding; a series that converges more slowly, like Σ 1/k², by Richardson's extrapolation of
 * the partial sums over 16, 32, .. 4096 terms.
 */
function infiniteSum(term: (k: number) => Approximation, from: number): Approximation {
  let total = exactly(0);
  let small = 0;
  const doublings: Approximation[] = [];
  for (let k = from, next = 16; k < from + 4096; k++) {
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
  return extrapolate(doublings);
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

const NODES = [0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717];
const WEIGHTS = [0.2955242247147529, 0.2692667193099964, 0.2190863625159821, 0.1494513491505806, 0.0666713443086881];

function integral(x: BinderNode, environment: Environment, budget: Budget): Approximation {
  const primitive = antiderivative(x.body, x.variable, budget);
  const key = symbolKey(x.variable.name, x.variable.real);
  if (x.lower === null || x.upper === null) return primitive === null ? UNDEFINED : approximate(primitive, environment, budget);
  const [lower, upper] = [approximate(x.lower, environment, budget), approximate(x.upper, environment, budget)];
  const at = (node: Expression, place: Approximation): Approximation => approximate(node, new Map(environment).set(key, place), budget);
  if (primitive !== null && isDefined(lower) && isDefined(upper)) {
    const value = minus(at(primitive, upper), at(primitive, lower));
    if (isDefined(value)) return value;
  }
  if (lower.im !== 0 || upper.im !== 0) return UNDEFINED;
  const f = (place: number): Approximation => at(x.body, exactly(place));
  const [coarse, fine] = [24, 36].map((panels) => definite(f, lower.re, upper.re, panels));
  const gap = magnitude(minus(coarse!, fine!));
  return gap < 1e-9 * (1 + magnitude(fine!)) ? { ...fine!, error: fine!.error + gap + 1e-13 } : UNDEFINED;
}

/** An infinite end is brought to 1 by x = t / (1 - t). */
function definite(f: (x: number) => Approximation, from: number, to: number, panels: number): Approximation {
  if (from > to) return times(exactly(-1), definite(f, to, from, panels));
  if (from === -Infinity && to === Infinity) return plus(definite(f, -Infinity, 0, panels), definite(f, 0, Infinity, panels));
  const bent = (end: number, sign: 1 | -1) => (t: number) => times(exactly(1 / (1 - t) ** 2), f(end + (sign * t) / (1 - t)));
  if (to === Infinity) return quadrature(bent(from, 1), 0, 1, panels);
  if (from === -Infinity) return quadrature(bent(to, -1), 0, 1, panels);
  return quadrature(f, from, to, panels);
}

function quadrature(f: (x: number) => Approximation, from: number, to: number, panels: number): Approximation {
  let total = exactly(0);
  const width = (to - from) / panels;
  for (let panel = 0; panel < panels; panel++) {
    const middle = from + width * (panel + 0.5);
    for (let i = 0; i < NODES.length; i++) {
      const offset = (NODES[i]! * width) / 2;
      const pair = plus(f(middle - offset), f(middle + offset));
      total = plus(total, times(exactly((WEIGHTS[i]! * width) / 2), pair));
    }
  }
  return total;
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
  return extrapolate(Array.from({ length: 10 }, (_, k) => at(2 ** -(k + 3))));
}

