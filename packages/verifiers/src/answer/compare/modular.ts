/**
 * Rational constants of any size, compared without writing them out: both are worked out modulo three primes of 26
 * bits.
 *
 *     a^e mod m = a^((e mod φ(m)) + φ(m)) mod m    for e ≥ log2(m)   (Euler, for every a)
 *
 * so that towers like 2^(2^2024) and factorials take microseconds. Two different numbers agree by chance once in 2^78
 * times.
 */
import type { Expression } from "../../math";

/** Products of two residues stay below 2^53, exact in a double. */
const PRIMES = [67_108_859, 67_108_837, 67_108_819] as const;
/** A factorial beyond this takes too long. */
const LARGEST_FACTORIAL = 200_000;
const DEEPEST = 60;

type FunctionTree = Extract<Expression, { kind: "function" }>;

/**
 * What a constant is modulo each prime.
 *
 * @returns undefined when it is not made of numbers by + · / ^ ! and binomials, or a prime divides a denominator
 */
export function fingerprint(tree: Expression): readonly number[] | undefined {
  const found: number[] = [];
  for (const prime of PRIMES) {
    const residue = residueOf(tree, prime, true, 0);
    if (residue === undefined) return undefined;
    found.push(residue);
  }
  return found;
}

const mod = (value: number, m: number): number => ((value % m) + m) % m;
const modBig = (value: bigint, m: number): number => mod(Number(value % BigInt(m)), m);

/**
 * @param isField whether m is prime, so that there is division
 */
function residueOf(tree: Expression, m: number, isField: boolean, depth: number): number | undefined {
  if (depth > DEEPEST) return undefined;
  const next = (part: Expression): number | undefined => residueOf(part, m, isField, depth + 1);
  switch (tree.kind) {
    case "number": {
      const above = modBig(tree.value.n, m);
      if (tree.value.d === 1n) return above;
      const below = isField ? modBig(tree.value.d, m) : 0;
      return below === 0 ? undefined : (above * power(below, m - 2, m)) % m;
    }
    case "add":
    case "mul": {
      let result = tree.kind === "add" ? 0 : 1 % m;
      for (const part of tree.args) {
        const value = next(part);
        if (value === undefined) return undefined;
        result = tree.kind === "add" ? (result + value) % m : (result * value) % m;
      }
      return result;
    }
    case "pow":
      return powerOf(tree.base, tree.exponent, m, isField, depth);
    case "function":
      return functionOf(tree, m, isField);
    default:
      return undefined;
  }
}

function powerOf(
  base: Expression,
  exponent: Expression,
  m: number,
  isField: boolean,
  depth: number,
): number | undefined {
  const a = residueOf(base, m, isField, depth + 1);
  if (a === undefined) return undefined;
  const small = smallInteger(exponent);
  if (small !== undefined) {
    if (small >= 0n) return powerBig(a, small, m);
    return isField && a !== 0 ? powerBig(power(a, m - 2, m), -small, m) : undefined;
  }
  if (!isWhole(exponent, 0)) return undefined;
  const sign = signOf(exponent);
  if (sign === undefined || (sign < 0 && (!isField || a === 0))) return undefined;
  const totient = totientOf(m);
  const residue = residueOf(exponent, totient, false, depth + 1);
  if (residue === undefined) return undefined;
  // What is no small integer is beyond log2(m), as Euler's theorem asks for.
  const reduced = (sign < 0 ? mod(-residue, totient) : residue) + totient;
  return sign < 0 ? power(power(a, m - 2, m), reduced, m) : power(a, reduced, m);
}

function functionOf(tree: FunctionTree, m: number, isField: boolean): number | undefined {
  if (tree.name === "mod") {
    const remainder = remainderOf(tree);
    return remainder === undefined ? undefined : remainder % m;
  }
  const args = tree.args.map(smallInteger);
  const [n, k] = args;
  if (n === undefined || n < 0n || n > BigInt(LARGEST_FACTORIAL)) return undefined;
  if (tree.name === "factorial" && args.length === 1) return productOf(1, Number(n), m);
  if (tree.name !== "binomial" || !isField || args.length !== 2 || k === undefined || k < 0n || k > n) return undefined;
  const below = (productOf(1, Number(k), m) * productOf(1, Number(n - k), m)) % m;
  return (productOf(1, Number(n), m) * power(below, m - 2, m)) % m;
}

/** What an integer of any size leaves when it is divided by one of up to 26 bits: `2^{20000} \bmod 7`. */
function remainderOf({ args }: FunctionTree): number | undefined {
  const [dividend, divisor] = args;
  if (dividend === undefined || divisor === undefined || !isWhole(dividend, 0)) return undefined;
  const m = smallInteger(divisor);
  if (m === undefined || m < 1n || m > BigInt(PRIMES[0])) return undefined;
  return residueOf(dividend, Number(m), false, 0);
}

function productOf(from: number, to: number, m: number): number {
  let result = 1 % m;
  for (let factor = from; factor <= to; factor++) result = (result * (factor % m)) % m;
  return result;
}

/** The value of a tree that is an integer of at most 64 bits, written out or by small operations. */
function smallInteger(tree: Expression): bigint | undefined {
  const value = smallValue(tree, 0);
  return value !== undefined && value < 1n << 64n && value > -(1n << 64n) ? value : undefined;
}

function smallValue(tree: Expression, depth: number): bigint | undefined {
  if (depth > 8) return undefined;
  if (tree.kind === "number") return tree.value.d === 1n ? tree.value.n : undefined;
  if (tree.kind === "add" || tree.kind === "mul") {
    let result = tree.kind === "add" ? 0n : 1n;
    for (const part of tree.args) {
      const value = smallValue(part, depth + 1);
      if (value === undefined || value > 1n << 64n || value < -(1n << 64n)) return undefined;
      result = tree.kind === "add" ? result + value : result * value;
    }
    return result;
  }
  if (tree.kind === "function" && tree.name === "factorial") {
    const n = tree.args[0] && smallValue(tree.args[0], depth + 1);
    if (n === undefined || n < 0n || n > 20n) return undefined;
    let result = 1n;
    for (let factor = 2n; factor <= n; factor++) result *= factor;
    return result;
  }
  if (tree.kind !== "pow") return undefined;
  const base = smallValue(tree.base, depth + 1);
  const exponent = smallValue(tree.exponent, depth + 1);
  if (base === undefined || exponent === undefined || exponent < 0n || exponent > 64n || base > 1n << 32n || base < 0n)
    return undefined;
  const value = base ** exponent;
  return value < 1n << 64n ? value : undefined;
}

/** Whether a tree is an integer by how it is made. */
function isWhole(tree: Expression, depth: number): boolean {
  if (depth > DEEPEST) return false;
  if (tree.kind === "number") return tree.value.d === 1n;
  if (tree.kind === "add" || tree.kind === "mul") return tree.args.every((part) => isWhole(part, depth + 1));
  if (tree.kind === "pow")
    return isWhole(tree.base, depth + 1) && isWhole(tree.exponent, depth + 1) && signOf(tree.exponent) === 1;
  return tree.kind === "function" && (tree.name === "factorial" || tree.name === "binomial");
}

/** The sign of an integer made of products of powers and factorials; of sums only where all parts agree. */
function signOf(tree: Expression): 1 | -1 | undefined {
  if (tree.kind === "number") return tree.value.n > 0n ? 1 : tree.value.n < 0n ? -1 : undefined;
  if (tree.kind === "function") return 1;
  if (tree.kind === "pow") return signOf(tree.base) === 1 ? 1 : undefined;
  if (tree.kind === "mul") {
    let sign: 1 | -1 = 1;
    for (const part of tree.args) {
      const own = signOf(part);
      if (own === undefined) return undefined;
      sign = (sign * own) as 1 | -1;
    }
    return sign;
  }
  if (tree.kind !== "add") return undefined;
  const signs = new Set(tree.args.map(signOf));
  return signs.size === 1 ? [...signs][0] : undefined;
}

/** Euler's totient, by trial division: m has 26 bits. */
function totientOf(m: number): number {
  let result = m;
  let rest = m;
  for (let factor = 2; factor * factor <= rest; factor++) {
    if (rest % factor !== 0) continue;
    while (rest % factor === 0) rest /= factor;
    result -= result / factor;
  }
  return rest > 1 ? result - result / rest : result;
}

/** base^exponent mod m; the exponent is below 2^27. */
function power(base: number, exponent: number, m: number): number {
  let result = 1 % m;
  let square = base % m;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * square) % m;
    square = (square * square) % m;
  }
  return result;
}

function powerBig(base: number, exponent: bigint, m: number): number {
  let result = 1 % m;
  let square = base % m;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % m;
    square = (square * square) % m;
  }
  return result;
}
