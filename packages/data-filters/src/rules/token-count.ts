/**
 * The number of tokens of a query.
 *
 * Image: Qwen-VL's smart resize (transformers 5.23, `Qwen2VLImageProcessor`) rounds both sides to multiples of a cell's
 * side, patch size × merge size. Over `maxPixels` it scales them by √(h·w / maxPixels) and rounds down, under
 * `minPixels` by √(minPixels / (h·w)) and rounds up. Each cell is one token, and the marks around the picture are two.
 *
 * Text: an upper estimate without a tokenizer: one token per 3 characters of the basic Latin block (prose has about 4,
 * LaTeX about 2.5) and one per other character.
 */

/** The image processor's settings that count here. */
export interface PixelLimits {
  readonly minPixels?: number;
  readonly maxPixels?: number;
  /** Side of the square of pixels that one token stands for. Default 28. */
  readonly cell?: number;
}

/** The published settings of a model family, by `model_type` of config.json. */
export const familyPixels: Readonly<Record<string, Required<PixelLimits>>> = {
  qwen2_vl: { minPixels: 3136, maxPixels: 12_845_056, cell: 28 },
  qwen2_5_vl: { minPixels: 3136, maxPixels: 12_845_056, cell: 28 },
  qwen3_vl: { minPixels: 65_536, maxPixels: 16_777_216, cell: 32 },
};

const DEFAULTS = familyPixels["qwen2_5_vl"]!;

/**
 * Tokens of one picture.
 *
 * ```ts
 * imageTokens(644, 476) // 393
 * ```
 */
export function imageTokens(width: number, height: number, limits: PixelLimits = {}): number {
  const seen = resizedSize(width, height, limits);
  return (seen.width * seen.height) / (limits.cell ?? DEFAULTS.cell) ** 2 + 2;
}

/** Size in pixels of a picture after smart resize. The model sees this picture, and its boxes refer to it. */
export function resizedSize(
  width: number,
  height: number,
  limits: PixelLimits = {},
): { readonly width: number; readonly height: number } {
  const { minPixels, maxPixels, cell } = { ...DEFAULTS, ...limits };
  let w = Math.max(cell, halfEven(width / cell) * cell);
  let h = Math.max(cell, halfEven(height / cell) * cell);
  if (w * h > maxPixels) {
    const scale = Math.sqrt((width * height) / maxPixels);
    w = Math.max(cell, Math.floor(width / scale / cell) * cell);
    h = Math.max(cell, Math.floor(height / scale / cell) * cell);
  } else if (w * h < minPixels) {
    const scale = Math.sqrt(minPixels / (width * height));
    w = Math.ceil((width * scale) / cell) * cell;
    h = Math.ceil((height * scale) / cell) * cell;
  }
  return { width: w, height: h };
}

/** `imageTokens` as SQL over two columns; NULL if a size is not known. */
export function imageTokensSql(width: string, height: string, limits: PixelLimits = {}): string {
  const { minPixels, maxPixels, cell } = { ...DEFAULTS, ...limits };
  const near = (side: string): string => `greatest(1, round_even(${side} / ${cell}.0, 0))`;
  const area = `(${width}::DOUBLE * ${height})`;
  const down = (side: string): string => `greatest(1, floor(${side} / sqrt(${area} / ${maxPixels}) / ${cell}))`;
  const up = (side: string): string => `ceil(${side} * sqrt(${minPixels} / ${area}) / ${cell})`;
  const pixels = `${near(width)} * ${near(height)} * ${cell * cell}`;
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
