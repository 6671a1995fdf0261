/**
 * The double nearest to digits × 10^exponent, without making a string of them: a metrics file of a gigabyte has twenty
 * million numbers.
 *
 * Up to 2^53 and 10^±22 both factors are exact, so one multiplication or division rounds once (W. D. Clinger, "How to
 * read floating point numbers accurately", 1990). Numbers that JSON.stringify writes have 17 digits: they come as head
 * · 10^n + tail, the product and the quotient are taken in twice the precision (T. J. Dekker, 1971), and the result is
 * rounded once from there.
 */

/** Exact as doubles. */
const POWERS = Float64Array.from({ length: 23 }, (_, index) => Number(`1e${index}`));
/** Splits a double into two of 26 bits: 2^27 + 1. */
const SPLIT = 134_217_729;

/** Powers of ten that are exact. */
export const MOST_EXPONENT = 22;
/** Digits of the tail. */
export const TAIL_DIGITS = 6;
/** Up to here a double holds every whole number. */
export const LARGEST_HEAD = Number.MAX_SAFE_INTEGER;

/** What rounding took off a · b. */
function productError(a: number, b: number, product: number): number {
  const aHigh = SPLIT * a - (SPLIT * a - a);
  const aLow = a - aHigh;
  const bHigh = SPLIT * b - (SPLIT * b - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/**
 * (head · 10^tailDigits + tail) · 10^exponent.
 *
 * @param head the first digits, at most LARGEST_HEAD
 * @param tail those after it, as a number
 * @param tailDigits how many, at most TAIL_DIGITS
 * @param exponent of ten, -22 to 22
 */
export function decimalNumber(head: number, tail: number, tailDigits: number, exponent: number): number {
  if (tailDigits === 0) return exponent < 0 ? head / POWERS[-exponent]! : head * POWERS[exponent]!;
  const shift = POWERS[tailDigits]!;
  const product = head * shift;
  const low = productError(head, shift, product) + tail;
  const mantissa = product + low;
  const mantissaLow = low - (mantissa - product);
  if (exponent < 0) {
    const divisor = POWERS[-exponent]!;
    const quotient = mantissa / divisor;
    const back = quotient * divisor;
    return quotient + (mantissa - back - productError(quotient, divisor, back) + mantissaLow) / divisor;
  }
  const power = POWERS[exponent]!;
  const result = mantissa * power;
  return result + (productError(mantissa, power, result) + mantissaLow * power);
}
