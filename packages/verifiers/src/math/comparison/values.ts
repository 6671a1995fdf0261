/**
 * Whether two trees have the same value. Exact arithmetic decides where it can (constants, and rational functions at random
 * rational points); elsewhere the trees are evaluated at seeded random points with error bounds, and must agree at all of them.
 * A polynomial identity that fails agrees at a random point with probability below degree / 10^4 (Schwartz-Zippel), and there are
 * several points. This stands for `simplify(a - b) == 0` and `(a - b).evalf(chop=True) == 0` of Math-Verify 0.9.
 */
import { abs, floor, hypot, max, min } from "../floats";
import { type BinderNode, type Expression, childrenOf, same, isIntegral, isDerivative, isAdd, isNumber, isFunction } from "../expression";
import { differentiate } from "../evaluation/calculus";
import { type Approximation, exactly, isDefined, magnitude } from "../evaluation/complex";
import { evaluateExactly } from "../evaluation/exact";
import { SYMBOLIC, approximate } from "../evaluation/numeric";
import { generator } from "../random";
import { type Rational, equal, fromNumber, integer, rational, subtract, toNumber } from "../rational";
import { freeSymbols, symbolKey } from "../structure";
import { floatInside, holdsFloat, sameDouble } from "./doubles";
import { asDerived, tangentsMeet } from "./simplification";

/** Below this distance the reference takes two irrational constants for equal, however small they are: 2^-49. */
const CHOP = 2 ** -49;
/** Of two doubles. */
const FLOAT_CHOP = 2 ** -55;
const POINTS = 7;
const NOWHERE = new Map<string, never>();

/** Whether two constants agree to within rounding. */
export const closeTo = (a: Approximation, b: Approximation, chop = 0): boolean => {
  if (!isDefined(a) || !isDefined(b)) return a.im === 0 && b.im === 0 && a.re === b.re;
  const distance = hypot(a.re - b.re, a.im - b.im);
  return distance <= max(8 * (a.error + b.error), chop);
};

/**
 * Whether `a` and `b` are equal wherever both are defined.
 *
 * @param precision significant digits for constants: fewer than 15 widen the distance that counts as equal
 * @throws BudgetError
 */
export const sameValue = (a: Expression, b: Expression, precision: number): boolean => {
  const symbols = freeSymbols(a);
  freeSymbols(b, symbols);
  if (symbols.size === 0) return sameConstant(a, b, precision);
  if (isIntegral(a) && a.lower === null) return isPrimitive(b, a);
  if (isIntegral(b) && b.lower === null) return isPrimitive(a, b);
  if ((isDerivative(a) && !asDerived(b, a)) || (isDerivative(b) && !asDerived(a, b))) return false;
  return sameFunction(a, b, symbols);
};

/** Whether f is the indefinite integral as the reference gives it, without a constant. */
const isPrimitive = (f: Expression, x: BinderNode): boolean => {
  if (isIntegral(f)) return same(f.body, x.body) && same(f.variable, x.variable);
  const key = symbolKey(x.variable);
  const slope = differentiate(f, x.variable);
  if (slope === null || (isAdd(f) && f.args.some((term) => !freeSymbols(term).has(key)))) return false;
  const symbols = freeSymbols(slope);
  freeSymbols(x.body, symbols);
  return symbols.size === 0 ? sameConstant(slope, x.body, 15) : sameFunction(slope, x.body, symbols);
};

const sameConstant = (a: Expression, b: Expression, precision: number): boolean => {
  const [x, y] = [evaluateExactly(a, null), evaluateExactly(b, null)];
  const [p, q] = [approximate(a, NOWHERE), approximate(b, NOWHERE)];
  const atomic = isNumber(a) || isNumber(b);
  const chop = atomic ? 0 : max(CHOP, 10 ** -(precision + 0.3));
  if (x !== null && y !== null) {
    if (!holdsFloat(a, b)) return equal(x, y) || abs(toNumber(subtract(x, y))) <= chop;
    return sameDouble(a, b, NOWHERE, atomic ? 0 : FLOAT_CHOP) ?? closeTo(p, q);
  }
  // ln 8.6 is a double to the reference and ln(43/5) is not: they differ by rounding, and from about 2 on by more than it overlooks.
  if (floatInside(a) !== floatInside(b) && magnitude(p) >= 2) return false;
  return closeTo(p, q, chop);
};

const sameFunction = (a: Expression, b: Expression, symbols: ReadonlyMap<string, boolean>): boolean => {
  if (!tangentsMeet(a, b) || !tangentsMeet(b, a)) return false;
  const whole = integerSymbols(a);
  for (const name of integerSymbols(b)) whole.add(name);
  const random = generator(0x5eed);
  let agreed = 0;
  for (let i = 0; i < POINTS; i++) {
    const point = new Map<string, Approximation>([[SYMBOLIC, exactly(0)]]);
    let nth = 0;
    for (const [key, real] of symbols) {
      const place = whole.has(key) ? exactly(2 + floor(random() * 7)) : real ? realPlace(random, i, nth) : exactly(spread(random), spread(random));
      point.set(key, place);
      nth++;
    }
    const [p, q] = [approximate(a, point), approximate(b, point)];
    if (!isDefined(p) || !isDefined(q)) continue;
    if (!closeTo(p, q, 1e-15 * min(1, magnitude(p)))) return false;
    agreed++;
    // Rational functions are settled exactly; the first point has already thrown out nearly all that differ.
    if (agreed === 1) {
      const exact = sameRationalFunction(a, b, symbols, whole, random);
      if (exact !== null) return exact;
    }
  }
  return agreed >= 2;
};

/**
 * A real place for the nth symbol at the ith point. The signs go through all plus, all minus and both alternations before they are drawn,
 * so that both sides of a branch are seen: √x·√y and √(xy) differ only where both are negative.
 */
const realPlace = (random: () => number, i: number, nth: number): Approximation => {
  const size = 0.4 + 1.9 * random();
  const drawn = random() < 0.5;
  const plus = i === 0 || (i === 2 && nth % 2 === 0) || (i === 3 && nth % 2 === 1) || (i > 3 && drawn);
  return exactly(plus ? size : -size);
};

const spread = (random: () => number): number => (random() < 0.5 ? -1 : 1) * (0.3 + 1.5 * random());

const sameRationalFunction = (
  a: Expression,
  b: Expression,
  symbols: ReadonlyMap<string, boolean>,
  whole: ReadonlySet<string>,
  random: () => number,
): boolean | null => {
  if (!isAlgebraic(a) || !isAlgebraic(b)) return null;
  for (let i = 0; i < 2; i++) {
    const point = new Map<string, Rational>();
    for (const key of symbols.keys()) point.set(key, whole.has(key) ? integer(2 + floor(random() * 7)) : fraction(random));
    const [x, y] = [evaluateExactly(a, point), evaluateExactly(b, point)];
    if (x === null || y === null) return null;
    if (!equal(x, y)) return false;
  }
  if (!holdsFloat(a, b)) return true;
  // The coefficients of the highest and of the lowest power, which must be the same doubles.
  return [200, -200].every((power) => {
    const places = new Map([...symbols.keys()].map((key, i) => [key, fromNumber(2 ** (power + 7 * i))]));
    return sameDouble(a, b, places, 0) !== false;
  });
};

const fraction = (random: () => number): Rational => rational(BigInt(1009 + floor(random() * 8999)) * (random() < 0.5 ? 1n : -1n), 97n);

/** Only + − · / and integer powers: what rational points can settle. */
const isAlgebraic = (x: Expression): boolean => {
  switch (x.kind) {
    case "number":
    case "symbol":
    case "percent":
      return true;
    case "add":
    case "mul":
      return x.args.every(isAlgebraic);
    case "pow":
      return isAlgebraic(x.base) && isNumber(x.exponent) && x.exponent.value.d === 1n && x.exponent.value.n < 64n && x.exponent.value.n > -64n;
    default:
      return false;
  }
};

/** Symbols that stand where only whole numbers make sense: bounds of sums and products, factorials, binomials. */
const integerSymbols = (x: Expression, found: Set<string> = new Set()): Set<string> => {
  const collect = (part: Expression): void => {
    for (const [key] of freeSymbols(part)) found.add(key);
  };
  if ((x.kind === "sum" || x.kind === "product") && x.lower !== null && x.upper !== null) {
    collect(x.lower);
    collect(x.upper);
    found.delete(symbolKey(x.variable));
  } else if (isFunction(x) && (x.name === "factorial" || x.name === "binomial")) x.args.forEach(collect);
  for (const part of childrenOf(x)) integerSymbols(part, found);
  return found;
};
