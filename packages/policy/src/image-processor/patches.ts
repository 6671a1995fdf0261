/**
 * Normalized patches of a resized picture, in the order the vision tower reads them.
 *
 *     value = (x · rescale - mean[c]) / std[c]
 *     rows   [gridH / merge, gridW / merge, merge, merge]     (the patches that merge into one token follow each other)
 *     columns [channel, temporal, patch, patch]               (a still picture fills both temporal slices)
 *
 * Source: `Qwen2VLImageProcessorPil` of transformers 5.23. The rounding is the reference's, so the float32 values are
 * equal to the bit: x · rescale in float64, rounded to float32; subtraction and division in float32.
 */
import type { RgbImage } from "./bicubic-resize";

/** Geometry of the patches. */
export interface PatchLayout {
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly mergeSize: number;
}

/** What x → value depends on. */
export interface Normalization {
  readonly rescaleFactor: number;
  /** By channel, of pixels in 0..1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The 256 values of each channel, [3, 256]. */
export function normalizationTable({ rescaleFactor, mean, std }: Normalization): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    const channelMean = Math.fround(mean[channel]!);
    const channelStd = Math.fround(std[channel]!);
    for (let x = 0; x < 256; x++) {
      table[channel * 256 + x] = Math.fround(Math.fround(x * rescaleFactor) - channelMean) / channelStd;
    }
  }
  return table;
}

/**
 * Writes the patches of one picture.
 *
 * @param image sides must be multiples of patchSize · mergeSize
 * @param table of `normalizationTable`
 * @param out receives gridH · gridW rows of 3 · temporal · patch · patch values from `at` on
 * @returns the position behind the last value
 */
export function writePatches(
  image: RgbImage,
  layout: PatchLayout,
  table: Float32Array,
  out: Float32Array,
  at: number,
): number {
  const { patchSize, temporalPatchSize, mergeSize } = layout;
  const { data, width, height } = image;
  const cell = patchSize * mergeSize;
  const plane = patchSize * patchSize;
  let position = at;
  for (let cellTop = 0; cellTop < height; cellTop += cell) {
    for (let cellLeft = 0; cellLeft < width; cellLeft += cell) {
      for (let patch = 0; patch < mergeSize * mergeSize; patch++) {
        const top = cellTop + Math.floor(patch / mergeSize) * patchSize;
        const left = cellLeft + (patch % mergeSize) * patchSize;
        for (let channel = 0; channel < 3; channel++) {
          const start = position;
          const shift = channel * 256;
          for (let y = 0; y < patchSize; y++) {
            let from = ((top + y) * width + left) * 3 + channel;
            for (let x = 0; x < patchSize; x++, from += 3) out[position++] = table[shift + data[from]!]!;
          }
          for (let slice = 1; slice < temporalPatchSize; slice++, position += plane)
            out.copyWithin(position, start, start + plane);
        }
      }
    }
  }
  return position;
}
