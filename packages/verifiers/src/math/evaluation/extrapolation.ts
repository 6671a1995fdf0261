/**
 * Values that a sequence tends to, by Richardson's extrapolation (Joyce, SIAM Review 13, 1971).
 */
import type { Budget } from "../budget";
import { type Approximation, UNDEFINED, exactly, isDefined, isReal, magnitude, minus, plus, times } from "./complex";

/** A value within the tolerance of the previous one, with a multiple of their distance as its error; else undefined. */
export function settled(
  value: Approximation,
  before: Approximation,
  tolerance: number,
  gaps: number,
  more: number,
): Approximation {
  const gap = magnitude(minus(value, before));
  return gap < tolerance * (1 + magnitude(value))
    ? exactly(value.re, value.im, value.error + gaps * gap + more)
    : UNDEFINED;
}

/**
 * Partial sums until the terms fall below rounding; a series that converges more slowly, like Σ 1/k², by Richardson's
 * extrapolation of the partial sums over 16, 32, .. 1024 terms. Terms of one sign that never get small enough make it
 * infinite.
 */
export function infiniteSum(budget: Budget, term: (k: number) => Approximation, from: number): Approximation {
  let total = exactly(0);
  let small = 0;
  const doublings: Approximation[] = [];
  for (let k = 1; k <= 1024; k++) {
    const value = term(from + k - 1);
    if (!isDefined(value)) return UNDEFINED;
    total = plus(total, value);
    small = magnitude(value) <= 1e-17 * (1 + magnitude(total)) ? small + 1 : 0;
    if (small > 4) return total;
    if (k > 8 && !(k & (k - 1))) doublings.push(total);
  }
  const limit = extrapolate(budget, doublings);
  const [third, second, last] = doublings.slice(-3) as [Approximation, Approximation, Approximation];
  // Twice as many terms add no less than the time before: as with 1/k, and faster.
  const grows = (last.re - second.re) / (second.re - third.re) > 0.999;
  return Number.isNaN(limit.re) && isReal(total) && grows ? exactly(last.re * Infinity) : limit;
}

/**
 * The limit of values whose distance to it is a power series in a step that halves each time; undefined when they do
 * not settle.
 */
export function extrapolate(budget: Budget, values: readonly Approximation[]): Approximation {
  budget.spend(values.length ** 2);
  let row: Approximation[] = [];
  for (const value of values) {
    const next = [value];
    row.forEach((before, j) =>
      next.push(times(minus(times(exactly(2 ** (j + 1)), next[j]!), before), exactly(1 / (2 ** (j + 1) - 1)))),
    );
    row = next;
  }
  return settled(row.at(-1)!, row.at(-2)!, 1e-7, 10, 1e-10);
}

/**
 * The value that f(place ± h) tends to, by Richardson's extrapolation over h = 2^-3 .. 2^-12; undefined when it does
 * not settle.
 */
export function limitAt(
  budget: Budget,
  f: (place: number) => Approximation,
  place: number,
  direction: number,
): Approximation {
  const isPlace = Number.isFinite(place);
  const direct = isPlace ? f(place) : UNDEFINED;
  if (isDefined(direct)) return direct;
  const at = (h: number): Approximation => f(isPlace ? place + direction * h : Math.sign(place) / h);
  const close = extrapolate(
    budget,
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((k) => at(2 ** -k)),
  );
  if (isDefined(close)) return close;
  // What tends slowly is there far out; what grows without bound has a sign there.
  const [near, far] = [at(1e-30), at(1e-60)];
  if (isReal(far) && Math.abs(far.re) > 2 * Math.abs(near.re) && Math.abs(near.re) > 1e9)
    return exactly(far.re * Infinity);
  return settled(far, near, 1e-12, 1, 0);
}
