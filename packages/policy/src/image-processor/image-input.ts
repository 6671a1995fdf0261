/** What a picture may be given as, and pixels of any number of channels as RGB. */
import { ImageError } from "../input-error";
import type { RgbImage } from "./bicubic-resize";

/** Pixels without a file format: gray (1), RGB (3) or RGBA (4 bytes per pixel), rows from the top. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A path, the bytes of an image file, or raw pixels. */
export type ImageInput = string | Uint8Array | RawImage;

export interface DecodeOptions {
  /** Its name in errors, for example a dataset row. Default: the path, or "the bytes given". */
  readonly name?: string;
  readonly orientation?: "apply" | "ignore";
  readonly sixteenBitGray?: "clip" | "scale";
  /** Larger pictures are refused before they are decoded. Default 178,956,970, as in Pillow. */
  readonly maxInputPixels?: number;
}

/** Pixels above which a picture is refused: Pillow's limit against decompression bombs. */
export const MAX_INPUT_PIXELS = 178_956_970;

/** Whether a picture is pixels already. */
export function isRawImage(input: ImageInput): input is RawImage {
  return typeof input !== "string" && !(input instanceof Uint8Array);
}

/** What errors call a picture that is not pixels yet. */
export function nameOf(input: string | Uint8Array, options: DecodeOptions): string {
  return options.name ?? (typeof input === "string" ? input : `an image of ${input.length} bytes`);
}

/** The error about a picture that is refused before it is decoded. */
export function tooManyPixels(where: string, size: { width: number; height: number }, limit: number): ImageError {
  return new ImageError({
    what: "A picture has too many pixels.",
    where,
    expected: `at most ${limit} pixels`,
    found: `${size.width} x ${size.height} = ${size.width * size.height} pixels`,
    fix: "scale the picture down first, or raise maxInputPixels",
  });
}

/** @throws ImageError when the pixels do not fit the size */
export function rawToRgb(image: RawImage, options: DecodeOptions): RgbImage {
  const { width, height, data } = image;
  const pixels = width * height;
  const channels = data.length / pixels;
  if (
    !Number.isInteger(width) ||
    !Number.isInteger(height) ||
    !(width > 0) ||
    !(height > 0) ||
    ![1, 3, 4].includes(channels)
  ) {
    throw new ImageError({
      what: "Raw pixels do not fit their size.",
      where: options.name ?? "raw pixels",
      expected: "width · height · 1, 3 or 4 bytes",
      found: `${width} x ${height} and ${data.length} bytes`,
    });
  }
  return { width, height, data: toRgb(data, channels) };
}

/** One to four interleaved channels (gray, gray + alpha, RGB, RGB + alpha) to RGB, alpha composited on white. */
export function toRgb(data: Uint8Array | Uint8ClampedArray, channels: number): Uint8Array {
  if (channels === 3)
    return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
  const pixels = data.length / channels;
  const out = new Uint8Array(pixels * 3);
  const hasAlpha = channels % 2 === 0;
  const second = channels > 2 ? 1 : 0;
  const third = channels > 2 ? 2 : 0;
  for (let from = 0, to = 0; to < out.length; from += channels, to += 3) {
    const alpha = hasAlpha ? data[from + channels - 1]! : 255;
    out[to] = overWhite(data[from]!, alpha);
    out[to + 1] = overWhite(data[from + second]!, alpha);
    out[to + 2] = overWhite(data[from + third]!, alpha);
  }
  return out;
}

/**
 * value · alpha + 255 · (255 - alpha), divided by 255 with Pillow's 7 extra bits and rounding
 * (`Image.alpha_composite`).
 */
function overWhite(value: number, alpha: number): number {
  if (alpha === 255) return value;
  const weight = alpha << 7;
  const sum = value * weight + 255 * ((255 << 7) - weight) + (0x80 << 7);
  return ((sum >>> 8) + sum) >>> 15;
}
