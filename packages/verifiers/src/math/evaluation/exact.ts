/**
 * Exact value of a tree over the rationals, when it has one: + − · /, integer powers, roots that come out, factorials, binomials,
 * floor, mod, max, finite sums and products. Symbols take their value from the places.
 */
import { abs, log, round } from "../floats";
import { attemptWithin, checkBits, spend } from "../budget";
import type { Expression } from "../expression";
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
import { type Evaluate, type Places, evaluator } from "./evaluator";

/** A rational, or null where a value is irrational, undefined or unknown. */
type Exact = Rational | null;

/** Of a factorial, which has 30,000 bits; the default limit is half of that. */
const MAX_FACTORIAL = 3000n;

/** Steps for the length of a number: arithmetic on long ones takes time in proportion, and more. */
const weighed = (value: Rational, bits = logarithm2(value)): Rational => {
  if (bits > 512) spend(bits);
  return value;
};

/** As `weighed`, for a result: it must not be longer than the limit. */
const limited = (value: Rational): Rational => {
  const bits = logarithm2(value);
  checkBits(bits);
  return weighed(value, bits);
};

const plus = (a: Exact, b: Exact): Exact => a && b && limited(add(a, b));
const times = (a: Exact, b: Exact): Exact => a && b && limited(multiply(a, b));
const minus = (a: Exact): Exact => a && negate(a);
const reciprocal = (a: Exact): Exact => (a?.n ? inverse(a) : null);

const raise = (base: Exact, exponent: Exact): Exact => {
  if (!base || !exponent) return null;
  if (!base.n && exponent.n) return exponent.n > 0n ? ZERO : null;
  if (isInteger(exponent)) return weighed(power(base, exponent.n));
  if (base.n < 0n || exponent.d > 64n || logarithm2(base) > 2048) return null;
  spend(logarithm2(base));
  const root = exactRoot(base, exponent.d);
  return root && power(root, exponent.n);
};

/** How many factors a product may have; each is a step. */
const chargeFactors = (count: bigint): void => {
  if (count > MAX_FACTORIAL) checkBits(Infinity);
  spend(Number(count));
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
    checkBits(bits);
    spend(bits / 64);
  }
  return limited(result);
};

/** log_b(a) when it is an integer. */
const logarithm = (a: Rational, base: Rational): Exact => {
  const guess = round(log(toNumber(a)) / log(toNumber(base)));
  return abs(guess) <= 1024 && equal(power(base, BigInt(guess)), a) ? integer(guess) : null;
};

const evaluate: Evaluate<Exact> = evaluator<Exact>({
  none: null,
  of: weighed,
  integerOf: (x, places) => {
    const value = evaluate(x, places);
    return value && isInteger(value) ? value.n : null;
  },
  plus,
  times,
  negate: minus,
  reciprocal,
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

/** Stands for a value that may be rational but takes more steps or bits to write out than there are. */
export const OUT_OF_REACH = Symbol("out of reach");

/** Part of the remaining steps that an exact value may take; other ways of deciding need the rest. */
const SHARE = 0.5;

/**
 * The rational a tree is worth; null when the value is irrational, undefined or unknown; `OUT_OF_REACH` where the limits end the work.
 *
 * @param places values of the symbols by `symbolKey`
 */
export const exactValue = (x: Expression, places?: Places<Exact>): Exact | typeof OUT_OF_REACH => {
  const value = attemptWithin(SHARE, () => evaluate(x, places));
  return value === undefined ? OUT_OF_REACH : value;
};

/** The rational a tree is worth; null when there is none, or it is out of reach. See `exactValue`. */
export const evaluateExactly = (x: Expression, places?: Places<Exact>): Exact => {
  const value = exactValue(x, places);
  return value === OUT_OF_REACH ? null : value;
};
