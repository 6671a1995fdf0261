/**
 * Values modulo a large prime P, by which constants are compared that are too long to write out: 2^20000, 2024!, 4^(2^2023). Where both
 * residues are known, different ones prove that the constants differ, and equal ones leave a chance near 2^-115 that they do.
 *
 * Exponents count modulo φ(P) = P - 1, their exponents modulo φ(P - 1), and so on, by Euler's theorem in the form that needs no
 * coprime base: a^e = a^(e mod φ(m) + φ(m)) modulo m for e >= log2(m). P ends a Cunningham chain (each prime is twice the one before
 * plus 1), so that each modulus but the first is twice a large prime and its φ is known. A smooth φ would let 2^(3^1000) equal 2^(3^2000).
 */
import { spend } from "../budget";
import {
  EULER,
  type BinderNode,
  type Expression,
  isConstant,
  isFunction,
  isPercent,
  isPow,
  isSeries,
  keyOf,
  number,
  pow,
} from "../expression";
import { type Rational, floor, integer, isInteger, multiply, rational } from "../rational";
import { freeSymbols } from "../structure";
import { evaluateExactly } from "./exact";
import { type Evaluate, type Places, evaluator } from "./evaluator";
import { magnitudeOf } from "./magnitude";

/** From 0 up to the modulus; null where there is none. */
type Residue = bigint | null;

/** The last of five primes, of which the first begins with the digits of π. */
const PRIME = 50265482457436691815405464713924639n;

/** P, φ(P), φ(φ(P)), .. */
export const MODULI = [PRIME, PRIME - 1n];
while (MODULI.length < 6) MODULI.push(MODULI.at(-1)! / 2n - 1n);

/** Above the binary logarithm of every modulus: longer exponents may be reduced. */
const LONG_EXPONENT = 128;

/** Most factors of a factorial or binomial; each is a step. */
const MAX_FACTORS = 400_000n;

/** Beyond these no series is gone through, and below them a bound is its own residue nearest 0. */
const MAX_BOUND = 2n ** 100n;

const modulo = (a: bigint, modulus: bigint): bigint => {
  const rest = a % modulus;
  return rest < 0n ? rest + modulus : rest;
};

/** The integer nearest 0 of a residue. */
const centered = (a: bigint, modulus: bigint): bigint => (a > modulus / 2n ? a - modulus : a);

/** base^exponent by squaring. */
const powerModulo = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  const bits = exponent.toString(2);
  spend(2 * bits.length);
  let result = 1n;
  for (const bit of bits) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
};

/** The product of `count` integers in a row. */
const risingProduct = (from: bigint, count: bigint, modulus: bigint): Residue => {
  if (count > MAX_FACTORS) return null;
  spend(Number(count));
  let product = 1n;
  // Four factors at a time: dividing by the modulus is what takes long.
  let factors = 1n;
  for (let i = 0n; i < count; i++) {
    factors *= from + i;
    if (i % 4n < 3n && i < count - 1n) continue;
    product = (product * factors) % modulus;
    factors = 1n;
  }
  return modulo(product, modulus);
};

/** A residue for what has none of its own, such as π, from the way it is written. */
const drawn = (x: Expression): bigint => {
  const key = keyOf(x);
  spend(key.length);
  let hash = 1n;
  for (let i = 0; i < key.length; i++) hash = (hash * 1_000_003n + BigInt(key.charCodeAt(i))) % PRIME;
  return powerModulo(hash, 65_537n, PRIME);
};

/**
 * The evaluation of trees modulo one of the moduli.
 *
 * @param level which: that many exponents down
 * @param free whether π, √2, x and the like are unknowns with a residue each. Equal residues then still prove that two trees are equal,
 * different ones prove nothing, as √2·√3 is √6
 */
const residues = (level: number, free: boolean): Evaluate<Residue> => {
  const modulus = MODULI[level]!;
  const period = MODULI[level + 1];
  const isField = level === 0;

  const times = (a: Residue, b: Residue): Residue => (a === null || b === null ? null : (a * b) % modulus);
  const reciprocal = (a: Residue): Residue => (a && isField ? powerModulo(a, modulus - 2n, modulus) : null);
  const of = ({ n, d }: Rational): Residue =>
    d === 1n ? modulo(n, modulus) : times(modulo(n, modulus), reciprocal(modulo(d, modulus)));

  /** The variables of sums around a tree, as the integers that they are. */
  const integerPlaces = (places: Places<Residue>): Places<Rational> =>
    places && new Map([...places].map(([key, place]) => [key, integer(centered(place!, modulus))]));

  const integerOf = (x: Expression | null | undefined, places: Places<Residue>): bigint | null => {
    const value = x ? evaluateExactly(x, integerPlaces(places)) : null;
    return value && isInteger(value) ? value.n : null;
  };

  /** Whether the places of a sum are their own residues. */
  const areShort = ({ lower, upper }: BinderNode, places: Places<Residue>): boolean =>
    [lower, upper].every((bound) => {
      const value = integerOf(bound, places);
      return value !== null && value < MAX_BOUND && value > -MAX_BOUND;
    });

  const unknown = (x: Expression, places: Places<Residue>): Residue => {
    if (!free || (isConstant(x) && /oo|nan/.test(x.name))) return null;
    // What changes with the variable of a sum is not one unknown.
    return places && [...freeSymbols(x).keys()].some((key) => places.has(key)) ? null : drawn(x);
  };

  const power = (base: Residue, exponent: bigint): Residue => {
    if (base === null) return null;
    if (exponent < 0n) return power(reciprocal(base), -exponent);
    const reduced = period && exponent >= LONG_EXPONENT ? (exponent % period) + period : exponent;
    return powerModulo(base, reduced, modulus);
  };

  /** A power whose exponent is too long to write out; it must be a whole number of known sign. */
  const towerPower = (base: Residue, exponent: Expression): Residue => {
    const next = STRICT[level + 1];
    if (base === null || !next) return null;
    const { sign, low } = magnitudeOf(exponent);
    const reduced = low > LONG_EXPONENT ? next(exponent) : null;
    if (reduced === null || !sign) return null;
    return sign > 0 ? power(base, reduced + period!) : power(reciprocal(base), modulo(-reduced, period!) + period!);
  };

  const powerOf = (x: Expression, base: Expression, exponent: Expression, places: Places<Residue>): Residue => {
    const exact = evaluateExactly(exponent, integerPlaces(places));
    if (!exact) return towerPower(evaluate(base, places), exponent) ?? unknown(x, places);
    const inner = isPow(base) ? evaluateExactly(base.exponent, integerPlaces(places)) : null;
    // √2^20001 as 2^(20001/2), √(2^20000) as 2^10000
    if (isPow(base) && inner && (isInteger(exact) ? !isInteger(inner) : magnitudeOf(base.base).sign > 0))
      return powerOf(x, base.base, number(multiply(inner, exact)), places);
    if (isInteger(exact)) return power(evaluate(base, places), exact.n);
    // 2^(20001/2) as 2^10000·√2
    const whole = floor(exact);
    const root = unknown(pow(base, number(rational(1n, exact.d))), places);
    return times(power(evaluate(base, places), whole), power(root, exact.n - whole * exact.d));
  };

  const other = (x: Expression, places: Places<Residue>): Residue | undefined => {
    if (isPow(x)) return powerOf(x, x.base, x.exponent, places);
    if (isSeries(x)) return areShort(x, places) ? undefined : unknown(x, places);
    if (isPercent(x)) return undefined;
    if (!isFunction(x)) return unknown(x, places);
    if (x.name === "exp") return powerOf(x, EULER, x.args[0]!, places);
    const [n, k] = [integerOf(x.args[0], places), integerOf(x.args[1], places)];
    const count = n === null ? -1n : x.name === "factorial" ? n : x.name === "gamma" ? n - 1n : -1n;
    if (count >= 0n) return risingProduct(1n, count, modulus) ?? unknown(x, places);
    if (x.name === "binomial" && n !== null && k !== null && n >= k && k >= 0n) {
      const chosen = n - k < k ? n - k : k;
      const found = times(
        risingProduct(n - chosen + 1n, chosen, modulus),
        reciprocal(risingProduct(1n, chosen, modulus)),
      );
      return found ?? unknown(x, places);
    }
    return unknown(x, places);
  };

  const evaluate = evaluator<Residue>({
    none: null,
    of,
    integerOf,
    plus: (a, b) => (a === null || b === null ? null : (a + b) % modulus),
    times,
    negate: (a) => (a === null ? null : modulo(-a, modulus)),
    reciprocal,
    // What needs more of a number than its residue is in `other`.
    raise: () => null,
    order: () => NaN,
    floor: () => null,
    gamma: () => null,
    functions: {},
    other,
    isExact: true,
  });
  return evaluate;
};

const STRICT = MODULI.map((_, level) => residues(level, false));

/**
 * The residue of a constant modulo P.
 *
 * @returns null where the value is not known to be rational
 * @throws BudgetError
 */
export const residueOf: (x: Expression) => Residue = STRICT[0]!;

/**
 * The residue of a tree modulo P in which everything irrational, and every symbol, is an unknown: equal ones prove that two trees are
 * equal, different ones prove nothing.
 *
 * @throws BudgetError
 */
export const residueWithUnknowns: (x: Expression) => Residue = residues(0, true);
