/**
 * Sums, means and variances over the tokens that a mask selects; all in float64.
 *
 *   mean = Σ m x / Σ m        var = Σ m (x - mean)² / (Σ m - 1)        whiten = (x - mean) / sqrt(var + 1e-8)
 *
 * Same numbers as verl 0.9.1 (`torch_functional`). verl adds 1e-8 to the count, which float32 rounds away and which in
 * float64 would turn the whitening of a constant into noise; here an empty mask has mean 0 and a constant whitens to
 * exactly 0. Values outside the mask are never read into a sum, so NaN there is harmless.
 */

const EPSILON = 1e-8;

/** Σ of the selected values. Both arguments flat, same length. */
export function maskedSum(values: ArrayLike<number>, mask: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i]! !== 0) sum += values[i]! * mask[i]!;
  return sum;
}

/** Mean of the selected values; 0 where none is selected, exact where all are equal. */
export function maskedMean(values: ArrayLike<number>, mask: ArrayLike<number>): number {
  let first: number | undefined;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    first ??= values[i]!;
    sum += (values[i]! - first) * mask[i]!;
    count += mask[i]!;
  }
  return first === undefined ? 0 : first + sum / count;
}

/** How many tokens the mask selects. */
export function maskedCount(mask: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < mask.length; i++) count += mask[i]!;
  return count;
}

/**
 * Sample variance (n - 1) of the selected values.
 * @throws RangeError when fewer than two values are selected: their variance does not exist
 */
export function maskedVariance(values: ArrayLike<number>, mask: ArrayLike<number>): number {
  const count = maskedCount(mask);
  if (count < 2) throw new RangeError(`a variance needs at least 2 selected tokens, found ${count}`);
  const mean = maskedMean(values, mask);
  let squares = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i]! !== 0) squares += (values[i]! - mean) ** 2 * mask[i]!;
  return squares / (count - 1);
}

/**
 * Values shifted to mean 0 and scaled to variance 1, both measured over the mask; unselected values are transformed the
 * same way. `shiftMean: false` puts the mean back after scaling.
 * @throws RangeError when fewer than two values are selected
 */
export function maskedWhiten(
  values: ArrayLike<number>,
  mask: ArrayLike<number>,
  options: { readonly shiftMean?: boolean } = {},
): Float64Array {
  const mean = maskedMean(values, mask);
  const scale = 1 / Math.sqrt(maskedVariance(values, mask) + EPSILON);
  const back = options.shiftMean === false ? mean : 0;
  return Float64Array.from({ length: values.length }, (_, i) => (values[i]! - mean) * scale + back);
}
