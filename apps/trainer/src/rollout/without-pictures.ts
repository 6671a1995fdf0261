/** A sample whose pictures are gray: as many tokens, nothing to see. */
import type { Sample } from "@v-triune/schema";
import sharp from "sharp";

const GRAY = { r: 128, g: 128, b: 128 };

/** @throws DatasetError never; a picture that does not decode is left as it is, and the prompt says what is wrong with it */
export async function withoutPictures(sample: Sample): Promise<Sample> {
  return { ...sample, images: await Promise.all(sample.images.map(grayOf)) };
}

async function grayOf(image: Sample["images"][number]): Promise<Sample["images"][number]> {
  const picture = image.bytes ?? image.path;
  if (picture === null) return image;
  try {
    // As a viewer shows it.
    const { autoOrient } = await sharp(picture).metadata();
    const gray = await sharp({ create: { ...autoOrient, channels: 3, background: GRAY } })
      .png()
      .toBuffer();
    return { ...image, bytes: new Uint8Array(gray) };
  } catch {
    return image;
  }
}
