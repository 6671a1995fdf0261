/**
 * Pictures as transformers sees them: 8-bit RGB, decoded by sharp (libvips) where its pixels equal Pillow's.
 *
 * - JPEG (all samplings, progressive), PNG (palette, transparency by color or palette, 1 to 16 bits), GIF (first
 *   frame), WebP and TIFF give the bytes of Pillow 12.2. Color profiles are ignored, as Pillow ignores them. AVIF
 *   differs by a few levels, because the two libraries enlarge the chroma planes by other filters.
 * - Transparency is composited on white with Pillow's integer rounding (transformers 5; 4.57 drops alpha instead).
 * - CMYK: channel = k' - c·k' / 255 with k' = 255 - k, as Pillow; no color management.
 * - 16-bit color keeps the high byte. 16-bit *gray* is clipped at 255, which makes most such pictures white: that is
 *   what Pillow's conversion does, and so what a model served by transformers or vLLM sees. `sixteenBitGray: "scale"`
 *   keeps the high byte instead.
 * - EXIF orientation is applied, as `load_image` of transformers does; `Image.open` alone does not (`orientation:
 *   "ignore"`).
 */
import { readFile } from "node:fs/promises";
import sharp from "sharp";
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

const FORMATS = ["jpeg", "png", "webp", "gif", "tiff", "heif"];
const READABLE = "a JPEG, PNG, WebP, GIF, TIFF or AVIF file";

/**
 * The size that a picture will have when it is decoded, from its header alone.
 *
 * @throws ImageError when the file is absent or is no picture; damage behind the header is not seen
 */
export async function imageSize(
  input: ImageInput,
  options: DecodeOptions = {},
): Promise<{ readonly width: number; readonly height: number }> {
  if (typeof input !== "string" && !(input instanceof Uint8Array)) return input;
  const name = nameOf(input, options);
  const header = await readHeader(typeof input === "string" ? await readImageFile(input, name) : input, name);
  return (options.orientation ?? "apply") === "apply" ? header.upright : header;
}

/**
 * Decodes a picture to 8-bit RGB.
 *
 * @throws ImageError when the file is absent, is no picture, is cut off, or has more than `maxInputPixels` pixels
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions = {}): Promise<RgbImage> {
  if (typeof input !== "string" && !(input instanceof Uint8Array)) return rawToRgb(input, options);
  const name = nameOf(input, options);
  const bytes = typeof input === "string" ? await readImageFile(input, name) : input;
  const header = await readHeader(bytes, name);
  const limit = options.maxInputPixels ?? MAX_INPUT_PIXELS;
  const pixels = header.width * header.height;
  if (pixels > limit) {
    throw new ImageError({
      what: "A picture has too many pixels.",
      where: name,
      expected: `at most ${limit} pixels`,
      found: `${header.width} x ${header.height} = ${pixels} pixels`,
      fix: "scale the picture down first, or raise maxInputPixels",
    });
  }
  const cmyk = header.space === "cmyk";
  const wideGray = header.space === "grey16" && !header.hasAlpha && (options.sixteenBitGray ?? "clip") === "clip";
  // "truncated" is the only failure level at which files that Pillow reads (stray bytes, odd headers) are read as well.
  let pipeline = sharp(bytes, { ignoreIcc: true, failOn: "truncated", limitInputPixels: limit });
  if ((options.orientation ?? "apply") === "apply") pipeline = pipeline.autoOrient();
  if (cmyk) pipeline = pipeline.pipelineColourspace("cmyk").toColourspace("cmyk");
  if (wideGray) pipeline = pipeline.toColourspace("grey16");
  try {
    const { data, info } = await pipeline
      .raw(wideGray ? { depth: "ushort" } : {})
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    if (cmyk) return { width, height, data: cmykToRgb(data) };
    if (wideGray) return { width, height, data: wideGrayToRgb(data) };
    return { width, height, data: toRgb(data, info.channels) };
  } catch (cause) {
    throw new ImageError({
      what: "A picture cannot be decoded.",
      where: name,
      expected: "a complete, undamaged file",
      found: reason(cause),
      fix: "fetch the picture again or leave its sample out",
      cause,
    });
  }
}

function nameOf(input: string | Uint8Array, options: DecodeOptions): string {
  return options.name ?? (typeof input === "string" ? input : `an image of ${input.length} bytes`);
}

async function readImageFile(path: string, name: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ImageError({
      what: "A picture cannot be read.",
      where: name,
      found: reason(cause),
      fix: "check the path; relative paths count from the working folder",
      cause,
    });
  }
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** The size after the EXIF orientation is applied. */
  readonly upright: { readonly width: number; readonly height: number };
  readonly space: string;
  readonly hasAlpha: boolean;
}

async function readHeader(bytes: Uint8Array, name: string): Promise<Header> {
  let found: string;
  let cause: unknown;
  try {
    const { format, width, height, autoOrient, space, hasAlpha } = await sharp(bytes, {
      limitInputPixels: false,
    }).metadata();
    if (FORMATS.includes(format)) return { width, height, upright: autoOrient, space, hasAlpha };
    found = format;
  } catch (error) {
    cause = error;
    found =
      bytes.length === 0
        ? "no bytes"
        : `${bytes.length} bytes that begin with ${Buffer.from(bytes.subarray(0, 8)).toString("hex")}`;
  }
  throw new ImageError({
    what: "This is not a picture that can be read.",
    where: name,
    expected: READABLE,
    found,
    fix: "convert the picture, or leave its sample out",
    ...(cause === undefined ? {} : { cause }),
  });
}

function rawToRgb(image: RawImage, options: DecodeOptions): RgbImage {
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
function toRgb(data: Uint8Array | Uint8ClampedArray, channels: number): Uint8Array {
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

function cmykToRgb(data: Uint8Array): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const white = 255 - data[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = data[from + channel]! * white + 128;
      out[to++] = white - (((product >> 8) + product) >> 8);
    }
  }
  return out;
}

function wideGrayToRgb(data: Buffer): Uint8Array {
  const out = new Uint8Array((data.length / 2) * 3);
  for (let from = 0, to = 0; from < data.length; from += 2, to += 3)
    out.fill(data[from + 1] === 0 ? data[from]! : 255, to, to + 3);
  return out;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
}
