/**
 * Real values of expressions in doubles with an exponent of their own, m · 2^e, so that 10^{-20} and 10^{5000} keep
 * their digits. Also tells two expressions with variables apart: equal ones agree wherever they are worked out.
 */
import type { Expression } from "../../math";

/** m · 2^e with 1/2 ≤ |m| < 1, or m = 0. */
export interface Scaled {
  readonly m: number;
  readonly e: number;
}

/** What variables stand for; no value makes the whole expression have none. */
export type Values = (name: string) => number | undefined;

const DEEPEST = 80;
/** Exponents beyond this have no digits left. */
const LARGEST_EXPONENT = 2 ** 40;

const normalized = (m: number, e: number): Scaled | undefined => {
  if (m === 0) return { m: 0, e: 0 };
  if (!Number.isFinite(m)) return undefined;
  const shift = Math.floor(Math.log2(Math.abs(m))) + 1;
  // Two steps, as 2^-shift itself may be beyond the doubles.
  const scaled = shift < -1000 ? m * 2 ** 600 * 2 ** (-shift - 600) : m * 2 ** -shift;
  return Math.abs(e + shift) > LARGEST_EXPONENT ? undefined : { m: scaled, e: e + shift };
};

const fromDouble = (value: number): Scaled | undefined => normalized(value, 0);
/** As an ordinary number: infinite or 0 where that has no room for it. */
export const toDouble = ({ m, e }: Scaled): number => (e > 1023 ? Infinity * m : e < -1070 ? 0 : m * 2 ** e);

/** The value of an exact fraction. */
function fromFraction(n: bigint, d: bigint): Scaled | undefined {
  const above = fromBig(n);
  const below = fromBig(d);
  return above && below && normalized(above.m / below.m, above.e - below.e);
}

function fromBig(n: bigint): Scaled | undefined {
  const double = Number(n);
  if (Number.isFinite(double)) return fromDouble(double);
  const digits = n.toString(16).length;
  const shift = BigInt((digits - 64) * 4);
  return normalized(Number(n >> shift), Number(shift));
}

/**
 * The value of an expression.
 *
 * @returns undefined where it has none that is real, or none that this can work out
 */
export function valueOf(tree: Expression, values: Values, depth = 0): Scaled | undefined {
  if (depth > DEEPEST) return undefined;
  const next = (part: Expression): Scaled | undefined => valueOf(part, values, depth + 1);
  switch (tree.kind) {
    case "number":
      return fromFraction(tree.value.n, tree.value.d);
    case "percent":
      return fromDouble(0.01);
    case "constant":
      return tree.name === "pi" ? fromDouble(Math.PI) : tree.name === "e" ? fromDouble(Math.E) : undefined;
    case "symbol": {
      const value = values(tree.name);
      return value === undefined ? undefined : fromDouble(value);
    }
    case "add": {
      let total: Scaled | undefined = { m: 0, e: 0 };
      for (const part of tree.args) {
        const value = next(part);
        total = value && total && addScaled(total, value);
        if (total === undefined) return undefined;
      }
      return total;
    }
    case "mul": {
      let product: Scaled | undefined = { m: 0.5, e: 1 };
      for (const part of tree.args) {
        const value = next(part);
        product = value && product && normalized(product.m * value.m, product.e + value.e);
        if (product === undefined) return undefined;
      }
      return product;
    }
    case "pow": {
      const base = next(tree.base);
      const exponent = next(tree.exponent);
      return base && exponent && powerOf(base, exponent);
    }
    case "function": {
      const args: Scaled[] = [];
      for (const part of tree.args) {
        const value = next(part);
        if (value === undefined) return undefined;
        args.push(value);
      }
      return functionOf(tree.name, args);
    }
    default:
      return undefined;
  }
}

function addScaled(a: Scaled, b: Scaled): Scaled | undefined {
  const [large, small] = b.m !== 0 && (a.m === 0 || b.e > a.e) ? [b, a] : [a, b];
  const distance = large.e - small.e;
  return distance > 120 || small.m === 0 ? large : normalized(large.m + small.m * 2 ** -distance, large.e);
}

function powerOf(base: Scaled, exponent: Scaled): Scaled | undefined {
  const power = toDouble(exponent);
  if (base.m === 0) return power > 0 ? base : undefined;
  if (power === 0) return { m: 0.5, e: 1 };
  const isWhole = Number.isInteger(power);
  if (base.m < 0 && !isWhole) return undefined;
  const plain = toDouble(base) ** power;
  if (Number.isFinite(plain) && Math.abs(plain) > 1e-290 && Math.abs(base.e) < 1000) return fromDouble(plain);
  const logarithm = power * (Math.log2(Math.abs(base.m)) + base.e);
  if (!Number.isFinite(logarithm) || Math.abs(logarithm) > LARGEST_EXPONENT) return undefined;
  const size = Math.floor(logarithm);
  const sign = base.m < 0 && power % 2 !== 0 ? -1 : 1;
  return normalized(sign * 2 ** (logarithm - size), size);
}

const ONE_ARGUMENT: Readonly<Record<string, (x: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: (x) => 1 / Math.tan(x),
  sec: (x) => 1 / Math.cos(x),
  csc: (x) => 1 / Math.sin(x),
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  floor: Math.floor,
  ceiling: Math.ceil,
};

function functionOf(name: string, args: readonly Scaled[]): Scaled | undefined {
  const [x, y] = args;
  if (x === undefined) return undefined;
  if (name === "abs") return { m: Math.abs(x.m), e: x.e };
  if (name === "exp") return powerOf({ m: Math.E / 4, e: 2 }, x);
  if (name === "log" && y !== undefined) {
    if (x.m <= 0 || y.m <= 0) return undefined;
    return fromDouble((Math.log2(x.m) + x.e) / (Math.log2(y.m) + y.e));
  }
  if (name === "factorial") return factorial(toDouble(x));
  if (name === "binomial" && y !== undefined) {
    const [n, k] = [toDouble(x), toDouble(y)];
    const [above, left, right] = [factorial(n), factorial(k), factorial(n - k)];
    return above && left && right && normalized(above.m / left.m / right.m, above.e - left.e - right.e);
  }
  if ((name === "max" || name === "min") && args.length > 1) {
    const doubles = args.map(toDouble);
    return fromDouble(name === "max" ? Math.max(...doubles) : Math.min(...doubles));
  }
  const plain = ONE_ARGUMENT[name];
  return plain !== undefined && args.length === 1 ? fromDouble(plain(toDouble(x))) : undefined;
}

function factorial(n: number): Scaled | undefined {
  if (!Number.isInteger(n) || n < 0 || n > 20_000) return undefined;
  let result: Scaled | undefined = { m: 0.5, e: 1 };
  for (let factor = 2; factor <= n && result; factor++) result = normalized(result.m * factor, result.e);
  return result;
}

/** |a - b| over the larger of the two; 0 where both are 0. */
export function relativeDifference(a: Scaled, b: Scaled): number {
  if (a.m === 0 && b.m === 0) return 0;
  const difference = addScaled(a, { m: -b.m, e: b.e });
  if (difference === undefined) return 1;
  const e = a.m === 0 ? b.e : b.m === 0 ? a.e : Math.max(a.e, b.e);
  return Math.abs(toDouble({ m: difference.m, e: difference.e - e }));
}
