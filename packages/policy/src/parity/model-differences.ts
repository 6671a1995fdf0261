/** How far a model's numbers are from those of a padded reference batch. */
import { largestDifference } from "./parity";

/** The largest difference on real tokens between packed rows and a padded batch. */
export function differenceOnTokens(packed: Float32Array, padded: Float32Array, rowOf: Int32Array): number {
  const width = padded.length / rowOf.length;
  let worst = 0;
  rowOf.forEach((row, place) => {
    if (row < 0) return;
    worst = Math.max(
      worst,
      largestDifference(
        packed.subarray(row * width, (row + 1) * width),
        padded.subarray(place * width, (place + 1) * width),
      ).error,
    );
  });
  return worst;
}

/** |a - b| / |b|. */
export function relativeL2(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(difference / Math.max(size, 1e-30));
}
