/**
 * Exact value of a tree over the rationals, when it has one: + − · /, integer powers, roots that come out, factorials,
 * binomials, floor, mod, max, finite sums and products. Symbols take their value from the places. Long numbers cost
 * steps by their length, as arithmetic on them takes time in proportion, and more.
 */
import type { Budget } from "../budget";
import {
  ONE,
  type Rational,
  ZERO,
  add,
  compare,
  equal,
  exactRoot,
  floor,
  integer,
  inverse,
  isInteger,
  logarithm2,
  multiply,
  negate,
  power,
  rational,
  subtract,
  toNumber,
} from "../rational";
import { evaluator } from "./evaluator";
import type { Evaluate } from "./number-system";

/** A rational, or null where a value is irrational, undefined or unknown. */
export type Exact = Rational | null;

/** Of a factorial, which has 30,000 bits; the default limit is half of that. */
const MAX_FACTORIAL = 3000n;
/** Shorter numbers cost nothing but the step. */
const LONG = 512;
/** The longest number, in bits, of which a root is taken. */
const MAX_RADICAND = 2048;
const MAX_DEGREE = 64n;
/** The largest logarithm that is looked for. */
const MAX_LOGARITHM = 1024;

/**
 * The evaluation of trees in rationals.
 *
 * @returns a function that throws BudgetError when a number outgrows the bit budget or the steps run out
 */
export function exactEvaluator(budget: Budget): Evaluate<Exact> {
  const charge = (bits: number): void => {
    if (bits > LONG) budget.spend(bits);
  };

  /** For a result: it must not be longer than the limit. */
  const limited = (value: Rational): Rational => {
    const bits = logarithm2(value);
    budget.checkBits(bits);
    charge(bits);
    return value;
  };

  const limitedPower = (base: Rational, exponent: bigint): Rational => {
    const bits = logarithm2(base) * Number(exponent < 0n ? -exponent : exponent);
    budget.checkBits(bits);
    charge(bits);
    return power(base, exponent);
  };

  const raise = (base: Exact, exponent: Exact): Exact => {
    if (!base || !exponent) return null;
    if (!base.n && exponent.n) return exponent.n > 0n ? ZERO : null;
    if (isInteger(exponent)) return limitedPower(base, exponent.n);
    if (base.n < 0n || exponent.d > MAX_DEGREE || logarithm2(base) > MAX_RADICAND) return null;
    budget.spend(logarithm2(base));
    const root = exactRoot(base, exponent.d);
    return root && limitedPower(root, exponent.n);
  };

  /** Each factor of a product is a step. */
  const chargeFactors = (count: bigint): void => {
    if (count > MAX_FACTORIAL) budget.checkBits(Infinity);
    budget.spend(Number(count));
  };

  const gamma = (a: Exact): Exact => {
    if (!a || !isInteger(a) || a.n < 1n) return null;
    chargeFactors(a.n - 1n);
    let product = 1n;
    for (let k = 2n; k < a.n; k++) product *= k;
    return limited(integer(product));
  };

  const binomial = (n: Rational, k: Rational): Exact => {
    if (!isInteger(k)) return null;
    const rest = subtract(n, k);
    const chosen = isInteger(n) && n.n >= 0n && rest.n < k.n ? rest.n : k.n;
    if (chosen < 0n) return ZERO;
    chargeFactors(chosen);
    let result = ONE;
    for (let i = 0n; i < chosen; i++) {
      result = multiply(result, rational(n.n - i * n.d, n.d * (i + 1n)));
      const bits = logarithm2(result);
      budget.checkBits(bits);
      budget.spend(bits / 64);
    }
    return limited(result);
  };

  /** log_b(a) when it is an integer. */
  const logarithm = (a: Rational, base: Rational): Exact => {
    const guess = Math.round(Math.log(toNumber(a)) / Math.log(toNumber(base)));
    return Math.abs(guess) <= MAX_LOGARITHM && equal(limitedPower(base, BigInt(guess)), a) ? integer(guess) : null;
  };

  const evaluate: Evaluate<Exact> = evaluator<Exact>(budget, {
    none: null,
    of: (value) => {
      charge(logarithm2(value));
      return value;
    },
    integerOf: (x, places) => {
      const value = evaluate(x, places);
      return value && isInteger(value) ? value.n : null;
    },
    plus: (a, b) => a && b && limited(add(a, b)),
    times: (a, b) => a && b && limited(multiply(a, b)),
    negate: (a) => a && negate(a),
    reciprocal: (a) => (a?.n ? inverse(a) : null),
    raise,
    order: compare as (a: Exact, b: Exact) => number,
    floor: (a) => a && integer(floor(a)),
    gamma,
    functions: {
      abs: (a) => (a.n < 0n ? negate(a) : a),
      exp: (a) => (a.n ? null : ONE),
      log: logarithm,
      binomial,
    },
    isExact: true,
  });
  return evaluate;
}
