/**
 * Decimal literals.
 */
import type { Budget } from "./budget";
import { type Rational, integer, multiply, power } from "./rational";

/** Bits of a decimal digit, rounded up. */
const BITS_PER_DIGIT = 3.33;

/**
 * A decimal literal (`12`, `.5`, `3.`, `1.5E-3`, `1e10`) as a rational.
 *
 * @returns null when the text is no such literal
 * @throws BudgetError when the number needs more bits than the limit
 */
export function parseDecimal(budget: Budget, text: string): Rational | null {
  const match = /^(?=-?\.?\d)(-?\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return null;
  budget.checkBits(text.length * BITS_PER_DIGIT);
  const [, digits, decimals = "", exponent = 0] = match;
  const scale = BigInt(exponent) - BigInt(decimals.length);
  budget.checkBits(Math.abs(Number(scale)) * BITS_PER_DIGIT);
  return multiply(integer(BigInt(digits + decimals)), power(integer(10), scale));
}
