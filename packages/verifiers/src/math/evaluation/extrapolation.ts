/**
 * Values that a sequence tends to, by Richardson's extrapolation (Joyce, SIAM Review 13, 1971).
 */
import { isNaN, sign } from "../floats";
import { type Approximation, UNDEFINED, exactly, isDefined, magnitude, minus, plus, times } from "./complex";

/**
 * Partial sums until the terms fall below rounding; a series that converges more slowly, like Σ 1/k², by Richardson's extrapolation of
 * the partial sums over 16, 32, .. 1024 terms. Terms of one sign that never get small enough make it infinite.
 */
export const infiniteSum = (term: (k: number) => Approximation, from: number): Approximation => {
  let total = exactly(0);
  let small = 0;
  const doublings: Approximation[] = [];
  for (let k = from, next = 16; k < from + 1024; k++) {
    const value = term(k);
    if (!isDefined(value)) return UNDEFINED;
    total = plus(total, value);
    small = magnitude(value) <= 1e-17 * (1 + magnitude(total)) ? small + 1 : 0;
    if (small >= 5) return total;
    if (k - from + 1 === next) {
      doublings.push(total);
      next *= 2;
    }
  }
  const limit = extrapolate(doublings);
  const [last, before] = [doublings.at(-1)!.re, doublings.at(-2)!.re];
  // Twice as many terms add no less than the time before: as with 1/k, and faster.
  return isNaN(limit.re) && total.im === 0 && (last - before) / (before - doublings.at(-3)!.re) > 0.999 ? exactly(sign(last) * Infinity) : limit;
};

/** The limit of values whose distance to it is a power series in a step that halves each time; undefined when they do not settle. */
export const extrapolate = (values: readonly Approximation[]): Approximation => {
  let row: Approximation[] = [];
  values.forEach((value, k) => {
    const next = [value];
    for (let j = 1; j <= k; j++) {
      const factor = 2 ** j;
      const sharper = minus(times(exactly(factor), next[j - 1]!), row[j - 1]!);
      next.push(times(sharper, exactly(1 / (factor - 1))));
    }
    row = next;
  });
  const best = row[row.length - 1]!;
  const gap = magnitude(minus(best, row[row.length - 2]!));
  if (!isDefined(best) || !(gap < 1e-7 * (1 + magnitude(best)))) return UNDEFINED;
  return { re: best.re, im: best.im, error: best.error + 10 * gap + 1e-10 };
};
