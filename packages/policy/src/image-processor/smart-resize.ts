/**
 * The size a picture is resized to before it is cut into patches.
 *
 * Both sides become multiples of `factor` (patch size × merge size: 28, or 32 for Qwen3-VL), rounded half to even as
 * Python's `round` does. If the area then leaves [minPixels, maxPixels], the picture is scaled by beta = √(area /
 * bound) and both sides are rounded down (too large) or up (too small).
 *
 * Source: `smart_resize` of transformers 5.23 (models/qwen2_vl). No deviation.
 */
import { ImageError } from "../input-error";

/** Pictures longer than this many times their width, or the other way round, are refused. */
export const MAX_ASPECT_RATIO = 200;

export interface SmartResizeOptions {
  /** Both results are multiples of it: patch size × merge size. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

/**
 * @param height rows of the picture
 * @param width columns of the picture
 * @returns the resized height and width, in pixels
 * @throws ImageError when one side is more than 200 times the other
 */
export function smartResize(
  height: number,
  width: number,
  options: SmartResizeOptions,
): { height: number; width: number } {
  const { factor, minPixels, maxPixels } = options;
  const ratio = Math.max(height, width) / Math.min(height, width);
  if (!(ratio <= MAX_ASPECT_RATIO)) {
    throw new ImageError({
      what: "A picture is too long and thin.",
      expected: `an aspect ratio of at most ${MAX_ASPECT_RATIO}`,
      found: `${width} x ${height} pixels, a ratio of ${Number(ratio.toFixed(2))}`,
      fix: "crop the picture or leave its sample out",
    });
  }
  const rounded = {
    height: roundHalfToEven(height / factor) * factor,
    width: roundHalfToEven(width / factor) * factor,
  };
  const area = rounded.height * rounded.width;
  if (area > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    const down = (side: number) => Math.max(factor, Math.floor(side / beta / factor) * factor);
    return { height: down(height), width: down(width) };
  }
  if (area < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    const up = (side: number) => Math.ceil((side * beta) / factor) * factor;
    return { height: up(height), width: up(width) };
  }
  return rounded;
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}
