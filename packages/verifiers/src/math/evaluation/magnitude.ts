/**
 * How large a constant is: its sign, and bounds of the natural logarithm of its absolute value. They are ordinary
 * numbers also where the value itself is beyond every double: 2^20000, (10^12)!, 2^(2^65536). Bounds are rounded
 * outwards, so that two constants whose ranges do not meet are different. Of a value that is not real, the absolute
 * value is meant.
 */
import type { Budget } from "../budget";
import {
  type BinderNode,
  type Expression,
  isConstant,
  isFunction,
  isPercent,
  isPow,
  isSeries,
} from "../tree/expression";
import { freeSymbols } from "../tree/structure";
import { ONE, type Rational, isInteger, logarithm2, logarithmBounds } from "../rational";
import { type Approximation, UNDEFINED, exactly, isDefined, isReal, magnitude } from "./complex";
import { evaluator } from "./evaluator";
import type { Evaluate, Places } from "./number-system";
import type { Exact } from "./exact";

/**
 * |x| lies from e^low to e^high. An infinite `low` says that x is infinite, an infinite `high` that nothing bounds it;
 * the largest double stands for all logarithms from there on.
 */
export interface Magnitude {
  /** 0 for zero, and where the sign is not known. */
  readonly sign: number;
  readonly low: number;
  readonly high: number;
}

/** Far above the rounding of one operation. */
const SLACK = 1e-14;
/** Below this logarithm doubles begin to lose digits. */
const LEAST_LOGARITHM = -690;
/** The least value of ln Γ on the positive line, rounded down. */
const LEAST_LOG_GAMMA = -0.1215;
/** From here on Stirling's series is good to 1e-7. */
const STIRLING_FROM = 8;
/** Above this logarithm a fraction is nothing beside the whole part. */
const LARGE = 45;
/** Relative width up to which bounds tell a value. */
const NARROW = 1e-9;

const UNKNOWN: Magnitude = { sign: 0, low: -Infinity, high: Infinity };
const ZERO: Magnitude = { sign: 0, low: -Infinity, high: -Infinity };
const INFINITE: Magnitude = { sign: 1, low: Infinity, high: Infinity };
function isZero(a: Magnitude): boolean {
  return a.high === -Infinity;
}
export function isInfinite(a: Magnitude): boolean {
  return a.low === Infinity;
}

/** Bounds with room for rounding. Only infinite operands make an infinite result: what overflows is just large. */
function bounded(sign: number, low: number, high: number, ...operands: readonly Magnitude[]): Magnitude {
  if (Number.isNaN(low) || Number.isNaN(high)) return UNKNOWN;
  const least = operands.some(isInfinite) ? Infinity : Number.MAX_VALUE;
  const most = operands.some((a) => a.high === Infinity) ? Infinity : Number.MAX_VALUE;
  return {
    sign,
    low: Number.isFinite(low) ? low - SLACK * (1 + Math.abs(low)) : Math.min(low, least),
    high: Number.isFinite(high) ? Math.min(high + SLACK * (1 + Math.abs(high)), most) : Math.min(high, most),
  };
}

/** The real numbers from one to another. */
function between(from: number, to: number, ...operands: readonly Magnitude[]): Magnitude {
  if (from > 0) return bounded(1, Math.log(from), Math.log(to), ...operands);
  if (to < 0) return bounded(-1, Math.log(-to), Math.log(-from), ...operands);
  return from === 0 && to === 0 ? ZERO : bounded(0, -Infinity, Math.log(Math.max(-from, to)), ...operands);
}

/** The least and the greatest real number that a can be; null where the sign is not known. */
function rangeOf(a: Magnitude): readonly [from: number, to: number] | null {
  if (isZero(a)) return [0, 0];
  const least = isInfinite(a) ? Infinity : Math.min(Math.exp(a.low) * (1 - SLACK), Number.MAX_VALUE);
  const most = Math.exp(a.high) * (1 + SLACK);
  return a.sign > 0 ? [least, most] : a.sign < 0 ? [-most, -least] : null;
}

/** ln(e^x + e^y) and, for x above y, ln(e^x - e^y). */
function logOfSum(x: number, y: number): number {
  const larger = Math.max(x, y);
  return Number.isFinite(larger) ? larger + Math.log1p(Math.exp(Math.min(x, y) - larger)) : larger;
}
function logOfDifference(x: number, y: number): number {
  return x + Math.log1p(-Math.exp(y - x));
}

function negate(a: Magnitude): Magnitude {
  return { ...a, sign: -a.sign };
}

function plus(a: Magnitude, b: Magnitude): Magnitude {
  if (isZero(a)) return b;
  if (isZero(b)) return a;
  if (a.high < b.high) return plus(b, a);
  if (a.sign * b.sign > 0) return bounded(a.sign, logOfSum(a.low, b.low), logOfSum(a.high, b.high), a, b);
  const isLarger = a.low > b.high;
  const most = a.sign * b.sign === 0 ? logOfSum(a.high, b.high) : isLarger ? logOfDifference(a.high, b.low) : a.high;
  return isLarger ? bounded(a.sign, logOfDifference(a.low, b.high), most, a, b) : bounded(0, -Infinity, most, a, b);
}

function times(a: Magnitude, b: Magnitude): Magnitude {
  return bounded(a.sign * b.sign, a.low + b.low, a.high + b.high, a, b);
}

function reciprocal(a: Magnitude): Magnitude {
  return isZero(a) ? UNKNOWN : { sign: a.sign, low: -a.high, high: -a.low };
}

/** |base^exponent| for a real exponent; of a negative base the sign of the power is not known. */
function raise(base: Magnitude, exponent: Magnitude): Magnitude {
  if (isZero(exponent)) return ofRational(ONE);
  if (isZero(base)) return exponent.sign > 0 ? ZERO : UNKNOWN;
  const range = rangeOf(exponent);
  if (range === null) return UNKNOWN;
  const corners = range.flatMap((factor) => [base.low * factor, base.high * factor]);
  return bounded(Math.max(base.sign, 0), Math.min(...corners), Math.max(...corners), base, exponent);
}

function ofRational(value: Rational): Magnitude {
  if (!value.n) return ZERO;
  const [low, high] = logarithmBounds(value);
  return bounded(value.n > 0n ? 1 : -1, low, high);
}

function ofApproximation(a: Approximation): Magnitude {
  if (!isDefined(a))
    return isReal(a) && Math.abs(a.re) === Infinity ? { ...INFINITE, sign: a.re > 0 ? 1 : -1 } : UNKNOWN;
  const size = magnitude(a);
  const isSigned = isReal(a) && size > a.error;
  const found = bounded(
    isSigned ? Math.sign(a.re) : 0,
    Math.log(Math.max(0, size - a.error)),
    Math.log(size + a.error),
  );
  // Doubles this small may be a rounded 0.
  return found.low > LEAST_LOGARITHM ? found : { sign: 0, low: -Infinity, high: Math.max(found.high, LEAST_LOGARITHM) };
}

/** ln Γ(x) for x >= 1 (DLMF 5.5.1, 5.11.1). */
function logGamma(x: number): number {
  if (x < STIRLING_FROM) return logGamma(x + 1) - Math.log(x);
  // Where x·ln x - x is beyond doubles, it is just large.
  return x > 1e300
    ? Infinity
    : (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + 1 / (12 * x) - 1 / (360 * x ** 3);
}

function gamma(a: Magnitude): Magnitude {
  const range = rangeOf(a);
  if (range === null || range[0] < 0.9) return UNKNOWN;
  const [low, high] = [logGamma(Math.max(1, range[0])), logGamma(Math.max(1, range[1]))];
  return bounded(1, range[0] < 2 ? LEAST_LOG_GAMMA : low - 1e-7, Math.max(low, high, 0) + 1e-7, a);
}
function factorial(a: Magnitude): Magnitude {
  return gamma(plus(a, ofRational(ONE)));
}

/** The logarithm of a positive number. */
function logarithm(a: Magnitude): Magnitude {
  return a.sign > 0 ? between(a.low, a.high, a) : UNKNOWN;
}

const EULER = between(Math.E, Math.E);

/** Below, at or above 0 as a is below, at or above b; not a number where that is not known. */
export function orderOf(a: Magnitude, b: Magnitude): number {
  const difference = plus(a, negate(b));
  return isZero(difference) ? 0 : difference.sign || NaN;
}

/** What the evaluation of magnitudes works with. */
export interface MagnitudeParts {
  readonly budget: Budget;
  readonly evaluateExactly: Evaluate<Exact>;
  readonly approximate: Evaluate<Approximation>;
}

/**
 * The evaluation of trees by their magnitude; of a tree with symbols nothing is known.
 *
 * @returns a function that throws BudgetError
 */
export function magnitudeEvaluator(parts: MagnitudeParts): Evaluate<Magnitude> {
  const { budget } = parts;
  return evaluator<Magnitude>(budget, {
    none: UNKNOWN,
    of: (value) => {
      budget.spend(logarithm2(value) / 64);
      return ofRational(value);
    },
    integerOf: (x) => integerOf(parts, x),
    plus,
    times,
    negate,
    reciprocal,
    raise,
    order: orderOf,
    floor: (a) => (a.low > LARGE ? bounded(a.sign, a.low, a.high, a) : UNKNOWN),
    gamma,
    functions: {
      abs: (a) => ({ ...a, sign: a.low > -Infinity ? 1 : 0 }),
      exp: (a) => raise(EULER, a),
      log: (a, base) => times(logarithm(a), reciprocal(logarithm(base))),
      binomial: (n, k) => times(factorial(n), reciprocal(times(factorial(k), factorial(plus(n, negate(k)))))),
      mod: (_, modulus) => bounded(0, -Infinity, modulus.high, modulus),
    },
    other: (x, places) => valueOf(parts, x, places),
    isExact: false,
  });
}

/** What sums and products of other magnitudes do not give. */
function valueOf(parts: MagnitudeParts, x: Expression, places: Places<Magnitude>): Magnitude | undefined {
  if (isConstant(x)) return x.name === "oo" ? INFINITE : ofApproximation(parts.approximate(x));
  if (isPow(x) || isPercent(x)) return undefined;
  if (isSeries(x)) return seriesValue(parts, x, places);
  const value = nearOf(parts, x, places);
  return isFunction(x) && !isDefined(value) ? undefined : ofApproximation(value);
}

/** Of a sum or product that has an exact value, or no ends; undefined for one that is to be gone through. */
function seriesValue(parts: MagnitudeParts, x: BinderNode, places: Places<Magnitude>): Magnitude | undefined {
  const exact = parts.evaluateExactly(x);
  if (exact) return ofRational(exact);
  const hasEnds = integerOf(parts, x.lower!) !== null && integerOf(parts, x.upper!) !== null;
  return hasEnds ? undefined : ofApproximation(nearOf(parts, x, places));
}

/** What a tree is near in doubles, if it holds none of the symbols that have places. */
function nearOf({ budget, approximate }: MagnitudeParts, x: Expression, places: Places<Magnitude>): Approximation {
  if (places && [...freeSymbols(budget, x).keys()].some((key) => places.has(key))) return UNDEFINED;
  return budget.attempt(0.25, () => approximate(x)) ?? UNDEFINED;
}

/** An integer that holds no symbol. */
function integerOf({ evaluateExactly }: MagnitudeParts, x: Expression): bigint | null {
  const value = evaluateExactly(x);
  return value && isInteger(value) ? value.n : null;
}

/** Whether two constants cannot be equal, as their ranges do not meet. */
export function areApart(a: Magnitude, b: Magnitude): boolean {
  return a.low > b.high || b.low > a.high || a.sign * b.sign < 0;
}

/** The double in the middle of narrow bounds; not a number where they are wide, or the sign is not known. */
export function approximationOf({ sign, low, high }: Magnitude): Approximation {
  const [least, most] = [Math.exp(low), Math.exp(high)];
  return sign !== 0 && high - low < NARROW && Number.isFinite(most)
    ? exactly((sign * (least + most)) / 2, 0, most - least)
    : UNDEFINED;
}
