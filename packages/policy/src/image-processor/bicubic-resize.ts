/**
 * Antialiased bicubic resize of 8-bit pictures, to the bit as Pillow does it.
 *
 * Each output pixel is a weighted mean of the inputs within `support` = 2 · max(1, scale) of its center, with weights
 * w(x) = cubic kernel with a = -0.5 of the distance divided by max(1, scale). Two passes, rows first, then columns; the
 * other way round for a picture more than 100 times as tall as wide that becomes less tall. In each pass the weights
 * are normalized in float64, turned into integers of 22 fractional bits (rounded half away from zero), the sum starts
 * at one half, and the result is shifted back and clipped to 0..255.
 *
 * Source: Pillow 12.2.0, `Image.resize(.., Resampling.BICUBIC)` for mode RGB (src/libImaging/Resample.c; the order of
 * the passes: PIL/Image.py). Pillow 13 takes the columns first in more cases, which changes single gray levels;
 * torchvision's antialiased resize, always rows first, differs by 1 in about 0.5 % of the values.
 */

const PRECISION_BITS = 22;
const CUBIC_SUPPORT = 2;
const CUBIC_A = -0.5;
/** The columns of a picture that is more than this many times as tall as wide are resized first, if that shrinks it. */
const COLUMNS_FIRST_RATIO = 100;

/** An 8-bit RGB picture, rows from the top, [height, width, 3]. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** For each output position: the first input it reads, how many, and their integer weights at `position * stride`. */
interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly values: Int32Array;
  readonly stride: number;
}

/**
 * Resizes to `width` × `height`. A picture that has that size already is returned as it is.
 *
 * ```ts
 * const small = resizeBicubic({ width: 640, height: 480, data }, 448, 336); // small.data: [336, 448, 3]
 * ```
 */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  const rows = (from: RgbImage): RgbImage => (from.width === width ? from : resizeRows(from, width));
  const columns = (from: RgbImage): RgbImage => (from.height === height ? from : resizeColumns(from, height));
  const columnsFirst = image.height > COLUMNS_FIRST_RATIO * image.width && height < image.height;
  return columnsFirst ? rows(columns(image)) : columns(rows(image));
}

function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((CUBIC_A + 2) * d - (CUBIC_A + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * CUBIC_A;
  return 0;
}

function weightsFor(inputSize: number, outputSize: number): Weights {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = CUBIC_SUPPORT * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputSize);
  const count = new Int32Array(outputSize);
  const values = new Int32Array(outputSize * stride);
  const exact = new Float64Array(stride);
  const perUnit = 1 / filterScale;
  for (let position = 0; position < outputSize; position++) {
    const center = (position + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const taps = Math.min(inputSize, Math.trunc(center + support + 0.5)) - low;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = cubic((tap + low - center + 0.5) * perUnit);
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) {
      const scaled = (sum === 0 ? exact[tap]! : exact[tap]! / sum) * (1 << PRECISION_BITS);
      values[position * stride + tap] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    first[position] = low;
    count[position] = taps;
  }
  return { first, count, values, stride };
}

function resizeRows(image: RgbImage, width: number): RgbImage {
  const { first, count, values, stride } = weightsFor(image.width, width);
  const { data, height } = image;
  const out = new Uint8ClampedArray(width * height * 3);
  const rowBytes = image.width * 3;
  for (let y = 0, at = 0; y < height; y++) {
    const row = y * rowBytes;
    for (let x = 0; x < width; x++, at += 3) {
      let red = 1 << (PRECISION_BITS - 1);
      let green = red;
      let blue = red;
      let from = row + first[x]! * 3;
      const start = x * stride;
      const end = start + count[x]!;
      for (let k = start; k < end; k++, from += 3) {
        const weight = values[k]!;
        red = (red + Math.imul(data[from]!, weight)) | 0;
        green = (green + Math.imul(data[from + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[from + 2]!, weight)) | 0;
      }
      out[at] = red >> PRECISION_BITS;
      out[at + 1] = green >> PRECISION_BITS;
      out[at + 2] = blue >> PRECISION_BITS;
    }
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}

function resizeColumns(image: RgbImage, height: number): RgbImage {
  const { first, count, values, stride } = weightsFor(image.height, height);
  const { data, width } = image;
  const rowBytes = width * 3;
  const out = new Uint8ClampedArray(rowBytes * height);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (PRECISION_BITS - 1));
    // Four input rows at a time: one pass over the sums for four products.
    let k = y * stride;
    const end = k + count[y]!;
    let a = first[y]! * rowBytes;
    for (; k + 4 <= end; k += 4, a += 4 * rowBytes) {
      const [b, c, d] = [a + rowBytes, a + 2 * rowBytes, a + 3 * rowBytes];
      const [wa, wb, wc, wd] = [values[k]!, values[k + 1]!, values[k + 2]!, values[k + 3]!];
      for (let i = 0; i < rowBytes; i++) {
        sums[i] =
          sums[i]! +
          Math.imul(data[a + i]!, wa) +
          Math.imul(data[b + i]!, wb) +
          Math.imul(data[c + i]!, wc) +
          Math.imul(data[d + i]!, wd);
      }
    }
    for (; k < end; k++, a += rowBytes) {
      const weight = values[k]!;
      for (let i = 0; i < rowBytes; i++) sums[i] = sums[i]! + Math.imul(data[a + i]!, weight);
    }
    const base = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) out[base + i] = sums[i]! >> PRECISION_BITS;
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}
