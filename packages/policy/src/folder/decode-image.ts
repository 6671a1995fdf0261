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
import type { RgbImage } from "../image-processor/bicubic-resize";
import { isRawImage, nameOf, rawToRgb, tooManyPixels, toRgb } from "../image-processor/image-input";
import { type DecodeOptions, type ImageInput, MAX_INPUT_PIXELS } from "../image-processor/image-input";

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
  if (isRawImage(input)) return input;
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
  if (isRawImage(input)) return rawToRgb(input, options);
  const name = nameOf(input, options);
  const bytes = typeof input === "string" ? await readImageFile(input, name) : input;
  const header = await readHeader(bytes, name);
  const limit = options.maxInputPixels ?? MAX_INPUT_PIXELS;
  if (header.width * header.height > limit) throw tooManyPixels(name, header, limit);
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
