/**
 * Whether two trees have the same value. Exact arithmetic decides where it can (constants, and rational functions at random
 * rational points); elsewhere the trees are evaluated at seeded random points with error bounds, and must agree at all of them.
 * A polynomial identity that fails agrees at a random point with probability below degree / 10^4 (Schwartz-Zippel), and there are
 * several points. This stands for `simplify(a - b) == 0` and `(a - b).evalf(chop=True) == 0` of Math-Verify 0.9.
 */
import { attemptWithin } from "../budget";
import { abs, floor, hypot, isInteger, max, min } from "../floats";
import {
  type BinderNode,
  type Expression,
  childrenOf,
  same,
  isAdd,
  isArithmetic,
  isFunction,
  isIntegral,
  isNumber,
  isPercent,
  isPow,
  isSeries,
} from "../expression";
import { differentiate } from "../evaluation/calculus";
import { type Approximation, exactly, isDefined, magnitude } from "../evaluation/complex";
import { OUT_OF_REACH, evaluateExactly, exactValue } from "../evaluation/exact";
import { SYMBOLIC, approximate } from "../evaluation/numeric";
import { generator } from "../random";
import { equal, fromNumber, integer, rational, subtract, toNumber } from "../rational";
import { endsOf, exponentOf, freeSymbols, symbolKey } from "../structure";
import { floatInside, holdsFloat, sameDouble } from "./doubles";
import { sameLargeConstant, sameResidues } from "./large-constants";
import { asDerived, tangentsMeet } from "./simplification";

/** Below this distance the reference takes two irrational constants for equal, however small they are: 2^-49. */
const CHOP = 2 ** -49;
/** Of two doubles. */
const FLOAT_CHOP = 2 ** -55;
const POINTS = 7;

/** Random numbers, begun anew by `startRandom`. */
export let random = generator(0);
export const startRandom = (): void => {
  random = generator(0x5eed);
};

/** A random number whose size is between `least` and `least + range`. */
export const signed = (least: number, range: number): number => (least + range * random()) * (random() < 0.5 ? 1 : -1);

/** A place for every symbol. */
export const pointOf = <T>(keys: Iterable<string>, place: (key: string, nth: number) => T): Map<string, T> =>
  new Map([...keys].map((key, nth) => [key, place(key, nth)]));

/** Whether two constants agree to within rounding. */
const closeTo = (a: Approximation, b: Approximation, chop = 0): boolean => {
  if (!isDefined(a) || !isDefined(b)) return a.im === 0 && b.im === 0 && a.re === b.re;
  return hypot(a.re - b.re, a.im - b.im) <= max(8 * (a.error + b.error), chop);
};

/**
 * Whether `a` and `b` are equal wherever both are defined.
 *
 * @param precision significant digits for constants: fewer than 15 widen the distance that counts as equal
 * @throws BudgetError
 */
export const sameValue = (a: Expression, b: Expression, precision: number): boolean => {
  const symbols = freeSymbols(b, freeSymbols(a));
  if (symbols.size === 0) return sameConstant(a, b, precision);
  if (isIntegral(a) && !a.lower) return isPrimitive(b, a);
  if (isIntegral(b) && !b.lower) return isPrimitive(a, b);
  return asDerived(b, a) && asDerived(a, b) && sameFunction(a, b, symbols);
};

/** Whether f is the indefinite integral as the reference gives it, without a constant. */
const isPrimitive = (f: Expression, x: BinderNode): boolean => {
  if (isIntegral(f)) return same(f.body, x.body) && same(f.variable, x.variable);
  const slope = differentiate(f, x.variable);
  if (isAdd(f) && f.args.some((term) => !freeSymbols(term).has(symbolKey(x.variable)))) return false;
  const symbols = freeSymbols(x.body, freeSymbols(slope));
  return symbols.size === 0 ? sameConstant(slope, x.body, 15) : sameFunction(slope, x.body, symbols);
};

const sameConstant = (a: Expression, b: Expression, precision: number): boolean => {
  const x = exactValue(a);
  const y = exactValue(b);
  const atomic = isNumber(a) || isNumber(b);
  const chop = atomic ? 0 : max(CHOP, 10 ** -(precision + 0.3));
  const large = (): boolean => sameLargeConstant(a, b, (p, q) => closeTo(p, q, chop));
  if (x === OUT_OF_REACH || y === OUT_OF_REACH) return large();
  if (x && y && !holdsFloat(a) && !holdsFloat(b)) return equal(x, y) || abs(toNumber(subtract(x, y))) <= chop;
  const [p, q] = [attemptWithin(0.5, () => approximate(a)), attemptWithin(0.5, () => approximate(b))];
  if (!p || !q) return large();
  if (x && y) return sameDouble(a, b, atomic ? 0 : FLOAT_CHOP) ?? closeTo(p, q);
  // ln 8.6 is a double to the reference and ln(43/5) is not: they differ by rounding, and from about 2 on by more than it overlooks.
  if (floatInside(a) !== floatInside(b) && magnitude(p) >= 2) return false;
  if (isOverflow(p) || isOverflow(q)) return large();
  return closeTo(p, q, chop);
};

/** Infinite, or too large for a double. */
const isOverflow = ({ re }: Approximation): boolean => abs(re) === Infinity;

type Symbols = ReturnType<typeof freeSymbols>;

const sameFunction = (a: Expression, b: Expression, symbols: Symbols): boolean => {
  if (!tangentsMeet(a, b) || !tangentsMeet(b, a)) return false;
  const whole = integerSymbols(b, integerSymbols(a));
  startRandom();
  let agreed = 0;
  for (let i = 0; i < POINTS; i++) {
    const point = pointOf(symbols.keys(), (key, nth) => {
      if (whole.has(key)) return exactly(wholePlace());
      const size = signed(0.4, 1.9);
      if (!symbols.get(key)!.real) return exactly(size, signed(0.4, 1.9));
      // Signs go through all plus, all minus and both alternations before they are drawn, so that both sides of a branch are seen:
      // √x·√y and √(xy) differ only where both are negative.
      return exactly(i > 3 ? size : abs(size) * (-1) ** (i > 1 ? i + nth : i));
    }).set(SYMBOLIC, exactly(0));
    const [p, q] = [approximate(a, point), approximate(b, point)];
    if (!isDefined(p) || !isDefined(q)) continue;
    if (!closeTo(p, q, 1e-15 * min(1, magnitude(p)))) return false;
    agreed++;
    // Rational functions are settled exactly; the first point has already thrown out nearly all that differ.
    if (agreed === 1 && isAlgebraic(a) && isAlgebraic(b)) {
      const exact = sameRationalFunction(a, b, symbols, whole);
      if (exact !== null) return exact;
    }
  }
  // Beyond doubles at most places: 2^20000·x.
  return agreed > 1 || sameResidues(a, b) === true;
};

const wholePlace = (): number => 2 + floor(random() * 7);

/** Null where a point has no value. */
const sameRationalFunction = (a: Expression, b: Expression, symbols: Symbols, whole: Symbols): boolean | null => {
  for (let i = 0; i < 2; i++) {
    const point = pointOf(symbols.keys(), (key) =>
      whole.has(key) ? integer(wholePlace()) : rational(BigInt(floor(signed(1009, 8999))), 97n),
    );
    const [x, y] = [evaluateExactly(a, point), evaluateExactly(b, point)];
    if (!x || !y) return null;
    if (!equal(x, y)) return false;
  }
  // The coefficients of the highest and of the lowest power must be the same doubles.
  return (
    (!holdsFloat(a) && !holdsFloat(b)) ||
    [200, -200].every(
      (power) =>
        sameDouble(
          a,
          b,
          0,
          pointOf(symbols.keys(), (_, i) => fromNumber(2 ** (power + 7 * i))),
        ) !== false,
    )
  );
};

/** Only + − · / and integer powers: what rational points can settle. */
const isAlgebraic = (x: Expression): boolean =>
  (isPow(x) ? isInteger(exponentOf(x)) && abs(exponentOf(x)) < 64 : isArithmetic(x) || isPercent(x)) &&
  childrenOf(x).every(isAlgebraic);

/** Symbols that stand where only whole numbers make sense: bounds of sums and products, factorials, binomials. */
const integerSymbols = (x: Expression, found: Symbols = new Map()): Symbols => {
  const whole = isSeries(x) ? endsOf(x) : isFunction(x) && /^(factorial|binomial)$/.test(x.name) ? x.args : [];
  for (const part of whole) freeSymbols(part, found);
  for (const part of childrenOf(x)) integerSymbols(part, found);
  return found;
};
