/** Exact numbers within a relative tolerance. */
import type { Exact } from "../answer/types/exact";

const PLACES = 10n ** 18n;
const size = (n: bigint): bigint => (n < 0n ? -n : n);

/** Whether |answer − gold| ≤ tolerance · |gold|. */
export function isWithin(gold: Exact, answer: Exact, tolerance: number): boolean {
  const apart = size(answer.n * gold.d - gold.n * answer.d);
  const scale = size(gold.n * answer.d);
  if (apart === 0n) return true;
  return scale !== 0n && Number((apart * PLACES) / scale) <= tolerance * Number(PLACES);
}

/** The nearest double, also of fractions whose parts are beyond its range. */
export function toDouble({ n, d }: Exact): number {
  const whole = n / d;
  return Number(whole) + Number(((n - whole * d) * PLACES) / d) / Number(PLACES);
}
