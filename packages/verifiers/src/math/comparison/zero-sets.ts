/**
 * Whether two equations in several symbols have the same solutions. Math-Verify 0.9 lets SymPy solve both for the same symbol and
 * compares the answers; here both sides are followed to a root from seeded starting points: f = 0 and g = 0 describe one curve
 * when g vanishes on the roots of f and f on those of g.
 */
import type { Expression } from "../expression";
import { type Approximation, exactly, isDefined, magnitude, minus, plus, reciprocal, times } from "../evaluation/complex";
import { approximate } from "../evaluation/numeric";
import { generator } from "../random";
import { freeSymbols } from "../structure";

const STARTS = 4;
const STEPS = 40;

/** Whether the zero sets of two functions of the same (two or more) symbols agree at seeded places. */
export const sameZeros = (f: Expression, g: Expression): boolean => {
  const symbols = freeSymbols(f);
  const others = freeSymbols(g);
  if (symbols.size < 2 || symbols.size !== others.size) return false;
  for (const key of symbols.keys()) if (!others.has(key)) return false;
  const keys = [...symbols.keys()].sort();
  let seen = 0;
  for (const unknown of keys.slice(0, 3)) {
    const there = vanishesOnRoots(f, g, keys, unknown);
    const back = there === false ? false : vanishesOnRoots(g, f, keys, unknown);
    if (there === false || back === false) return false;
    if (there === true && back === true) seen++;
  }
  return seen > 0;
};

/** true when every root of f found is one of g, false when one is not, null when no root was found. */
const vanishesOnRoots = (f: Expression, g: Expression, keys: readonly string[], unknown: string): boolean | null => {
  const random = generator(0xc0ffee);
  let found = 0;
  for (let start = 0; start < STARTS * 2 && found < STARTS; start++) {
    const point = new Map<string, Approximation>();
    for (const key of keys) point.set(key, exactly((random() < 0.5 ? -1 : 1) * (0.5 + 1.7 * random()), key === unknown ? 0.3 * random() : 0));
    const root = newton(f, point, unknown);
    if (root === null) continue;
    found++;
    point.set(unknown, root);
    if (!vanishes(g, point, unknown)) return false;
  }
  return found === 0 ? null : true;
};

const at = (f: Expression, point: Map<string, Approximation>, unknown: string, place: Approximation): Approximation => approximate(f, point.set(unknown, place));

/** Newton's iteration with a difference quotient; null when it does not settle. */
const newton = (f: Expression, point: Map<string, Approximation>, unknown: string): Approximation | null => {
  let x = { ...point.get(unknown)!, error: 0 };
  for (let i = 0; i < STEPS; i++) {
    const value = at(f, point, unknown, x);
    if (!isDefined(value)) return null;
    const h = 1e-6 * (1 + magnitude(x));
    const slope = times(minus(at(f, point, unknown, plus(x, exactly(h))), value), exactly(1 / h));
    if (!isDefined(slope) || magnitude(slope) === 0) return magnitude(value) < 1e-12 ? x : null;
    const step = times(value, reciprocal(slope));
    const moved = minus(x, step);
    if (!isDefined(moved)) return null;
    x = { re: moved.re, im: moved.im, error: 0 };
    if (magnitude(step) <= 1e-13 * (1 + magnitude(x))) return x;
  }
  return null;
};

/** Whether g is 0 there, judged against how fast it changes around. */
const vanishes = (g: Expression, point: Map<string, Approximation>, unknown: string): boolean => {
  const x = point.get(unknown)!;
  const value = at(g, point, unknown, x);
  if (!isDefined(value)) return false;
  const h = 1e-3 * (1 + magnitude(x));
  const beside = magnitude(at(g, point, unknown, plus(x, exactly(h))));
  point.set(unknown, x);
  return magnitude(value) <= 1e-7 * beside || magnitude(value) < 1e-13;
};
