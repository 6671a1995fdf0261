/**
 * Exact rational numbers on BigInt, always in lowest terms with a positive denominator.
 */
import { abs, floor as wholePart, isFinite, isInteger as isWhole, log, log2, max } from "./floats";
import { checkBits, spend } from "./budget";

export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** n / d, which are in lowest terms already. */
const ratio = (n: bigint, d: bigint): Rational => ({ n, d });
export const integer = (value: number | bigint): Rational => ratio(BigInt(value), 1n);

export const ZERO = integer(0);
export const ONE = integer(1);
export const HALF = ratio(1n, 2n);

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);

/** Greatest common divisor, never negative; of long numbers it takes as many divisions of long numbers. */
export const gcd = (a: bigint, b: bigint): bigint => {
  let divisions = 0;
  for (; b; divisions++) [a, b] = [b, a % b];
  if (divisions > 300) spend(4 * divisions);
  return absolute(a);
};

/** n / d in lowest terms; d is not 0: the callers decide what a division by zero means before they get here. */
export const rational = (n: bigint, d: bigint): Rational => {
  const g = d < 0n ? -gcd(n, d) : gcd(n, d);
  return ratio(n / g, d / g);
};

export const isInteger = (a: Rational): boolean => a.d === 1n;
export const negate = (a: Rational): Rational => ratio(-a.n, a.d);
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
/** Below 0 where a < b, above 0 where a > b, else 0. */
export const compare = (a: Rational, b: Rational): number => Number(a.n * b.d - b.n * a.d);

/** a + b; the divisors are taken out of the parts (Knuth, TAOCP 4.5.1), as a long number and a short one then share a short one. */
export const add = (a: Rational, b: Rational): Rational => {
  if (isInteger(a) && isInteger(b)) return integer(a.n + b.n);
  const g = gcd(a.d, b.d);
  const t = a.n * (b.d / g) + b.n * (a.d / g);
  const h = gcd(t, g);
  return ratio(t / h, (a.d / g) * (b.d / h));
};

export const subtract = (a: Rational, b: Rational): Rational => add(a, negate(b));

export const multiply = (a: Rational, b: Rational): Rational => {
  if (isInteger(a) && isInteger(b)) return integer(a.n * b.n);
  const [g, h] = [gcd(a.n, b.d), gcd(b.n, a.d)];
  return ratio((a.n / g) * (b.n / h), (a.d / h) * (b.d / g));
};

/** 1 / a; a is not 0. */
export const inverse = (a: Rational): Rational => (a.n < 0n ? ratio(-a.d, -a.n) : ratio(a.d, a.n));

/** The largest integer not above a. */
export const floor = (a: Rational): bigint => a.n / a.d - (a.n < 0n && !isInteger(a) ? 1n : 0n);

/** The whole part of the binary logarithm of the longer of numerator and denominator; beyond the range of doubles up to 3 more. */
export const logarithm2 = (a: Rational): number => max(wholeLogarithm2(a.n), wholeLogarithm2(a.d));

/** Bounds of ln |a| for a number other than 0. */
export const logarithmBounds = (a: Rational): readonly [low: number, high: number] => {
  const value = naturalLogarithm(a.n) - naturalLogarithm(a.d);
  const error = 1e-15 * (1 + abs(naturalLogarithm(a.n)) + naturalLogarithm(a.d));
  return [value - error, value + error];
};

/** ln |n|; what the first 64 hexadecimal digits leave out is far below rounding. */
const naturalLogarithm = (n: bigint): number => {
  const size = absolute(n);
  const double = Number(size);
  if (isFinite(double)) return log(double);
  const digits = size.toString(16);
  return log(Number(`0x${digits.slice(0, 64)}`)) + (digits.length - 64) * 4 * Math.LN2;
};

const wholeLogarithm2 = (n: bigint): number => {
  const size = absolute(n);
  const double = Number(size);
  return double < 1e300 ? wholePart(log2(double)) : 4 * size.toString(16).length - 1;
};

/**
 * a^k for an integer k; a is not 0 where k is negative.
 *
 * @throws BudgetError when the result would be longer than the bit limit
 */
export const power = (a: Rational, k: bigint): Rational => {
  if (k < 0n) return power(inverse(a), -k);
  checkBits(logarithm2(a) * Number(k));
  return ratio(a.n ** k, a.d ** k);
};

/** The exact q-th root of a > 0 when there is one in the rationals, else null. */
export const exactRoot = (a: Rational, q: bigint): Rational | null => {
  const root = ratio(wholeRoot(a.n, q), wholeRoot(a.d, q));
  return equal(power(root, q), a) ? root : null;
};

/** The whole part of a root of n > 0, by Newton's iteration from above. */
const wholeRoot = (n: bigint, q: bigint): bigint => {
  let root;
  let next = 2n << (BigInt(wholeLogarithm2(n)) / q);
  do {
    root = next;
    next = ((q - 1n) * root + n / root ** (q - 1n)) / q;
  } while (next < root);
  return root;
};

/** The nearest double, also where numerator and denominator are beyond the range of doubles. */
export const toNumber = (a: Rational): number => {
  const [n, d] = [Number(a.n), Number(a.d)];
  if (isFinite(n - d)) return n / d;
  const bits = logarithm2(a);
  spend(bits / 16);
  const unit = 2n ** BigInt(bits - 1000);
  return Number(a.n / unit) / Number(a.d / unit);
};

/**
 * A decimal literal (`12`, `.5`, `3.`, `1.5E-3`, `1e10`) as a rational.
 *
 * @returns null when the text is no such literal
 * @throws BudgetError when the number needs more bits than the limit
 */
export const parseDecimal = (text: string): Rational | null => {
  const match = /^(?=-?\.?\d)(-?\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return null;
  checkBits(text.length * 3.33);
  const [, digits, decimals = "", exponent = 0] = match;
  return multiply(integer(BigInt(digits + decimals)), power(integer(10), BigInt(exponent) - BigInt(decimals.length)));
};

/** Rounds to a number of decimals, halves to even: the integer value·10^decimals. */
export const roundScaled = (a: Rational, decimals: number): bigint => {
  const raised = add(multiply(a, power(integer(10), BigInt(decimals))), HALF);
  const rounded = floor(raised);
  return isInteger(raised) && rounded % 2n ? rounded - 1n : rounded;
};

/** A finite double as the rational it is exactly. */
export const fromNumber = (value: number): Rational => {
  let d = 1n;
  for (; !isWhole(value); value *= 2) d *= 2n;
  return rational(BigInt(value), d);
};
