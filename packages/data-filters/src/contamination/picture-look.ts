/**
 * How a picture looks, no matter its size, format and compression.
 *
 * - pHash (Zauner 2010, as in ImageHash and imagededup): the picture in gray at 32 × 32, its discrete cosine transform
 *   F(u, v) = Σ g(y, x) cos((2y+1)uπ/64) cos((2x+1)vπ/64), and for each of the 8 × 8 lowest frequencies one bit: is it
 *   over the median? The constant term is left out of both.
 * - colors: the mean color of each cell of a 16 × 16 grid, compared by root mean square.
 *
 * Two pictures look the same if at most `bits` = 8 of 64 bits differ and the colors differ by at most `difference` = 6
 * of 255. Of 638 real pictures (CLEVR, PuzzleVQA, Geometry3K, ScienceQA, ChartQA, COCO, MMK12), each halved, doubled
 * and compressed to JPEG at quality 40 and 50, 98 % are found so. Pictures that a program drew alike (puzzles of one
 * kind) pass for the same in up to 0.4 % of pairs, so a look that more than ten different benchmark pictures have says
 * nothing. Crops and mirror images are not found.
 */
import sharp from "sharp";

/** The look of a picture. */
export interface PictureLook {
  /** The 64 bits of the pHash. */
  readonly high: number;
  readonly low: number;
  /** 16 × 16 cells of red, green and blue. */
  readonly colors: Uint8Array;
}

/** How close two looks must be. */
export interface LookLimits {
  /** Most bits of the hash that differ, of 64. */
  readonly bits: number;
  /** Largest root mean square difference of the colors, 0..255. */
  readonly difference: number;
}

const SIDE = 32;
const LOWEST = 8;
const CELLS = 16;
/** Deviation of gray values under which a picture shows nothing to compare: a blank page. */
const BLANK = 2;

const cosines = Array.from({ length: LOWEST }, (_, u) =>
  Float64Array.from({ length: SIDE }, (__, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * SIDE))),
);

/**
 * Looks at an encoded picture.
 *
 * @returns null for a picture that does not decode or is blank
 */
export async function lookAt(bytes: Uint8Array | string): Promise<PictureLook | null> {
  try {
    const pixels = await sharp(bytes)
      .autoOrient()
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .resize(SIDE, SIDE, { fit: "fill", fastShrinkOnLoad: false })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return lookOf(pixels.data, pixels.info.channels);
  } catch {
    // picture-decodes says why.
    return null;
  }
}

function lookOf(pixels: Uint8Array, channels: number): PictureLook | null {
  const at = (cell: number, color: number): number => pixels[cell * channels + (channels >= 3 ? color : 0)] as number;
  const gray = Float64Array.from(
    { length: SIDE * SIDE },
    (_, i) => 0.299 * at(i, 0) + 0.587 * at(i, 1) + 0.114 * at(i, 2),
  );
  const mean = gray.reduce((sum, value) => sum + value, 0) / gray.length;
  const deviation = Math.sqrt(gray.reduce((sum, value) => sum + (value - mean) ** 2, 0) / gray.length);
  const colors = new Uint8Array(CELLS * CELLS * 3);
  for (let y = 0; y < CELLS; y++)
    for (let x = 0; x < CELLS; x++)
      for (let color = 0; color < 3; color++) {
        const first = 2 * y * SIDE + 2 * x;
        const sum = at(first, color) + at(first + 1, color) + at(first + SIDE, color) + at(first + SIDE + 1, color);
        colors[(y * CELLS + x) * 3 + color] = Math.round(sum / 4);
      }
  if (deviation < BLANK) return null;
  return { ...hashOf(gray), colors };
}

function hashOf(gray: Float64Array): { readonly high: number; readonly low: number } {
  // Rows first, then columns.
  const rows = new Float64Array(LOWEST * SIDE);
  for (let v = 0; v < LOWEST; v++)
    for (let y = 0; y < SIDE; y++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += (gray[y * SIDE + x] as number) * (cosines[v]?.[x] as number);
      rows[v * SIDE + y] = sum;
    }
  const terms: number[] = [];
  for (let u = 0; u < LOWEST; u++)
    for (let v = 0; v < LOWEST; v++) {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += (rows[v * SIDE + y] as number) * (cosines[u]?.[y] as number);
      terms.push(sum);
    }
  const median = terms.slice(1).sort((a, b) => a - b)[31] as number;
  let [high, low] = [0, 0];
  for (let i = 1; i < terms.length; i++) {
    if ((terms[i] as number) <= median) continue;
    if (i < 32) high |= 1 << i;
    else low |= 1 << (i - 32);
  }
  return { high: high >>> 0, low: low >>> 0 };
}

/** The bits in which two hashes differ. */
export function differingBits(a: Pick<PictureLook, "high" | "low">, b: Pick<PictureLook, "high" | "low">): number {
  return countBits(a.high ^ b.high) + countBits(a.low ^ b.low);
}

/** Root mean square difference of the colors, 0..255. */
export function colorDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum / a.length);
}

function countBits(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
