/**
 * Pictures by the browser's own decoder. PNG gives the pixels that `decodeImage` gives in Node; of a JPEG, decoders may
 * differ by a level or two. Transparency is composited on white, and the orientation in a picture's EXIF data applied,
 * as there. Color profiles are ignored.
 */
import type { RgbImage } from "../image-processor/bicubic-resize";
import {
  type DecodeOptions,
  type ImageInput,
  isRawImage,
  MAX_INPUT_PIXELS,
  nameOf,
  type RawImage,
  rawToRgb,
  tooManyPixels,
} from "../image-processor/image-input";
import { ImageError } from "../input-error";

interface Bitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}

interface Context {
  drawImage(picture: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): RawImage;
}

// What is used of the browser: the workspace is compiled without its types.
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => { getContext(kind: "2d", options: { readonly willReadFrequently: boolean }): Context };
declare const createImageBitmap: (
  picture: Blob,
  options: Readonly<Record<"colorSpaceConversion" | "premultiplyAlpha" | "imageOrientation", string>>,
) => Promise<Bitmap>;

/**
 * Decodes a picture to 8-bit RGB. Works in workers too.
 *
 * @throws ImageError for a path, for bytes that are no picture, and for more than `maxInputPixels` pixels
 */
export async function decodeImageInBrowser(input: ImageInput, options: DecodeOptions = {}): Promise<RgbImage> {
  if (isRawImage(input)) return rawToRgb(input, options);
  const where = nameOf(input, options);
  const picture = await bitmapOf(input, where, options);
  try {
    const { width, height } = picture;
    const limit = options.maxInputPixels ?? MAX_INPUT_PIXELS;
    if (width * height > limit) throw tooManyPixels(where, picture, limit);
    const canvas = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    canvas.drawImage(picture, 0, 0);
    return rawToRgb(canvas.getImageData(0, 0, width, height), options);
  } finally {
    picture.close();
  }
}

/** The size that a picture has when it is decoded. @throws ImageError as `decodeImageInBrowser` */
export async function imageSizeInBrowser(
  input: ImageInput,
  options: DecodeOptions = {},
): Promise<{ readonly width: number; readonly height: number }> {
  if (isRawImage(input)) return input;
  const picture = await bitmapOf(input, nameOf(input, options), options);
  const { width, height } = picture;
  picture.close();
  return { width, height };
}

async function bitmapOf(
  bytes: string | Uint8Array,
  where: string,
  { orientation = "apply" }: DecodeOptions,
): Promise<Bitmap> {
  if (typeof bytes === "string") {
    throw new ImageError({
      what: "A browser cannot read a picture by its path.",
      where,
      expected: "the bytes of the picture, or its pixels",
      fix: "fetch the picture and give its bytes",
    });
  }
  try {
    return await createImageBitmap(new Blob([bytes.slice()]), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: orientation === "apply" ? "from-image" : "none",
    });
  } catch (cause) {
    throw new ImageError({
      what: "This is not a picture that the browser can read.",
      where,
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "convert the picture to PNG or JPEG, or leave its sample out",
      cause,
    });
  }
}
