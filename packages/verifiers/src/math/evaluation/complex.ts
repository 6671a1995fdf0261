/**
 * Complex doubles with a running error bound: each value carries how far rounding may have moved it, so that "equal" and "unequal"
 * need no tuned tolerance (Higham, Accuracy and Stability of Numerical Algorithms, §3.3; first order, one unit roundoff per step).
 */
import { abs, acos, asin, atan, atan2, cos, cosh, exp, floor, hypot, isFinite, isInteger, isNaN, log, max, sin, sinh, sqrt } from "../floats";


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
export const rounded = (re: number, im = 0): Approximation => ({ re, im, error: U * hypot(re, im) });
export const magnitude = (a: Approximation): number => (a.im === 0 ? abs(a.re) : hypot(a.re, a.im));
export const isDefined = (a: Approximation): boolean => isFinite(a.re) && isFinite(a.im) && isFinite(a.error);
const withError = (re: number, im: number, error: number): Approximation => ({ re, im, error: error + U * hypot(re, im) });

export const plus = (a: Approximation, b: Approximation): Approximation => withError(a.re + b.re, a.im + b.im, a.error + b.error);

export const minus = (a: Approximation, b: Approximation): Approximation => withError(a.re - b.re, a.im - b.im, a.error + b.error);

export const times = (a: Approximation, b: Approximation): Approximation => {
  if (a.im === 0 && b.im === 0) {
    return { re: a.re * b.re, im: 0, error: abs(a.re) * b.error + abs(b.re) * a.error + U * abs(a.re * b.re) };
  }
  return withError(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, 2 * (magnitude(a) * b.error + magnitude(b) * a.error) + U * magnitude(a) * magnitude(b));
};

export const reciprocal = (a: Approximation): Approximation => {
  if (abs(a.re) === Infinity) return exactly(0);
  if (a.im === 0) return a.re === 0 ? UNDEFINED : withError(1 / a.re, 0, a.error / (a.re * a.re));
  const square = a.re * a.re + a.im * a.im;
  return withError(a.re / square, -a.im / square, (2 * a.error) / square);
};

export const exponential = (a: Approximation): Approximation => {
  const size = exp(a.re);
  if (a.im === 0) return { re: size, im: 0, error: size * (a.error + U) };
  return { re: size * cos(a.im), im: size * sin(a.im), error: size * (a.error + U * (2 + abs(a.im))) };
};

export const logarithm = (a: Approximation): Approximation => {
  const size = magnitude(a);
  if (size === 0) return UNDEFINED;
  return withError(log(size), a.im === 0 ? (a.re < 0 ? Math.PI : 0) : atan2(a.im, a.re), a.error / size);
};

/** Principal power; integer exponents by squaring, so that a real base stays real. */
export const raise = (base: Approximation, exponent: Approximation): Approximation => {
  if (exponent.im === 0 && exponent.error === 0 && isInteger(exponent.re) && abs(exponent.re) <= 1e6) return integerPower(base, exponent.re);
  const size = magnitude(base);
  if (size === 0) return exponent.re > 0 ? exactly(0) : UNDEFINED;
  if (base.im === 0 && base.re > 0 && exponent.im === 0) {
    const value = Math.pow(base.re, exponent.re);
    const relative = abs(exponent.re) * (base.error / base.re) + abs(log(base.re)) * exponent.error + U;
    return { re: value, im: 0, error: abs(value) * relative };
  }
  if (exponent.im === 0 && exponent.re === 0.5 && base.im === 0) {
    const value = sqrt(-base.re);
    return { re: 0, im: value, error: value * (base.error / abs(base.re) + U) };
  }
  return exponential(times(exponent, logarithm(base)));
};

const integerPower = (base: Approximation, k: number): Approximation => {
  if (k < 0) return reciprocal(integerPower(base, -k));
  if (base.im === 0) {
    const value = Math.pow(base.re, k);
    const relative = base.re === 0 ? 0 : (k * base.error) / abs(base.re);
    return { re: value, im: 0, error: k === 0 ? 0 : base.re === 0 && k === 1 ? base.error : abs(value) * (relative + U) };
  }
  let result = exactly(1);
  let factor = base;
  for (let n = k; n > 0; n = floor(n / 2)) {
    if (n % 2 === 1) result = times(result, factor);
    factor = times(factor, factor);
  }
  return result;
};

export const squareRoot = (a: Approximation): Approximation => raise(a, exactly(0.5));

export const sine = (a: Approximation): Approximation => {
  if (a.im === 0) return withError(sin(a.re), 0, a.error + U * abs(a.re));
  const grow = cosh(a.im);
  return withError(sin(a.re) * grow, cos(a.re) * sinh(a.im), grow * (a.error + U * abs(a.re)) + U * grow);
};

export const cosine = (a: Approximation): Approximation => {
  if (a.im === 0) return withError(cos(a.re), 0, a.error + U * abs(a.re));
  const grow = cosh(a.im);
  return withError(cos(a.re) * grow, -sin(a.re) * sinh(a.im), grow * (a.error + U * abs(a.re)) + U * grow);
};

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
  asin: (a) => inverse(a, asin, (x) => overI(logarithm(plus(timesI(x), squareRoot(minus(ONE, times(x, x))))))),
  acos: (a) => inverse(a, acos, (x) => minus(rounded(Math.PI / 2), FUNCTIONS["asin"]!(x))),
  atan: (a) => inverse(a, atan, (x) => times(exactly(0, 0.5), minus(logarithm(minus(ONE, timesI(x))), logarithm(plus(ONE, timesI(x)))))),
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

const inverse = (a: Approximation, real: (x: number) => number, complex: (x: Approximation) => Approximation): Approximation => {
  if (a.im === 0) {
    const value = real(a.re);
    if (!isNaN(value)) {
      const slope = real === atan ? 1 : 1 / sqrt(max(1e-16, 1 - a.re * a.re));
      return withError(value, 0, a.error * slope);
    }
  }
  return complex(a);
};

/** Γ on the real line (Lanczos, g = 7, nine terms; relative error below 1e-13). */
export const gamma = (a: Approximation): Approximation => {
  if (a.im !== 0 || (a.re <= 0 && isInteger(a.re))) return UNDEFINED;
  const value = lanczos(a.re);
  return { re: value, im: 0, error: abs(value) * (1e-13 + a.error * (1 + abs(log(abs(a.re) + 1)))) };
};

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

const lanczos = (x: number): number => {
  if (x < 0.5) return Math.PI / (sin(Math.PI * x) * lanczos(1 - x));
  const t = x + 6.5;
  let series = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) series += LANCZOS[i]! / (x - 1 + i);
  return sqrt(2 * Math.PI) * Math.pow(t, x - 0.5) * exp(-t) * series;
};
