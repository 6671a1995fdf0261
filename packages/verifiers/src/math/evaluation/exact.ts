/**
 * Exact value of a tree over the rationals, when it has one: + − · /, integer powers, roots that come out, factorials, binomials,
 * floor, mod, max, finite sums and products. Symbols take their value from an environment.
 */
import { type Budget, BudgetError } from "../budget";
import { type BinderNode, type Expression, type FunctionNode } from "../expression";
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
const MAX_FACTORIAL = 3000n;
const MAX_TERMS = 20_000n;

/**
 * The rational a tree is worth.
 *
 * @param environment values of the symbols by `symbolKey`; null when there are none
 * @returns null when the value is irrational, undefined or unknown
 * @throws BudgetError when a number outgrows the bit budget or the steps run out
 */
export function evaluateExactly(x: Expression, environment: ExactEnvironment | null, budget: Budget): Rational | null {
  budget.spend(1);
  switch (x.kind) {
    case "number":
      return x.value;
    case "percent":
      return HUNDREDTH;
    case "symbol":
      return environment?.get(symbolKey(x.name, x.real)) ?? null;
    case "add":
    case "mul": {
      let total = x.kind === "add" ? ZERO : ONE;
      for (const arg of x.args) {
        const value = evaluateExactly(arg, environment, budget);
        if (value === null) return null;
        total = x.kind === "add" ? add(total, value) : multiply(total, value);
        charge(total, budget);
      }
      return total;
    }
    case "pow":
      return exactPower(x.base, x.exponent, environment, budget);
    case "function":
      return exactFunction(x, environment, budget);
    case "sum":
    case "product":
      return exactSeries(x, environment, budget);
    default:
      return null;
  }
}

/** Steps for the length of a number: arithmetic on long ones takes time in proportion, and more. */
function charge(value: Rational, budget: Budget): void {
  const bits = bitLength(value);
  if (bits > budget.bits) throw new BudgetError("bits");
  if (bits > 512) budget.spend(bits);
}

function exactPower(baseNode: Expression, exponentNode: Expression, environment: ExactEnvironment | null, budget: Budget): Rational | null {
  const base = evaluateExactly(baseNode, environment, budget);
  if (base === null) return null;
  const exponent = evaluateExactly(exponentNode, environment, budget);
  if (exponent === null) return null;
  if (isZero(base)) return sign(exponent) > 0 ? ZERO : sign(exponent) === 0 ? ONE : null;
  if (isInteger(exponent)) return power(base, exponent.n, budget.bits);
  if (sign(base) < 0 || exponent.d > 64n || bitLength(base) > 2048) return null;
  const root = exactRoot(base, Number(exponent.d));
  return root === null ? null : power(root, exponent.n, budget.bits);
}

function exactFunction(x: FunctionNode, environment: ExactEnvironment | null, budget: Budget): Rational | null {
  if (!EXACT_FUNCTIONS.has(x.name)) return null;
  const args: Rational[] = [];
  for (const arg of x.args) {
    const value = evaluateExactly(arg, environment, budget);
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
      return factorial(first, budget);
    case "gamma":
      return factorial(subtract(first, ONE), budget);
    case "binomial":
      return binomial(first, args[1]!, budget);
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
}

const EXACT_FUNCTIONS = new Set(["abs", "floor", "ceiling", "factorial", "gamma", "binomial", "max", "min", "mod", "exp", "log"]);

/** The largest integer not above a. */
export function floor(a: Rational): Rational {
  if (isInteger(a)) return a;
  return { n: a.n >= 0n ? a.n / a.d : -((-a.n + a.d - 1n) / a.d), d: 1n };
}

function factorial(a: Rational, budget: Budget): Rational | null {
  if (!isInteger(a) || a.n < 0n) return null;
  if (a.n > MAX_FACTORIAL) throw new BudgetError("bits");
  budget.spend(Number(a.n));
  let product = 1n;
  for (let k = 2n; k <= a.n; k++) product *= k;
  const result = { n: product, d: 1n };
  charge(result, budget);
  return result;
}

function binomial(n: Rational, k: Rational, budget: Budget): Rational | null {
  if (!isInteger(k)) return null;
  if (k.n < 0n) return ZERO;
  let chosen = k.n;
  if (isInteger(n) && n.n >= 0n) {
    if (chosen > n.n) return ZERO;
    if (chosen > n.n - chosen) chosen = n.n - chosen;
  }
  if (chosen > MAX_FACTORIAL) throw new BudgetError("bits");
  budget.spend(Number(chosen));
  let result = ONE;
  for (let i = 0n; i < chosen; i++) result = divide(multiply(result, subtract(n, integer(i))), integer(i + 1n));
  charge(result, budget);
  return result;
}

/** log_b(a) when it is an integer. */
function exactLogarithm(a: Rational, base: Rational): Rational | null {
  if (sign(a) <= 0 || sign(base) <= 0 || compare(base, ONE) === 0) return null;
  if (compare(a, ONE) === 0) return ZERO;
  if (bitLength(a) > 2048) return null;
  const guess = Math.round((Math.log(Number(a.n)) - Math.log(Number(a.d))) / (Math.log(Number(base.n)) - Math.log(Number(base.d))));
  if (!Number.isFinite(guess) || Math.abs(guess) > 1024) return null;
  const value = power(base, BigInt(guess), 4096);
  return compare(value, a) === 0 ? integer(guess) : null;
}

/** Σ and Π over an integer range; an empty range is 0 or 1, a reversed one follows Karr's convention as in SymPy. */
function exactSeries(x: BinderNode, environment: ExactEnvironment | null, budget: Budget): Rational | null {
  if (x.lower === null || x.upper === null) return null;
  const lower = evaluateExactly(x.lower, environment, budget);
  const upper = evaluateExactly(x.upper, environment, budget);
  if (lower === null || upper === null || !isInteger(lower) || !isInteger(upper)) return null;
  const reversed = upper.n < lower.n - 1n;
  const from = reversed ? upper.n + 1n : lower.n;
  const to = reversed ? lower.n - 1n : upper.n;
  if (to - from > MAX_TERMS) throw new BudgetError("fuel");
  const inner = new Map(environment ?? []);
  const key = symbolKey(x.variable.name, x.variable.real);
  let total = x.kind === "sum" ? ZERO : ONE;
  for (let k = from; k <= to; k++) {
    inner.set(key, integer(k));
    const term = evaluateExactly(x.body, inner, budget);
    if (term === null) return null;
    total = x.kind === "sum" ? add(total, term) : multiply(total, term);
    charge(total, budget);
  }
  if (!reversed) return total;
  if (x.kind === "sum") return negate(total);
  return isZero(total) ? null : rational(total.d, total.n);
}
