/**
 * Values modulo a large prime P, by which constants are compared that are too long to write out: 2^20000, 2024!,
 * 4^(2^2023). Where both residues are known, different ones prove that the constants differ, and equal ones leave a
 * chance near 2^-115 that they do.
 *
 * Exponents count modulo φ(P) = P - 1, their exponents modulo φ(P - 1), and so on, by Euler's theorem in the form that
 * needs no coprime base: a^e = a^(e mod φ(m) + φ(m)) modulo m for e >= log2(m). P ends a Cunningham chain (each prime
 * is twice the one before plus 1), so that each modulus but the first is twice a large prime and its φ is known. A
 * smooth φ would let 2^(3^1000) equal 2^(3^2000).
 */
import type { Budget } from "../budget";
import {
  EULER,
  type BinderNode,
  type Expression,
  type FunctionNode,
  type PowNode,
  isConstant,
  isFunction,
  isPercent,
  isPow,
  isSeries,
  number,
  pow,
} from "../tree/expression";
import { keyOf } from "../tree/identity";
import { freeSymbols } from "../tree/structure";
import { type Rational, floor, integer, isInteger, multiply, rational } from "../rational";
import type { Exact } from "./exact";
import { evaluator } from "./evaluator";
import type { Evaluate, Places } from "./number-system";
import type { Magnitude } from "./magnitude";
import { centered, modulo, powerModulo, risingProduct } from "./modular";

/** From 0 up to the modulus; null where there is none. */
type Residue = bigint | null;

/** The last of five primes, of which the first begins with the digits of π. */
const PRIME = 50265482457436691815405464713924639n;

/** P, φ(P) = P - 1, φ(P - 1) = (P - 1)/2 - 1, .. */
export const MODULI = totients(PRIME, 6);

function totients(prime: bigint, count: number): readonly bigint[] {
  const found = [prime, prime - 1n];
  while (found.length < count) found.push(found.at(-1)! / 2n - 1n);
  return found;
}

/** Above the binary logarithm of every modulus: longer exponents may be reduced. */
const LONG_EXPONENT = 128n;
/** The natural logarithm of `LONG_EXPONENT`, rounded up. */
const LONG_EXPONENT_LOGARITHM = 5;

/** Most factors of a factorial or binomial. */
const MAX_FACTORS = 400_000n;

/** Beyond these no series is gone through, and below them a bound is its own residue nearest 0. */
const MAX_BOUND = 2n ** 100n;

/** What the evaluation of residues works with. */
export interface ResidueParts {
  readonly budget: Budget;
  readonly evaluateExactly: Evaluate<Exact>;
  readonly magnitude: Evaluate<Magnitude>;
}

/**
 * The residues of constants modulo P; null where a value is not known to be rational.
 *
 * @param withUnknowns whether everything irrational, and every symbol, is an unknown with a residue of its own. Equal
 * residues then still prove that two trees are equal, different ones prove nothing, as √2·√3 is √6
 * @returns a function that throws BudgetError
 */
export function residueEvaluator(parts: ResidueParts, withUnknowns: boolean): Evaluate<Residue> {
  return new Residues(parts, 0, withUnknowns).evaluate;
}

/** The evaluation of trees modulo one of the moduli. */
class Residues {
  readonly evaluate: Evaluate<Residue>;
  readonly #parts: ResidueParts;
  readonly #level: number;
  readonly #withUnknowns: boolean;
  readonly #modulus: bigint;

  /** @param level which of the moduli: that many exponents down */
  constructor(parts: ResidueParts, level: number, withUnknowns: boolean) {
    this.#parts = parts;
    this.#level = level;
    this.#withUnknowns = withUnknowns;
    const modulus = (this.#modulus = MODULI[level]!);
    this.evaluate = evaluator<Residue>(parts.budget, {
      none: null,
      of: ({ n, d }) => this.#times(modulo(n, modulus), d === 1n ? 1n : this.#reciprocal(modulo(d, modulus))),
      integerOf: (x, places) => this.#integerOf(x, places),
      plus: (a, b) => (a === null || b === null ? null : (a + b) % modulus),
      times: (a, b) => this.#times(a, b),
      negate: (a) => (a === null ? null : modulo(-a, modulus)),
      reciprocal: (a) => this.#reciprocal(a),
      // What needs more of a number than its residue is worked out in `#valueOf`.
      raise: () => null,
      order: () => NaN,
      floor: () => null,
      gamma: () => null,
      functions: {},
      other: (x, places) => this.#valueOf(x, places),
      isExact: true,
    });
  }

  #times(a: Residue, b: Residue): Residue {
    return a === null || b === null ? null : (a * b) % this.#modulus;
  }

  /** By Fermat's theorem; only P is a prime. */
  #reciprocal(a: Residue): Residue {
    return a && this.#level === 0 ? powerModulo(this.#parts.budget, a, this.#modulus - 2n, this.#modulus) : null;
  }

  /** Undefined for the trees that are worked out as in every system. */
  #valueOf(x: Expression, places: Places<Residue>): Residue | undefined {
    if (isPow(x)) return this.#powerOf(x, places);
    if (isSeries(x)) return this.#isShort(x, places) ? undefined : this.#unknown(x, places);
    if (isPercent(x)) return undefined;
    return (isFunction(x) ? this.#functionOf(x, places) : null) ?? this.#unknown(x, places);
  }

  /** A residue for what has none of its own, such as π, drawn from the way it is written. */
  #unknown(x: Expression, places: Places<Residue>): Residue {
    const { budget } = this.#parts;
    if (!this.#withUnknowns || (isConstant(x) && /oo|nan/.test(x.name))) return null;
    // What changes with the variable of a sum is not one unknown.
    if (places && [...freeSymbols(budget, x).keys()].some((key) => places.has(key))) return null;
    const key = keyOf(x);
    budget.spend(key.length);
    let hash = 1n;
    for (let i = 0; i < key.length; i++) hash = (hash * 1_000_003n + BigInt(key.charCodeAt(i))) % PRIME;
    return powerModulo(budget, hash, 65_537n, PRIME);
  }

  /** The variables of the sums around a tree, as the integers that they are. */
  #integerPlaces(places: Places<Residue>): Places<Rational> {
    return places && new Map([...places].map(([key, place]) => [key, integer(centered(place!, this.#modulus))]));
  }

  #integerOf(x: Expression | null | undefined, places: Places<Residue>): bigint | null {
    const value = x ? this.#parts.evaluateExactly(x, this.#integerPlaces(places)) : null;
    return value && isInteger(value) ? value.n : null;
  }

  /** Whether a sum or product has ends, and its places are their own residues. */
  #isShort({ lower, upper }: BinderNode, places: Places<Residue>): boolean {
    return [lower, upper].every((bound) => {
      const value = this.#integerOf(bound, places);
      return value !== null && value < MAX_BOUND && value > -MAX_BOUND;
    });
  }

  #power(base: Residue, exponent: bigint): Residue {
    if (base === null) return null;
    if (exponent < 0n) return this.#power(this.#reciprocal(base), -exponent);
    const period = MODULI[this.#level + 1];
    const isReducible = period !== undefined && exponent >= LONG_EXPONENT;
    const reduced = isReducible ? (exponent % period) + period : exponent;
    return powerModulo(this.#parts.budget, base, reduced, this.#modulus);
  }

  #powerOf({ base, exponent }: PowNode, places: Places<Residue>): Residue {
    const { evaluateExactly, magnitude } = this.#parts;
    const exact = evaluateExactly(exponent, this.#integerPlaces(places));
    if (!exact) return this.#towerPower(base, exponent, places) ?? this.#unknown(pow(base, exponent), places);
    const inner = isPow(base) ? evaluateExactly(base.exponent, this.#integerPlaces(places)) : null;
    if (isPow(base) && inner) {
      // √2^20001 as 2^(20001/2), √(2^20000) as 2^10000
      const isOnePower = isInteger(exact) ? !isInteger(inner) : magnitude(base.base).sign > 0;
      if (isOnePower) return this.#powerOf(pow(base.base, number(multiply(inner, exact))), places);
    }
    const whole = floor(exact);
    const power = this.#power(this.evaluate(base, places), whole);
    if (isInteger(exact)) return power;
    // 2^(20001/2) as 2^10000·√2
    const root = this.#unknown(pow(base, number(rational(1n, exact.d))), places);
    return this.#times(power, this.#power(root, exact.n - whole * exact.d));
  }

  /** A power whose exponent is too long to write out; it must be a whole number of known sign. */
  #towerPower(base: Expression, exponent: Expression, places: Places<Residue>): Residue {
    const period = MODULI[this.#level + 1];
    const { sign, low } = this.#parts.magnitude(exponent);
    if (period === undefined || sign === 0 || low < LONG_EXPONENT_LOGARITHM) return null;
    const reduced = new Residues(this.#parts, this.#level + 1, false).evaluate(exponent);
    if (reduced === null) return null;
    const value = this.evaluate(base, places);
    return sign > 0
      ? this.#power(value, reduced + period)
      : this.#power(this.#reciprocal(value), modulo(-reduced, period) + period);
  }

  #functionOf(x: FunctionNode, places: Places<Residue>): Residue {
    const [first, second] = x.args;
    if (x.name === "exp") return this.#powerOf(pow(EULER, first!), places);
    const n = this.#integerOf(first, places);
    if (n === null) return null;
    if (x.name === "factorial") return this.#product(1n, n);
    if (x.name === "gamma") return n > 0n ? this.#product(1n, n - 1n) : null;
    const k = x.name === "binomial" ? this.#integerOf(second, places) : null;
    if (k === null || k < 0n || n < k) return null;
    const chosen = n - k < k ? n - k : k;
    return this.#times(this.#product(n - chosen + 1n, chosen), this.#reciprocal(this.#product(1n, chosen)));
  }

  /** The product of `count` integers in a row, if that can be gone through. */
  #product(from: bigint, count: bigint): Residue {
    if (count < 0n || count > MAX_FACTORS) return null;
    return risingProduct(this.#parts.budget, from, count, this.#modulus);
  }
}
