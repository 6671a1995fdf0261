/**
 * How large a constant is: its sign, and bounds of the natural logarithm of its absolute value. They are ordinary numbers also where the
 * value itself is beyond every double: 2^20000, (10^12)!, 2^(2^65536). Bounds are rounded outwards, so that two constants whose ranges
 * do not meet are different. Of a value that is not real, the absolute value is meant.
 */
import { attemptWithin } from "../budget";
import { type BinderNode, type Expression, isConstant, isFunction, isPercent, isPow, isSeries } from "../expression";
import { E, PI, abs, exp, isFinite, isNaN, log, max, min } from "../floats";
import { ONE, type Rational, isInteger, logarithmBounds } from "../rational";
import { freeSymbols } from "../structure";
import { type Approximation, UNDEFINED, exactly, isDefined, isReal, magnitude } from "./complex";
import { evaluateExactly } from "./exact";
import { type Places, evaluator } from "./evaluator";
import { approximate } from "./numeric";

/**
 * |x| lies from e^low to e^high. An infinite `low` says that x is infinite, an infinite `high` that nothing bounds it; the largest double
 * stands for all logarithms from there on.
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
const isZero = (a: Magnitude): boolean => a.high === -Infinity;
export const isInfinite = (a: Magnitude): boolean => a.low === Infinity;

/** Bounds with room for rounding. Only infinite operands make an infinite result: what overflows is just large. */
const bounded = (sign: number, low: number, high: number, ...operands: readonly Magnitude[]): Magnitude => {
  if (isNaN(low) || isNaN(high)) return UNKNOWN;
  const least = operands.some(isInfinite) ? Infinity : Number.MAX_VALUE;
  const most = operands.some((a) => a.high === Infinity) ? Infinity : Number.MAX_VALUE;
  return {
    sign,
    low: isFinite(low) ? low - SLACK * (1 + abs(low)) : min(low, least),
    high: isFinite(high) ? min(high + SLACK * (1 + abs(high)), most) : min(high, most),
  };
};

/** The real numbers from one to another. */
const between = (from: number, to: number, ...operands: readonly Magnitude[]): Magnitude => {
  if (from > 0) return bounded(1, log(from), log(to), ...operands);
  if (to < 0) return bounded(-1, log(-to), log(-from), ...operands);
  return from === 0 && to === 0 ? ZERO : bounded(0, -Infinity, log(max(-from, to)), ...operands);
};

/** The least and the greatest real number that a can be; null where the sign is not known. */
const rangeOf = (a: Magnitude): readonly [from: number, to: number] | null => {
  if (isZero(a)) return [0, 0];
  const least = isInfinite(a) ? Infinity : min(exp(a.low) * (1 - SLACK), Number.MAX_VALUE);
  const most = exp(a.high) * (1 + SLACK);
  return a.sign > 0 ? [least, most] : a.sign < 0 ? [-most, -least] : null;
};

/** ln(e^x + e^y) and, for x above y, ln(e^x - e^y). */
const logOfSum = (x: number, y: number): number => {
  const larger = max(x, y);
  return isFinite(larger) ? larger + Math.log1p(exp(min(x, y) - larger)) : larger;
};
const logOfDifference = (x: number, y: number): number => x + Math.log1p(-exp(y - x));

const negate = (a: Magnitude): Magnitude => ({ ...a, sign: -a.sign });

const plus = (a: Magnitude, b: Magnitude): Magnitude => {
  if (isZero(a)) return b;
  if (isZero(b)) return a;
  if (a.high < b.high) return plus(b, a);
  if (a.sign * b.sign > 0) return bounded(a.sign, logOfSum(a.low, b.low), logOfSum(a.high, b.high), a, b);
  const isLarger = a.low > b.high;
  const most = a.sign * b.sign === 0 ? logOfSum(a.high, b.high) : isLarger ? logOfDifference(a.high, b.low) : a.high;
  return isLarger ? bounded(a.sign, logOfDifference(a.low, b.high), most, a, b) : bounded(0, -Infinity, most, a, b);
};

const times = (a: Magnitude, b: Magnitude): Magnitude => bounded(a.sign * b.sign, a.low + b.low, a.high + b.high, a, b);

const reciprocal = (a: Magnitude): Magnitude => (isZero(a) ? UNKNOWN : { sign: a.sign, low: -a.high, high: -a.low });

/** |base^exponent| for a real exponent; of a negative base the sign of the power is not known. */
const raise = (base: Magnitude, exponent: Magnitude): Magnitude => {
  if (isZero(exponent)) return ofRational(ONE);
  if (isZero(base)) return exponent.sign > 0 ? ZERO : UNKNOWN;
  const range = rangeOf(exponent);
  if (range === null) return UNKNOWN;
  const corners = range.flatMap((factor) => [base.low * factor, base.high * factor]);
  return bounded(max(base.sign, 0), min(...corners), max(...corners), base, exponent);
};

const ofRational = (value: Rational): Magnitude => {
  if (!value.n) return ZERO;
  const [low, high] = logarithmBounds(value);
  return bounded(value.n > 0n ? 1 : -1, low, high);
};

const ofApproximation = (a: Approximation): Magnitude => {
  if (!isDefined(a)) return isReal(a) && abs(a.re) === Infinity ? { ...INFINITE, sign: a.re > 0 ? 1 : -1 } : UNKNOWN;
  const size = magnitude(a);
  const isSigned = isReal(a) && size > a.error;
  const found = bounded(isSigned ? Math.sign(a.re) : 0, log(max(0, size - a.error)), log(size + a.error));
  // Doubles this small may be a rounded 0.
  return found.low > LEAST_LOGARITHM ? found : { sign: 0, low: -Infinity, high: max(found.high, LEAST_LOGARITHM) };
};

/** ln Γ(x) for x >= 1 (DLMF 5.5.1, 5.11.1). */
const logGamma = (x: number): number =>
  x < STIRLING_FROM
    ? logGamma(x + 1) - log(x)
    : (x - 0.5) * log(x) - x + log(2 * PI) / 2 + 1 / (12 * x) - 1 / (360 * x ** 3);

const gamma = (a: Magnitude): Magnitude => {
  const [from, to] = rangeOf(a) ?? [0, 0];
  // Where x is beyond doubles, x·ln x - x is just large.
  const [low, high] = [from, to].map((x) => (x > 1e300 ? Infinity : logGamma(max(1, x)))) as [number, number];
  if (from < 0.9) return UNKNOWN;
  return bounded(1, from < 2 ? LEAST_LOG_GAMMA : low - 1e-7, max(low, high, 0) + 1e-7, a);
};
const factorial = (a: Magnitude): Magnitude => gamma(plus(a, ofRational(ONE)));

/** The logarithm of a positive number. */
const logarithm = (a: Magnitude): Magnitude => (a.sign > 0 ? between(a.low, a.high, a) : UNKNOWN);

const EULER = between(E, E);

/** Below, at or above 0 as a is below, at or above b; not a number where that is not known. */
export const orderOf = (a: Magnitude, b: Magnitude): number => {
  const difference = plus(a, negate(b));
  return isZero(difference) ? 0 : difference.sign || NaN;
};

/** What a tree is near in doubles, if it holds none of the symbols that have places. */
const near = (x: Expression, places: Places<Magnitude>): Approximation => {
  const isFree = places && [...freeSymbols(x).keys()].some((key) => places.has(key));
  return (isFree ? undefined : attemptWithin(0.25, () => approximate(x))) ?? UNDEFINED;
};

/** An integer that holds no symbol. */
const integerOf = (x: Expression): bigint | null => {
  const value = evaluateExactly(x);
  return value && isInteger(value) ? value.n : null;
};

const seriesOf = (x: BinderNode, places: Places<Magnitude>): Magnitude | undefined => {
  const exact = evaluateExactly(x);
  if (exact) return ofRational(exact);
  const hasEnds = integerOf(x.lower!) !== null && integerOf(x.upper!) !== null;
  return hasEnds ? undefined : ofApproximation(near(x, places));
};

const other = (x: Expression, places: Places<Magnitude>): Magnitude | undefined => {
  if (isConstant(x)) return x.name === "oo" ? INFINITE : ofApproximation(near(x, null));
  if (isPow(x) || isPercent(x)) return undefined;
  if (isSeries(x)) return seriesOf(x, places);
  const value = near(x, places);
  return isFunction(x) && !isDefined(value) ? undefined : ofApproximation(value);
};

/**
 * The magnitude of a constant; of a tree with symbols nothing is known.
 *
 * @throws BudgetError
 */
export const magnitudeOf: (x: Expression) => Magnitude = evaluator<Magnitude>({
  none: UNKNOWN,
  of: ofRational,
  integerOf,
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
  other,
  isExact: false,
});

/** Whether two constants cannot be equal, as their ranges do not meet. */
export const areApart = (a: Magnitude, b: Magnitude): boolean =>
  a.low > b.high || b.low > a.high || a.sign * b.sign < 0;

/**
 * What a constant is near in doubles, also where a part of it is beyond them, as in ln(2^20000); not a number where it only seems
 * infinite because it is itself beyond them.
 */
export const nearValue = (x: Expression): Approximation => {
  const value = near(x, null);
  if (isDefined(value)) return value;
  const { sign, low, high } = attemptWithin(0.5, () => magnitudeOf(x)) ?? UNKNOWN;
  if (low === Infinity && isReal(value)) return value;
  const [least, most] = [exp(low), exp(high)];
  return sign && high - low < NARROW && isFinite(most)
    ? exactly((sign * (least + most)) / 2, 0, most - least)
    : UNDEFINED;
};
