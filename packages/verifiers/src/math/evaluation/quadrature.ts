/**
 * Integrals by the double exponential rule (Takahasi and Mori 1974): x = tanh(π/2·sinh t), summed over evenly spaced t. It does not mind
 * what happens at the ends: ln x and 1/√x at 0, √(1-x²) at 1.
 */
import { cosh, exp, sinh } from "../floats";
import { type Approximation, UNDEFINED, exactly, isDefined, magnitude, minus, plus, times } from "./complex";

/** The integral of f; beyond 1 an infinite range is brought to 0..1 by x = 1/t. Undefined where it does not settle. */
export const definite = (f: (x: number) => Approximation, from: number, to: number): Approximation => {
  if (from > to) return times(exactly(-1), definite(f, to, from));
  if (from < 0 && to === Infinity) return plus(definite(f, from, 0), definite(f, 0, to));
  if (from === -Infinity) return definite((x) => f(-x), -to, Infinity);
  if (to < Infinity) return quadrature(f, from, to);
  return plus(quadrature(f, from, from + 1), quadrature((t) => times(exactly(1 / (t * t)), f(from + 1 / t)), 0, 1));
};

/** Halves the step until two sums agree; undefined when they do not. */
const quadrature = (f: (x: number) => Approximation, from: number, to: number): Approximation => {
  const half = (to - from) / 2;
  let sum = exactly(0);
  let before = UNDEFINED;
  for (let step = 0.5, odd = false; step > 0.01; step /= 2, odd = true) {
    for (let t = odd ? step : 0; t < 3.4; t += odd ? 2 * step : step) {
      const reach = (Math.PI / 2) * sinh(t);
      const gap = 1 / (exp(2 * reach) + 1);
      const weight = exactly((Math.PI * half * cosh(t)) / cosh(reach) ** 2 / 2);
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
};
