/**
 * Exact rational numbers on BigInt, always in lowest terms with a positive denominator.
 */
import { abs, isFinite, max, round } from "./floats";
import { checkBits } from "./budget";

export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const ZERO: Rational = { n: 0n, d: 1n };
export const ONE: Rational = { n: 1n, d: 1n };

export const integer = (value: number | bigint): Rational => ({ n: BigInt(value), d: 1n });

/** Greatest common divisor, never negative; small operands take the native-number path, which is several times faster. */
export const gcd = (a: bigint, b: bigint): bigint => {
  if (a < 0n) a = -a;
  if (b < 0n) b = -b;
  while (b !== 0n) {
    if (a <= 9007199254740991n && b <= 9007199254740991n) {
      let x = Number(a);
      let y = Number(b);
      while (y !== 0) [x, y] = [y, x % y];
      return BigInt(x);
    }
    [a, b] = [b, a % b];
  }
  return a;
};

/**
 * n / d in lowest terms.
 *
 * @throws RangeError when d is 0: the callers decide what a division by zero means before they get here
 */
export const rational = (n: bigint, d: bigint): Rational => {
  if (d === 1n) return { n, d };
  if (d === 0n) throw new RangeError("rational: the denominator is 0");
  if (d < 0n) {
    n = -n;
    d = -d;
  }
  const g = gcd(n, d);
  return g === 1n ? { n, d } : { n: n / g, d: d / g };
};

export const isInteger = (a: Rational): boolean => a.d === 1n;
export const isZero = (a: Rational): boolean => a.n === 0n;
export const sign = (a: Rational): number => (a.n > 0n ? 1 : a.n < 0n ? -1 : 0);
export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;

/** a + b; the divisors are taken out of the parts (Knuth, TAOCP 4.5.1), as a long number and a short one then share a short one. */
export const add = (a: Rational, b: Rational): Rational => {
  if (a.d === 1n && b.d === 1n) return { n: a.n + b.n, d: 1n };
  const g = gcd(a.d, b.d);
  if (g === 1n) return { n: a.n * b.d + b.n * a.d, d: a.d * b.d };
  const t = a.n * (b.d / g) + b.n * (a.d / g);
  const h = gcd(t, g);
  return { n: t / h, d: (a.d / g) * (b.d / h) };
};

export const subtract = (a: Rational, b: Rational): Rational => add(a, negate(b));

export const multiply = (a: Rational, b: Rational): Rational => {
  if (a.d === 1n && b.d === 1n) return { n: a.n * b.n, d: 1n };
  const [g, h] = [gcd(a.n, b.d), gcd(b.n, a.d)];
  return { n: (a.n / g) * (b.n / h), d: (a.d / h) * (b.d / g) };
};

export const divide = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n);

export const compare = (a: Rational, b: Rational): number => {
  const difference = a.n * b.d - b.n * a.d;
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
};

/** Bits of the longer of numerator and denominator, to within 4. */
export const bitLength = (a: Rational): number => 4 * max(bigintHexLength(a.n), bigintHexLength(a.d));

const bigintHexLength = (n: bigint): number => {
  if (n <= 0xffffffffffffn && n >= -0xffffffffffffn) return 12;
  return n.toString(16).length;
};

/**
 * a^k for an integer k.
 *
 * @throws BudgetError when the result would be longer than the bit limit
 * @throws RangeError for 0 to a negative power
 */
export const power = (a: Rational, k: bigint): Rational => {
  if (k < 0n) return power(rational(a.d, a.n), -k);
  if (k === 0n) return ONE;
  if (a.d === 1n && (a.n === 0n || a.n === 1n)) return a;
  if (a.d === 1n && a.n === -1n) return k % 2n === 0n ? ONE : a;
  checkBits((max(exactBits(a.n), exactBits(a.d)) - 1) * Number(k));
  return { n: a.n ** k, d: a.d ** k };
};

const exactBits = (n: bigint): number => (n < 0n ? -n : n).toString(2).length;

/** The exact q-th root when there is one in the rationals, else null. q > 0; a >= 0. */
export const exactRoot = (a: Rational, q: number): Rational | null => {
  const n = integerRoot(a.n, q);
  if (n === null) return null;
  const d = integerRoot(a.d, q);
  return d === null ? null : { n, d };
};

const integerRoot = (value: bigint, q: number): bigint | null => {
  if (value < 2n) return value;
  if (q > 64) return null;
  const k = BigInt(q);
  const approximate = Math.pow(Number(value), 1 / q);
  if (!isFinite(approximate) || approximate > 1e15) return newtonRoot(value, k);
  const guess = BigInt(round(approximate));
  for (const candidate of [guess, guess - 1n, guess + 1n]) if (candidate > 0n && candidate ** k === value) return candidate;
  return null;
};

const newtonRoot = (value: bigint, k: bigint): bigint | null => {
  let x = 1n << (BigInt(value.toString(2).length) / k + 1n);
  for (;;) {
    const next = ((k - 1n) * x + value / x ** (k - 1n)) / k;
    if (next >= x) break;
    x = next;
  }
  return x ** k === value ? x : null;
};

/** The nearest double; right for numerators and denominators that overflow one by themselves. */
export const toNumber = (a: Rational): number => {
  const n = Number(a.n);
  const d = Number(a.d);
  if (isFinite(n) && isFinite(d)) return n / d;
  const shift = max(exactBits(a.n), exactBits(a.d)) - 1000;
  const quotient = exactBits(a.n) - exactBits(a.d);
  if (quotient > 1030) return a.n < 0n ? -Infinity : Infinity;
  if (quotient < -1080) return 0;
  const by = BigInt(max(0, shift));
  return Number(a.n >> by) / Number(a.d >> by);
};

/**
 * A decimal literal (`12`, `.5`, `3.`, `1.5E-3`, `1e10`) as a rational.
 *
 * @returns null when the text is no such literal
 * @throws BudgetError when the number needs more bits than the limit
 */
export const parseDecimal = (text: string): Rational | null => {
  const match = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, minus, whole = "", fraction = "", exponentText] = match;
  if (whole.length + fraction.length === 0) return null;
  checkBits((whole.length + fraction.length) * 3.33);
  const exponent = exponentText === undefined ? 0 : Number(exponentText);
  checkBits(abs(exponent) * 3.33);
  let n = BigInt(whole + fraction);
  if (minus !== "") n = -n;
  const scale = exponent - fraction.length;
  return scale >= 0 ? { n: n * 10n ** BigInt(scale), d: 1n } : rational(n, 10n ** BigInt(-scale));
};

/** Rounds to a number of decimals, halves to even: the integer value·10^decimals. */
export const roundScaled = (a: Rational, decimals: number): bigint => {
  const scaled = multiply(a, power(integer(10), BigInt(decimals)));
  const floor = scaled.n >= 0n ? scaled.n / scaled.d : -((-scaled.n + scaled.d - 1n) / scaled.d);
  const twice = 2n * (scaled.n - floor * scaled.d);
  if (twice > scaled.d || (twice === scaled.d && floor % 2n !== 0n)) return floor + 1n;
  return floor;
};

/** A finite double as the rational it is exactly. */
export const fromNumber = (value: number): Rational => {
  if (Number.isInteger(value)) return integer(BigInt(value));
  let d = 1n;
  let x = value;
  while (!Number.isInteger(x)) {
    x *= 2;
    d *= 2n;
  }
  return rational(BigInt(x), d);
};
