/**
 * The number of tokens of a query.
 *
 * Image: Qwen2.5-VL's smart resize (transformers 4.5x, `Qwen2VLImageProcessor`) rounds both sides to multiples of 28.
 * Over `maxPixels` it scales them by √(h·w / maxPixels) and rounds down, under `minPixels` by √(minPixels / (h·w)) and
 * rounds up. Each 28 × 28 pixels are one token, and the marks around the picture are two.
 *
 * Text: an upper estimate without a tokenizer: one token per 3 characters of the basic Latin block (prose has about 4,
 * LaTeX about 2.5) and one per other character.
 */

const FACTOR = 28;
const MIN_PIXELS = 3136;

/** Limits of the image processor. */
export interface PixelLimits {
  readonly minPixels?: number;
  readonly maxPixels?: number;
}

/**
 * Tokens of one picture.
 *
 * ```ts
 * imageTokens(644, 476) // 393
 * ```
 */
export function imageTokens(width: number, height: number, limits: PixelLimits = {}): number {
  const seen = resizedSize(width, height, limits);
  return (seen.width * seen.height) / (FACTOR * FACTOR) + 2;
}

/** Size in pixels of a picture after smart resize. The model sees this picture, and its boxes refer to it. */
export function resizedSize(
  width: number,
  height: number,
  limits: PixelLimits = {},
): { readonly width: number; readonly height: number } {
  const { minPixels = MIN_PIXELS, maxPixels = 12_845_056 } = limits;
  let w = Math.max(FACTOR, halfEven(width / FACTOR) * FACTOR);
  let h = Math.max(FACTOR, halfEven(height / FACTOR) * FACTOR);
  if (w * h > maxPixels) {
    const scale = Math.sqrt((width * height) / maxPixels);
    w = Math.max(FACTOR, Math.floor(width / scale / FACTOR) * FACTOR);
    h = Math.max(FACTOR, Math.floor(height / scale / FACTOR) * FACTOR);
  } else if (w * h < minPixels) {
    const scale = Math.sqrt(minPixels / (width * height));
    w = Math.ceil((width * scale) / FACTOR) * FACTOR;
    h = Math.ceil((height * scale) / FACTOR) * FACTOR;
  }
  return { width: w, height: h };
}

/** `imageTokens` as SQL over two columns; NULL if a size is not known. */
export function imageTokensSql(width: string, height: string, limits: PixelLimits = {}): string {
  const { minPixels = MIN_PIXELS, maxPixels = 12_845_056 } = limits;
  const near = (side: string): string => `greatest(1, round_even(${side} / ${FACTOR}.0, 0))`;
  const area = `(${width}::DOUBLE * ${height})`;
  const down = (side: string): string => `greatest(1, floor(${side} / sqrt(${area} / ${maxPixels}) / ${FACTOR}))`;
  const up = (side: string): string => `ceil(${side} * sqrt(${minPixels} / ${area}) / ${FACTOR})`;
  const pixels = `${near(width)} * ${near(height)} * ${FACTOR * FACTOR}`;
  const cases = [
    `WHEN ${width} IS NULL OR ${height} IS NULL OR ${width} < 1 OR ${height} < 1 THEN NULL`,
    `WHEN ${pixels} > ${maxPixels} THEN ${down(width)} * ${down(height)}`,
    `WHEN ${pixels} < ${minPixels} THEN ${up(width)} * ${up(height)}`,
    `ELSE ${near(width)} * ${near(height)}`,
  ];
  return `(CASE ${cases.join(" ")} END + 2)`;
}

/** The estimate of text tokens as SQL over a column. */
export function textTokensSql(column: string): string {
  // More bytes than characters show characters outside the basic Latin block. Characters of two bytes count half of
  // what they should, those of three bytes (Chinese) in full, which is close enough for a limit of thousands.
  const beyond = `((strlen(${column}) - length(${column})) / 2)`;
  return `(ceil(greatest(0, length(${column}) - ${beyond}) / 3.0) + ${beyond})`;
}

/** Rounds half to even, as Python's `round` does. */
function halfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
