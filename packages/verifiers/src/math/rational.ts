/**
 * Exact rational numbers on BigInt, always in lowest terms with a positive denominator. Whoever can meet long ones pays
 * for their length, and asks before a power is made: see evaluation/exact.ts.
 */

export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** n / d, which are in lowest terms already. */
function ratio(n: bigint, d: bigint): Rational {
  return { n, d };
}
export function integer(value: number | bigint): Rational {
  return ratio(BigInt(value), 1n);
}

export const ZERO = integer(0);
export const ONE = integer(1);
export const HALF = ratio(1n, 2n);

function absolute(n: bigint): bigint {
  return n < 0n ? -n : n;
}

/** Greatest common divisor, never negative. */
export function gcd(a: bigint, b: bigint): bigint {
  let [rest, divisor] = [a, b];
  while (divisor) [rest, divisor] = [divisor, rest % divisor];
  return absolute(rest);
}

/** n / d in lowest terms; d is not 0: the callers decide what a division by zero means before they get here. */
export function rational(n: bigint, d: bigint): Rational {
  const g = d < 0n ? -gcd(n, d) : gcd(n, d);
  return ratio(n / g, d / g);
}

export function isInteger(a: Rational): boolean {
  return a.d === 1n;
}
export function negate(a: Rational): Rational {
  return ratio(-a.n, a.d);
}
export function equal(a: Rational, b: Rational): boolean {
  return a.n === b.n && a.d === b.d;
}
/** Below 0 where a < b, above 0 where a > b, else 0. */
export function compare(a: Rational, b: Rational): number {
  return Number(a.n * b.d - b.n * a.d);
}

/**
 * a + b; the divisors are taken out of the parts (Knuth, TAOCP 4.5.1), as a long number and a short one then share a
 * short one.
 */
export function add(a: Rational, b: Rational): Rational {
  if (isInteger(a) && isInteger(b)) return integer(a.n + b.n);
  const g = gcd(a.d, b.d);
  const t = a.n * (b.d / g) + b.n * (a.d / g);
  const h = gcd(t, g);
  return ratio(t / h, (a.d / g) * (b.d / h));
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, negate(b));
}

export function multiply(a: Rational, b: Rational): Rational {
  if (isInteger(a) && isInteger(b)) return integer(a.n * b.n);
  const [g, h] = [gcd(a.n, b.d), gcd(b.n, a.d)];
  return ratio((a.n / g) * (b.n / h), (a.d / h) * (b.d / g));
}

/** 1 / a; a is not 0. */
export function inverse(a: Rational): Rational {
  return a.n < 0n ? ratio(-a.d, -a.n) : ratio(a.d, a.n);
}

/** The largest integer not above a. */
export function floor(a: Rational): bigint {
  return a.n / a.d - (a.n < 0n && !isInteger(a) ? 1n : 0n);
}

/**
 * The whole part of the binary logarithm of the longer of numerator and denominator; beyond the range of doubles up to
 * 3 more.
 */
export function logarithm2(a: Rational): number {
  return Math.max(wholeLogarithm2(a.n), wholeLogarithm2(a.d));
}

/** Bounds of ln |a| for a number other than 0. */
export function logarithmBounds(a: Rational): readonly [low: number, high: number] {
  const value = naturalLogarithm(a.n) - naturalLogarithm(a.d);
  const error = 1e-15 * (1 + Math.abs(naturalLogarithm(a.n)) + naturalLogarithm(a.d));
  return [value - error, value + error];
}

/** ln |n|; what the first 64 hexadecimal digits leave out is far below rounding. */
function naturalLogarithm(n: bigint): number {
  const size = absolute(n);
  const double = Number(size);
  if (Number.isFinite(double)) return Math.log(double);
  const digits = size.toString(16);
  return Math.log(Number(`0x${digits.slice(0, 64)}`)) + (digits.length - 64) * 4 * Math.LN2;
}

function wholeLogarithm2(n: bigint): number {
  const size = absolute(n);
  const double = Number(size);
  return double < 1e300 ? Math.floor(Math.log2(double)) : 4 * size.toString(16).length - 1;
}

/** a^k for an integer k; a is not 0 where k is negative. */
export function power(a: Rational, k: bigint): Rational {
  return k < 0n ? power(inverse(a), -k) : ratio(a.n ** k, a.d ** k);
}

/** The exact q-th root of a > 0 when there is one in the rationals, else null. */
export function exactRoot(a: Rational, q: bigint): Rational | null {
  const root = ratio(wholeRoot(a.n, q), wholeRoot(a.d, q));
  return equal(power(root, q), a) ? root : null;
}

/** The whole part of a root of n > 0, by Newton's iteration from above. */
function wholeRoot(n: bigint, q: bigint): bigint {
  let root;
  let next = 2n << (BigInt(wholeLogarithm2(n)) / q);
  do {
    root = next;
    next = ((q - 1n) * root + n / root ** (q - 1n)) / q;
  } while (next < root);
  return root;
}

/** The nearest double, also where numerator and denominator are beyond the range of doubles. */
export function toNumber(a: Rational): number {
  const [n, d] = [Number(a.n), Number(a.d)];
  if (Number.isFinite(n - d)) return n / d;
  const unit = 2n ** BigInt(logarithm2(a) - 1000);
  return Number(a.n / unit) / Number(a.d / unit);
}

/** Rounds to a number of decimals, halves to even: the integer value·10^decimals. */
export function roundScaled(a: Rational, decimals: number): bigint {
  const raised = add(multiply(a, power(integer(10), BigInt(decimals))), HALF);
  const rounded = floor(raised);
  return isInteger(raised) && rounded % 2n ? rounded - 1n : rounded;
}

/** A finite double as the rational it is exactly. */
export function fromNumber(value: number): Rational {
  let d = 1n;
  for (; !Number.isInteger(value); value *= 2) d *= 2n;
  return rational(BigInt(value), d);
}
