/**
 * Exact value of a tree over the rationals, when it has one: + − · /, integer powers, roots that come out, factorials, binomials,
 * floor, mod, max, finite sums and products. Symbols take their value from an environment.
 */
import { abs, isFinite, log, round } from "../floats";
import { checkBits, spend } from "../budget";
import { type BinderNode, type Expression, type FunctionNode, isAdd } from "../expression";
import {
  ONE,
  type Rational,
  ZERO,
  add,
  bitLength,
  compare,
  divide,
  exactRoot,
  integer,
  isInteger,
  isZero,
  multiply,
  negate,
  power,
  rational,
  sign,
  subtract,
} from "../rational";
import { symbolKey } from "../structure";

export type ExactEnvironment = ReadonlyMap<string, Rational>;

const HUNDREDTH: Rational = { n: 1n, d: 100n };
/** Of a factorial, which has 30,000 bits; the default limit is half of that. */
const MAX_FACTORIAL = 3000n;
const MAX_TERMS = 20_000n;

/**
 * The rational a tree is worth.
 *
 * @param environment values of the symbols by `symbolKey`; null when there are none
 * @returns null when the value is irrational, undefined or unknown
 * @throws BudgetError when a number outgrows the bit budget or the steps run out
 */
export const evaluateExactly = (x: Expression, environment: ExactEnvironment | null = null): Rational | null => {
  spend(1);
  switch (x.kind) {
    case "number":
      return x.value;
    case "percent":
      return HUNDREDTH;
    case "symbol":
      return environment?.get(symbolKey(x)) ?? null;
    case "add":
    case "mul": {
      let total = isAdd(x) ? ZERO : ONE;
      for (const arg of x.args) {
        const value = evaluateExactly(arg, environment);
        if (value === null) return null;
        total = isAdd(x) ? add(total, value) : multiply(total, value);
        charge(total);
      }
      return total;
    }
    case "pow":
      return exactPower(x.base, x.exponent, environment);
    case "function":
      return exactFunction(x, environment);
    case "sum":
    case "product":
      return exactSeries(x, environment);
    default:
      return null;
  }
};

/** Steps for the length of a number: arithmetic on long ones takes time in proportion, and more. */
const charge = (value: Rational): void => {
  const bits = bitLength(value);
  checkBits(bits);
  if (bits > 512) spend(bits);
};

const exactPower = (baseNode: Expression, exponentNode: Expression, environment: ExactEnvironment | null): Rational | null => {
  const base = evaluateExactly(baseNode, environment);
  if (base === null) return null;
  const exponent = evaluateExactly(exponentNode, environment);
  if (exponent === null) return null;
  if (isZero(base)) return sign(exponent) > 0 ? ZERO : sign(exponent) === 0 ? ONE : null;
  if (isInteger(exponent)) return power(base, exponent.n);
  if (sign(base) < 0 || exponent.d > 64n || bitLength(base) > 2048) return null;
  const root = exactRoot(base, Number(exponent.d));
  return root === null ? null : power(root, exponent.n);
};

const exactFunction = (x: FunctionNode, environment: ExactEnvironment | null): Rational | null => {
  if (!EXACT_FUNCTIONS.has(x.name)) return null;
  const args: Rational[] = [];
  for (const arg of x.args) {
    const value = evaluateExactly(arg, environment);
    if (value === null) return null;
    args.push(value);
  }
  const first = args[0]!;
  switch (x.name) {
    case "abs":
      return sign(first) < 0 ? negate(first) : first;
    case "floor":
      return floor(first);
    case "ceiling":
      return negate(floor(negate(first)));
    case "factorial":
      return factorial(first);
    case "gamma":
      return factorial(subtract(first, ONE));
    case "binomial":
      return binomial(first, args[1]!);
    case "max":
      return args.reduce((a, b) => (compare(a, b) >= 0 ? a : b));
    case "min":
      return args.reduce((a, b) => (compare(a, b) <= 0 ? a : b));
    case "mod":
      return isZero(args[1]!) ? null : subtract(first, multiply(args[1]!, floor(divide(first, args[1]!))));
    case "exp":
      return isZero(first) ? ONE : null;
    default:
      return exactLogarithm(first, args[1]!);
  }
};

const EXACT_FUNCTIONS = new Set(["abs", "floor", "ceiling", "factorial", "gamma", "binomial", "max", "min", "mod", "exp", "log"]);

/** The largest integer not above a. */
export const floor = (a: Rational): Rational => {
  if (isInteger(a)) return a;
  return { n: a.n >= 0n ? a.n / a.d : -((-a.n + a.d - 1n) / a.d), d: 1n };
};

const factorial = (a: Rational): Rational | null => {
  if (!isInteger(a) || a.n < 0n) return null;
  if (a.n > MAX_FACTORIAL) checkBits(Infinity);
  spend(Number(a.n));
  let product = 1n;
  for (let k = 2n; k <= a.n; k++) product *= k;
  const result = { n: product, d: 1n };
  charge(result);
  return result;
};

const binomial = (n: Rational, k: Rational): Rational | null => {
  if (!isInteger(k)) return null;
  if (k.n < 0n) return ZERO;
  let chosen = k.n;
  if (isInteger(n) && n.n >= 0n) {
    if (chosen > n.n) return ZERO;
    if (chosen > n.n - chosen) chosen = n.n - chosen;
  }
  if (chosen > MAX_FACTORIAL) checkBits(Infinity);
  spend(Number(chosen));
  let result = ONE;
  for (let i = 0n; i < chosen; i++) result = divide(multiply(result, subtract(n, integer(i))), integer(i + 1n));
  charge(result);
  return result;
};

/** log_b(a) when it is an integer. */
const exactLogarithm = (a: Rational, base: Rational): Rational | null => {
  if (sign(a) <= 0 || sign(base) <= 0 || compare(base, ONE) === 0) return null;
  if (compare(a, ONE) === 0) return ZERO;
  if (bitLength(a) > 2048) return null;
  const guess = round((log(Number(a.n)) - log(Number(a.d))) / (log(Number(base.n)) - log(Number(base.d))));
  if (!isFinite(guess) || abs(guess) > 1024) return null;
  const value = power(base, BigInt(guess));
  return compare(value, a) === 0 ? integer(guess) : null;
};

/** Σ and Π over an integer range; an empty range is 0 or 1, a reversed one follows Karr's convention as in SymPy. */
const exactSeries = (x: BinderNode, environment: ExactEnvironment | null): Rational | null => {
  if (x.lower === null || x.upper === null) return null;
  const lower = evaluateExactly(x.lower, environment);
  const upper = evaluateExactly(x.upper, environment);
  if (lower === null || upper === null || !isInteger(lower) || !isInteger(upper)) return null;
  const reversed = upper.n < lower.n - 1n;
  const from = reversed ? upper.n + 1n : lower.n;
  const to = reversed ? lower.n - 1n : upper.n;
  if (to - from > MAX_TERMS) spend(Infinity);
  const inner = new Map(environment ?? []);
  const key = symbolKey(x.variable);
  let total = x.kind === "sum" ? ZERO : ONE;
  for (let k = from; k <= to; k++) {
    inner.set(key, integer(k));
    const term = evaluateExactly(x.body, inner);
    if (term === null) return null;
    total = x.kind === "sum" ? add(total, term) : multiply(total, term);
    charge(total);
  }
  if (!reversed) return total;
  if (x.kind === "sum") return negate(total);
  return isZero(total) ? null : rational(total.d, total.n);
};
