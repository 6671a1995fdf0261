/**
 * Exact rational numbers on BigInt, in lowest terms with a positive denominator: enough for quantities, units and
 * decimals.
 */

export interface Exact {
  readonly n: bigint;
  readonly d: bigint;
}

const gcd = (a: bigint, b: bigint): bigint => {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
};

/** n / d in lowest terms; undefined when d is 0. */
export function ratioOf(n: bigint, d: bigint): Exact | undefined {
  if (d === 0n) return undefined;
  const g = d < 0n ? -gcd(n, d) : gcd(n, d);
  return g === 0n ? { n: 0n, d: 1n } : { n: n / g, d: d / g };
}

/** A whole number. */
export const whole = (n: number | bigint): Exact => ({ n: BigInt(n), d: 1n });
export const ONE: Exact = whole(1);

export const negated = (a: Exact): Exact => ({ n: -a.n, d: a.d });
export const plus = (a: Exact, b: Exact): Exact => ratioOf(a.n * b.d + b.n * a.d, a.d * b.d)!;
export const times = (a: Exact, b: Exact): Exact => ratioOf(a.n * b.n, a.d * b.d)!;
/** a / b; undefined when b is 0. */
export const over = (a: Exact, b: Exact): Exact | undefined => ratioOf(a.n * b.d, a.d * b.n);
export const isEqual = (a: Exact, b: Exact): boolean => a.n === b.n && a.d === b.d;
export const absolute = (a: Exact): Exact => (a.n < 0n ? negated(a) : a);
/** Whether a < b. */
export const isBelow = (a: Exact, b: Exact): boolean => a.n * b.d < b.n * a.d;

/** Powers of ten beyond this are compared by magnitude (`compare/constants.ts`), not written out. */
const MOST_ZEROS = 4000;

/** 10^k; undefined when it is too long to write out. */
export function powerOfTen(k: number): Exact | undefined {
  if (!Number.isInteger(k) || Math.abs(k) > MOST_ZEROS) return undefined;
  const size = 10n ** BigInt(Math.abs(k));
  return k < 0 ? { n: 1n, d: size } : { n: size, d: 1n };
}

/** Digits with an optional decimal point. */
export function decimal(text: string): Exact {
  const [head = "", tail = ""] = text.split(".");
  return ratioOf(BigInt(head + tail || "0"), 10n ** BigInt(tail.length))!;
}

/** For people: a decimal where it ends soon, else a fraction. */
export function show(a: Exact): string {
  if (a.d === 1n) return short(a.n.toString());
  const value = Number(a.n) / Number(a.d);
  const plain = String(value);
  return plain.length < 12 && isEqual(decimal(/^-?[\d.]+$/.test(plain) ? plain.replace("-", "") : "0"), absolute(a))
    ? plain
    : short(`${a.n}/${a.d}`);
}

const short = (text: string): string =>
  text.length > 40 ? `${text.slice(0, 18)}..${text.slice(-4)} (${text.length} characters)` : text;
