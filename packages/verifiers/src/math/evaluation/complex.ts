/**
 * Complex doubles with a running error bound: each value carries how far rounding may have moved it, so that "equal" and "unequal"
 * need no tuned tolerance (Higham, Accuracy and Stability of Numerical Algorithms, §3.3; first order, one unit roundoff per step).
 */

/** re + i·im, known to within `error`. */
export interface Approximation {
  readonly re: number;
  readonly im: number;
  readonly error: number;
}

/** Two roundoffs, as the elementary functions of a JavaScript engine may be one unit off. */
const U = 4.5e-16;

export const UNDEFINED: Approximation = { re: NaN, im: NaN, error: Infinity };
export const IMAGINARY_UNIT: Approximation = { re: 0, im: 1, error: 0 };

export const exactly = (re: number, im = 0): Approximation => ({ re, im, error: 0 });
export const rounded = (re: number, im = 0): Approximation => ({ re, im, error: U * Math.hypot(re, im) });
export const magnitude = (a: Approximation): number => (a.im === 0 ? Math.abs(a.re) : Math.hypot(a.re, a.im));
export const isDefined = (a: Approximation): boolean => Number.isFinite(a.re) && Number.isFinite(a.im) && Number.isFinite(a.error);
const withError = (re: number, im: number, error: number): Approximation => ({ re, im, error: error + U * Math.hypot(re, im) });

export function plus(a: Approximation, b: Approximation): Approximation {
  return withError(a.re + b.re, a.im + b.im, a.error + b.error);
}

export function minus(a: Approximation, b: Approximation): Approximation {
  return withError(a.re - b.re, a.im - b.im, a.error + b.error);
}

export function times(a: Approximation, b: Approximation): Approximation {
  if (a.im === 0 && b.im === 0) {
    return { re: a.re * b.re, im: 0, error: Math.abs(a.re) * b.error + Math.abs(b.re) * a.error + U * Math.abs(a.re * b.re) };
  }
  return withError(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, 2 * (magnitude(a) * b.error + magnitude(b) * a.error) + U * magnitude(a) * magnitude(b));
}

export function reciprocal(a: Approximation): Approximation {
  if (Math.abs(a.re) === Infinity) return exactly(0);
  if (a.im === 0) return a.re === 0 ? UNDEFINED : withError(1 / a.re, 0, a.error / (a.re * a.re));
  const square = a.re * a.re + a.im * a.im;
  return withError(a.re / square, -a.im / square, (2 * a.error) / square);
}

export function exponential(a: Approximation): Approximation {
  const size = Math.exp(a.re);
  if (a.im === 0) return { re: size, im: 0, error: size * (a.error + U) };
  return { re: size * Math.cos(a.im), im: size * Math.sin(a.im), error: size * (a.error + U * (2 + Math.abs(a.im))) };
}

export function logarithm(a: Approximation): Approximation {
  const size = magnitude(a);
  if (size === 0) return UNDEFINED;
  return withError(Math.log(size), a.im === 0 ? (a.re < 0 ? Math.PI : 0) : Math.atan2(a.im, a.re), a.error / size);
}

/** Principal power; integer exponents by squaring, so that a real base stays real. */
export function raise(base: Approximation, exponent: Approximation): Approximation {
  if (exponent.im === 0 && exponent.error === 0 && Number.isInteger(exponent.re) && Math.abs(exponent.re) <= 1e6) return integerPower(base, exponent.re);
  const size = magnitude(base);
  if (size === 0) return exponent.re > 0 ? exactly(0) : UNDEFINED;
  if (base.im === 0 && base.re > 0 && exponent.im === 0) {
    const value = Math.pow(base.re, exponent.re);
    const relative = Math.abs(exponent.re) * (base.error / base.re) + Math.abs(Math.log(base.re)) * exponent.error + U;
    return { re: value, im: 0, error: Math.abs(value) * relative };
  }
  if (exponent.im === 0 && exponent.re === 0.5 && base.im === 0) {
    const value = Math.sqrt(-base.re);
    return { re: 0, im: value, error: value * (base.error / Math.abs(base.re) + U) };
  }
  return exponential(times(exponent, logarithm(base)));
}

function integerPower(base: Approximation, k: number): Approximation {
  if (k < 0) return reciprocal(integerPower(base, -k));
  if (base.im === 0) {
    const value = Math.pow(base.re, k);
    const relative = base.re === 0 ? 0 : (k * base.error) / Math.abs(base.re);
    return { re: value, im: 0, error: k === 0 ? 0 : base.re === 0 && k === 1 ? base.error : Math.abs(value) * (relative + U) };
  }
  let result = exactly(1);
  let factor = base;
  for (let n = k; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) result = times(result, factor);
    factor = times(factor, factor);
  }
  return result;
}

export const squareRoot = (a: Approximation): Approximation => raise(a, exactly(0.5));

export function sine(a: Approximation): Approximation {
  if (a.im === 0) return withError(Math.sin(a.re), 0, a.error + U * Math.abs(a.re));
  const grow = Math.cosh(a.im);
  return withError(Math.sin(a.re) * grow, Math.cos(a.re) * Math.sinh(a.im), grow * (a.error + U * Math.abs(a.re)) + U * grow);
}

export function cosine(a: Approximation): Approximation {
  if (a.im === 0) return withError(Math.cos(a.re), 0, a.error + U * Math.abs(a.re));
  const grow = Math.cosh(a.im);
  return withError(Math.cos(a.re) * grow, -Math.sin(a.re) * Math.sinh(a.im), grow * (a.error + U * Math.abs(a.re)) + U * grow);
}

const timesI = (a: Approximation): Approximation => ({ re: -a.im, im: a.re, error: a.error });
const overI = (a: Approximation): Approximation => ({ re: a.im, im: -a.re, error: a.error });
const ONE = exactly(1);

/** sinh, cosh, tanh and the inverse functions through logarithms, with SymPy's principal branches. */
export const FUNCTIONS: Readonly<Record<string, (a: Approximation) => Approximation>> = {
  exp: exponential,
  sin: sine,
  cos: cosine,
  tan: (a) => times(sine(a), reciprocal(cosine(a))),
  cot: (a) => times(cosine(a), reciprocal(sine(a))),
  sec: (a) => reciprocal(cosine(a)),
  csc: (a) => reciprocal(sine(a)),
  asin: (a) => inverse(a, Math.asin, (x) => overI(logarithm(plus(timesI(x), squareRoot(minus(ONE, times(x, x))))))),
  acos: (a) => inverse(a, Math.acos, (x) => minus(rounded(Math.PI / 2), FUNCTIONS["asin"]!(x))),
  atan: (a) => inverse(a, Math.atan, (x) => times(exactly(0, 0.5), minus(logarithm(minus(ONE, timesI(x))), logarithm(plus(ONE, timesI(x)))))),
  acot: (a) => FUNCTIONS["atan"]!(reciprocal(a)),
  asec: (a) => FUNCTIONS["acos"]!(reciprocal(a)),
  acsc: (a) => FUNCTIONS["asin"]!(reciprocal(a)),
  sinh: (a) => overI(sine(timesI(a))),
  cosh: (a) => cosine(timesI(a)),
  tanh: (a) => times(FUNCTIONS["sinh"]!(a), reciprocal(FUNCTIONS["cosh"]!(a))),
  asinh: (a) => logarithm(plus(a, squareRoot(plus(times(a, a), ONE)))),
  acosh: (a) => logarithm(plus(a, times(squareRoot(plus(a, ONE)), squareRoot(minus(a, ONE))))),
  atanh: (a) => times(exactly(0.5), minus(logarithm(plus(ONE, a)), logarithm(minus(ONE, a)))),
};

function inverse(a: Approximation, real: (x: number) => number, complex: (x: Approximation) => Approximation): Approximation {
  if (a.im === 0) {
    const value = real(a.re);
    if (!Number.isNaN(value)) {
      const slope = real === Math.atan ? 1 : 1 / Math.sqrt(Math.max(1e-16, 1 - a.re * a.re));
      return withError(value, 0, a.error * slope);
    }
  }
  return complex(a);
}

/** Γ on the real line (Lanczos, g = 7, nine terms; relative error below 1e-13). */
export function gamma(a: Approximation): Approximation {
  if (a.im !== 0 || (a.re <= 0 && Number.isInteger(a.re))) return UNDEFINED;
  const value = lanczos(a.re);
  return { re: value, im: 0, error: Math.abs(value) * (1e-13 + a.error * (1 + Math.abs(Math.log(Math.abs(a.re) + 1)))) };
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function lanczos(x: number): number {
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * lanczos(1 - x));
  const t = x + 6.5;
  let series = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) series += LANCZOS[i]! / (x - 1 + i);
  return Math.sqrt(2 * Math.PI) * Math.pow(t, x - 0.5) * Math.exp(-t) * series;
}
