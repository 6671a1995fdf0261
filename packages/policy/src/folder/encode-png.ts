import sharp from "sharp";
import type { RgbImage } from "../image-processor/bicubic-resize";

/** A picture as a PNG file, without loss. */
export async function encodePng({ width, height, data }: RgbImage): Promise<Uint8Array> {
  const file = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return new Uint8Array(file.buffer, file.byteOffset, file.length);
}
