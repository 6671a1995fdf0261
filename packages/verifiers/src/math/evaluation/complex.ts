/**
 * Complex doubles with a running error bound: each value carries how far rounding may have moved it, so that "equal"
 * and "unequal" need no tuned tolerance (Higham, Accuracy and Stability of Numerical Algorithms, §3.3; first order, one
 * unit roundoff per step).
 */

/** re + i·im, known to within `error`. */
export interface Approximation {
  readonly re: number;
  readonly im: number;
  readonly error: number;
}
type Unary = (a: Approximation) => Approximation;

/** Two roundoffs, as the elementary functions of a JavaScript engine may be one unit off. */
const U = 4.5e-16;

/** The real ones, which most are, take no root: that is several times faster. */
function sizeOf(re: number, im: number): number {
  return im === 0 ? Math.abs(re) : Math.hypot(re, im);
}

export function exactly(re: number, im = 0, error = 0): Approximation {
  return { re, im, error };
}
export function rounded(re: number, im = 0, error = 0): Approximation {
  return exactly(re, im, error + U * sizeOf(re, im));
}
export function magnitude(a: Approximation): number {
  return sizeOf(a.re, a.im);
}
export function isReal(a: Approximation): boolean {
  return a.im === 0;
}
export function isDefined(a: Approximation): boolean {
  return Number.isFinite(a.re + a.im + a.error);
}

/**
 * Whether two values agree to within rounding, or the distance that is overlooked. Undefined ones agree if they are the
 * same infinity.
 */
export function areClose(a: Approximation, b: Approximation, chop = 0): boolean {
  if (!isDefined(a) || !isDefined(b)) return isReal(a) && isReal(b) && a.re === b.re;
  return Math.hypot(a.re - b.re, a.im - b.im) <= Math.max(8 * (a.error + b.error), chop);
}

export const UNDEFINED = exactly(NaN, NaN, Infinity);
export const ONE = exactly(1);
const HALF = exactly(0.5);

export function plus(a: Approximation, b: Approximation): Approximation {
  return rounded(a.re + b.re, a.im + b.im, a.error + b.error);
}
export const negate: Unary = (a) => exactly(-a.re, -a.im, a.error);
export function minus(a: Approximation, b: Approximation): Approximation {
  return plus(a, negate(b));
}

export function times(a: Approximation, b: Approximation): Approximation {
  const error = magnitude(a) * b.error + magnitude(b) * a.error;
  return isReal(a) && isReal(b)
    ? rounded(a.re * b.re, 0, error)
    : rounded(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, 2 * error + U * magnitude(a) * magnitude(b));
}

export const reciprocal: Unary = (a) => {
  const square = a.re * a.re + a.im * a.im;
  if (Math.abs(a.re) === Infinity) return exactly(0);
  if (isReal(a)) return a.re ? rounded(1 / a.re, 0, a.error / square) : UNDEFINED;
  return rounded(a.re / square, -a.im / square, (2 * a.error) / square);
};

const exponential: Unary = (a) => {
  const size = Math.exp(a.re);
  return isReal(a)
    ? exactly(size, 0, size * (a.error + U))
    : exactly(size * Math.cos(a.im), size * Math.sin(a.im), size * (a.error + U * (2 + Math.abs(a.im))));
};

/** A -0 of the imaginary part counts as 0, so that the logarithm of a negative number has +π. */
export const logarithm: Unary = (a) => {
  const size = magnitude(a);
  return size ? rounded(Math.log(size), Math.atan2(a.im + 0, a.re), a.error / size) : UNDEFINED;
};

/** Principal power; integer exponents by squaring, so that a real base stays real. */
export function raise(base: Approximation, exponent: Approximation): Approximation {
  const { re, error } = exponent;
  if (isReal(exponent) && error === 0 && Number.isInteger(re)) return integerPower(base, re);
  const size = magnitude(base);
  if (size === 0) return re > 0 ? exactly(0) : UNDEFINED;
  if (isReal(base) && isReal(exponent) && (base.re > 0 || re === 0.5)) {
    const value = size ** re;
    const off = value * (Math.abs(re) * (base.error / size) + Math.abs(Math.log(size)) * error + U);
    return base.re > 0 ? exactly(value, 0, off) : exactly(0, value, off);
  }
  return exponential(times(exponent, logarithm(base)));
}

function integerPower(base: Approximation, k: number): Approximation {
  if (k < 0) return reciprocal(integerPower(base, -k));
  if (!k) return ONE;
  if (k === 1) return base;
  if (isReal(base)) {
    const value = base.re ** k;
    return exactly(value, 0, Math.abs(value) * ((k * base.error) / (Math.abs(base.re) || 1) + U));
  }
  const half = integerPower(base, Math.floor(k / 2));
  const square = times(half, half);
  return k % 2 ? times(square, base) : square;
}

const squareRoot: Unary = (a) => raise(a, HALF);

/** Of a sine or cosine: what it is on the real line, and what sinh brings in beside it. */
function wave(a: Approximation, real: number, across: number): Approximation {
  const grow = Math.cosh(a.im);
  return rounded(
    real * grow,
    isReal(a) ? 0 : across * Math.sinh(a.im),
    grow * (a.error + U * Math.abs(a.re)) + (isReal(a) ? 0 : U * grow),
  );
}
const sine: Unary = (a) => wave(a, Math.sin(a.re), Math.cos(a.re));
export const cosine: Unary = (a) => wave(a, Math.cos(a.re), -Math.sin(a.re));

function over(f: Unary, g: Unary): Unary {
  return (a) => times(f(a), reciprocal(g(a)));
}
function after(f: Unary, g: Unary): Unary {
  return (a) => f(g(a));
}
const timesI: Unary = (a) => exactly(-a.im, a.re, a.error);
/** f(ix)/i: what makes a sine of a hyperbolic one, and the reverse. */
function turned(f: Unary): Unary {
  return (a) => negate(timesI(f(timesI(a))));
}
const hyperbolicSine = turned(sine);
const hyperbolicCosine = after(cosine, timesI);
const hyperbolicArcsine: Unary = (a) => logarithm(plus(a, squareRoot(plus(times(a, a), ONE))));
const hyperbolicArctangent: Unary = (a) => times(HALF, minus(logarithm(plus(ONE, a)), logarithm(minus(ONE, a))));

/** An inverse function: through the real one where that has a value, as a real number then stays one. */
function inverse(real: (x: number) => number, slope: (x: number) => number, complex: Unary): Unary {
  return (a) => {
    const value = isReal(a) ? real(a.re) : NaN;
    return Number.isNaN(value) ? complex(a) : rounded(value, 0, a.error * slope(a.re));
  };
}
function slopeOfArcsine(x: number): number {
  return 1 / Math.sqrt(Math.max(1e-16, 1 - x * x));
}
const arcsine = inverse(Math.asin, slopeOfArcsine, turned(hyperbolicArcsine));
const arccosine = inverse(Math.acos, slopeOfArcsine, (a) => minus(rounded(Math.PI / 2), arcsine(a)));
const arctangent = inverse(Math.atan, () => 1, turned(hyperbolicArctangent));

/** sinh, cosh, tanh and the inverse functions through logarithms, with SymPy's principal branches. */
export const FUNCTIONS: Readonly<Record<string, Unary>> = {
  exp: exponential,
  sin: sine,
  cos: cosine,
  tan: over(sine, cosine),
  cot: over(cosine, sine),
  sec: after(reciprocal, cosine),
  csc: after(reciprocal, sine),
  asin: arcsine,
  acos: arccosine,
  atan: arctangent,
  acot: after(arctangent, reciprocal),
  asec: after(arccosine, reciprocal),
  acsc: after(arcsine, reciprocal),
  sinh: hyperbolicSine,
  cosh: hyperbolicCosine,
  tanh: over(hyperbolicSine, hyperbolicCosine),
  asinh: hyperbolicArcsine,
  acosh: (a) => logarithm(plus(a, times(squareRoot(plus(a, ONE)), squareRoot(minus(a, ONE))))),
  atanh: hyperbolicArctangent,
};

/** Γ on the real line; relative error below 1e-13. */
export const gamma: Unary = (a) => {
  if (!isReal(a) || (a.re <= 0 && Number.isInteger(a.re))) return UNDEFINED;
  const value = realGamma(a.re);
  return exactly(value, 0, Math.abs(value) * (1e-13 + a.error * (1 + Math.abs(Math.log(Math.abs(a.re) + 1)))));
};

/** Stirling's series far out, from where the recurrence and the reflection formula lead back (DLMF 5.5, 5.11). */
function realGamma(x: number): number {
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * realGamma(1 - x));
  if (x < 50) return realGamma(x + 1) / x;
  return (
    Math.sqrt(2 * Math.PI) * x ** (x - 0.5) * Math.exp(1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - x)
  );
}
