/**
 * Whether two equations in several symbols have the same solutions. Math-Verify 0.9 lets SymPy solve both for the same
 * symbol and compares the answers; here both sides are followed to a root from seeded starting points: f = 0 and g = 0
 * describe one curve when g vanishes on the roots of f and f on those of g.
 */
import type { Expression } from "../tree/expression";
import {
  type Approximation,
  exactly,
  isDefined,
  magnitude,
  minus,
  plus,
  reciprocal,
  times,
} from "../evaluation/complex";
import { freeSymbols } from "../tree/structure";
import type { Comparison } from "./comparison";
import { pointOf, seededRandom, signed } from "./seeded-places";

const STARTS = 4;
const STEPS = 40;

/** Whether the zero sets of two functions of the same (two or more) symbols agree at seeded places. */
export function sameZeros(comparison: Comparison, f: Expression, g: Expression): boolean {
  const keysOf = (x: Expression): string[] => [...freeSymbols(comparison.budget, x).keys()].sort();
  const keys = keysOf(f);
  if (keys.length < 2 || keys.join() !== keysOf(g).join()) return false;
  let seen = false;
  for (const unknown of keys.slice(0, 3)) {
    const there = sharedRoots(comparison, f, g, unknown);
    const back = there < 0 ? there : sharedRoots(comparison, g, f, unknown);
    if (back < 0) return false;
    if (there > 0 && back > 0) seen = true;
  }
  return seen;
}

type Along = (place: Approximation) => Approximation;

/** How many roots of f along one of its symbols were found, all of them roots of g; -1 when one is not. */
function sharedRoots({ budget, calculator }: Comparison, f: Expression, g: Expression, unknown: string): number {
  const keys = [...freeSymbols(budget, f).keys()].sort();
  const random = seededRandom();
  let found = 0;
  for (let start = 0; start < STARTS * 2 && found < STARTS; start++) {
    const point = pointOf(keys, (key) => exactly(signed(random, 0.5, 1.7), key === unknown ? 0.3 * random() : 0));
    const along =
      (x: Expression): Along =>
      (place) =>
        calculator.approximate(x, point.set(unknown, place));
    const root = newton(along(f), point.get(unknown)!);
    if (root === null) continue;
    if (!vanishes(along(g), root)) return -1;
    found++;
  }
  return found;
}

/** Newton's iteration with a difference quotient; null when it does not settle. */
function newton(f: Along, start: Approximation): Approximation | null {
  let x = start;
  for (let i = 0; i < STEPS; i++) {
    const value = f(x);
    const h = 1e-6 * (1 + magnitude(x));
    const slope = times(minus(f(plus(x, exactly(h))), value), exactly(1 / h));
    const step = times(value, reciprocal(slope));
    const moved = minus(x, step);
    if (!isDefined(slope) || !isDefined(moved)) return magnitude(value) < 1e-12 ? x : null;
    x = exactly(moved.re, moved.im);
    if (magnitude(step) <= 1e-13 * (1 + magnitude(x))) return x;
  }
  return null;
}

/** Whether g is 0 there, judged against how fast it changes around. */
function vanishes(g: Along, x: Approximation): boolean {
  const value = g(x);
  const size = magnitude(value);
  return isDefined(value) && (size < 1e-13 || size <= 1e-7 * magnitude(g(plus(x, exactly(1e-3 * (1 + magnitude(x)))))));
}
