/**
 * Whether two trees with symbols have the same value wherever both are defined. They are evaluated at seeded random
 * points with error bounds, and must agree at all of them. Rational functions are settled exactly, at random rational
 * points: a polynomial identity that fails agrees at one with probability below degree / 10^4 (Schwartz-Zippel).
 */
import { SYMBOLIC } from "../evaluation/numeric";
import { type Approximation, areClose, exactly, isDefined, magnitude } from "../evaluation/complex";
import { type Expression, isArithmetic, isFunction, isPercent, isPow, isSeries } from "../tree/expression";
import { endsOf, exponentOf, freeSymbols } from "../tree/structure";
import { childrenOf } from "../tree/traversal";
import type { Budget } from "../budget";
import type { Random } from "../random";
import { equal, fromNumber, integer, rational } from "../rational";
import type { Comparison } from "./comparison";
import { holdsFloat, sameDouble } from "./doubles";
import { sameResidues } from "./large-constants";
import { pointOf, seededRandom, signed } from "./seeded-places";
import { tangentsMeet } from "./simplification";

const POINTS = 7;
/** The largest power of a rational function that is settled exactly, plus one. */
const MAX_POWER = 64;

export type Symbols = ReturnType<typeof freeSymbols>;

/**
 * @param symbols of both trees
 * @throws BudgetError
 */
export function sameFunction(comparison: Comparison, a: Expression, b: Expression, symbols: Symbols): boolean {
  const { budget, calculator } = comparison;
  if (!tangentsMeet(a, b) || !tangentsMeet(b, a)) return false;
  const whole = integerSymbols(budget, b, integerSymbols(budget, a));
  const random = seededRandom();
  let agreed = 0;
  for (let i = 0; i < POINTS; i++) {
    const point = pointOf(symbols.keys(), (key, nth): Approximation => {
      if (whole.has(key)) return exactly(wholePlace(random));
      const size = signed(random, 0.4, 1.9);
      if (!symbols.get(key)!.real) return exactly(size, signed(random, 0.4, 1.9));
      // Signs go through all plus, all minus and both alternations before they are drawn, so that both sides of a
      // branch are seen: √x·√y and √(xy) differ only where both are negative.
      return exactly(i > 3 ? size : Math.abs(size) * (-1) ** (i > 1 ? i + nth : i));
    }).set(SYMBOLIC, exactly(0));
    const [p, q] = [calculator.approximate(a, point), calculator.approximate(b, point)];
    if (!isDefined(p) || !isDefined(q)) continue;
    if (!areClose(p, q, 1e-15 * Math.min(1, magnitude(p)))) return false;
    agreed++;
    // The first point has already thrown out nearly all that differ.
    if (agreed === 1 && isAlgebraic(a) && isAlgebraic(b)) {
      const exact = sameRationalFunction(comparison, a, b, { symbols, whole, random });
      if (exact !== null) return exact;
    }
  }
  // Beyond doubles at most places: 2^20000·x.
  return agreed > 1 || sameResidues(calculator, a, b) === true;
}

function wholePlace(random: Random): number {
  return 2 + Math.floor(random() * 7);
}

/** Where a rational function is looked at. */
interface RationalPlaces {
  readonly symbols: Symbols;
  /** Those of the symbols that stand for whole numbers. */
  readonly whole: Symbols;
  readonly random: Random;
}

/** Null where a point has no value. */
function sameRationalFunction(
  comparison: Comparison,
  a: Expression,
  b: Expression,
  { symbols, whole, random }: RationalPlaces,
): boolean | null {
  const { budget, calculator } = comparison;
  for (let i = 0; i < 2; i++) {
    const point = pointOf(symbols.keys(), (key) =>
      whole.has(key) ? integer(wholePlace(random)) : rational(BigInt(Math.floor(signed(random, 1009, 8999))), 97n),
    );
    const [x, y] = [calculator.evaluateExactly(a, point), calculator.evaluateExactly(b, point)];
    if (!x || !y) return null;
    if (!equal(x, y)) return false;
  }
  if (!holdsFloat(budget, a) && !holdsFloat(budget, b)) return true;
  // The coefficients of the highest and of the lowest power must be the same doubles.
  return [200, -200].every((power) => {
    const far = pointOf(symbols.keys(), (_, i) => fromNumber(2 ** (power + 7 * i)));
    return sameDouble(comparison, a, b, 0, far) !== false;
  });
}

/** Only + − · / and integer powers: what rational points can settle. */
function isAlgebraic(x: Expression): boolean {
  if (isPow(x)) {
    const exponent = exponentOf(x);
    if (!Number.isInteger(exponent) || Math.abs(exponent) >= MAX_POWER) return false;
  } else if (!isArithmetic(x) && !isPercent(x)) {
    return false;
  }
  return childrenOf(x).every(isAlgebraic);
}

/** Symbols that stand where only whole numbers make sense: bounds of sums and products, factorials, binomials. */
function integerSymbols(budget: Budget, x: Expression, found: Symbols = new Map()): Symbols {
  const whole = isSeries(x) ? endsOf(x) : isFunction(x) && /^(factorial|binomial)$/.test(x.name) ? x.args : [];
  for (const part of whole) freeSymbols(budget, part, found);
  for (const part of childrenOf(x)) integerSymbols(budget, part, found);
  return found;
}
