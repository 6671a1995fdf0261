/**
 * Integrals by the double exponential rule (Takahasi and Mori 1974): x = tanh(π/2·sinh t), summed over evenly spaced t.
 * It does not mind what happens at the ends: ln x and 1/√x at 0, √(1-x²) at 1.
 */
import { type Approximation, UNDEFINED, exactly, isDefined, negate, plus, times } from "./complex";
import { settled } from "./extrapolation";

/** The integral of f; beyond 1 an infinite range is brought to 0..1 by x = 1/t. Undefined where it does not settle. */
export function definite(f: (x: number) => Approximation, from: number, to: number): Approximation {
  if (from > to) return negate(definite(f, to, from));
  if (from < 0 && to === Infinity) return plus(definite(f, from, 0), definite(f, 0, to));
  if (from === -Infinity) return definite((x) => f(-x), -to, Infinity);
  if (to === Infinity)
    return plus(
      quadrature(f, from, from + 1),
      quadrature((t) => times(exactly(1 / (t * t)), f(from + 1 / t)), 0, 1),
    );
  return quadrature(f, from, to);
}

/** Halves the step until two sums agree; undefined when they do not. */
function quadrature(f: (x: number) => Approximation, from: number, to: number): Approximation {
  let sum = exactly(0);
  let before = UNDEFINED;
  for (let step = 0.5, start = 0; step > 0.01; step /= 2, start = step) {
    for (let t = start; t < 3.4; t += start ? 2 * step : step) {
      const reach = (Math.PI / 2) * Math.sinh(t);
      const gap = (to - from) / (Math.exp(2 * reach) + 1);
      // The middle is both its places.
      const weight = exactly((Math.PI * (to - from) * Math.cosh(t)) / Math.cosh(reach) ** 2 / (t ? 4 : 8));
      for (const place of [from + gap, to - gap]) {
        if (place === from || place === to) continue;
        const value = times(weight, f(place));
        if (!isDefined(value)) return UNDEFINED;
        sum = plus(sum, value);
      }
    }
    const total = times(sum, exactly(step));
    const value = settled(total, before, 1e-9, 1, 1e-13);
    if (isDefined(value)) return value;
    before = total;
  }
  return UNDEFINED;
}
