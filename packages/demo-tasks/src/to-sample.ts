import type { Sample } from "@v-triune/schema";
import sharp from "sharp";
import { pictureSize } from "./drawing/canvas";
import type { DemoQuestion } from "./drawing/question";
import { sampleOf } from "./sample-of";
import type { DemoSourceName } from "./sources/index";

/** A drawn question as a row of the corpus, its picture as PNG. */
export async function toSample(source: DemoSourceName, id: string, question: DemoQuestion): Promise<Sample> {
  const png = await sharp(question.canvas.pixels, { raw: { width: pictureSize, height: pictureSize, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false })
    .toBuffer();
  return sampleOf(source, id, question, new Uint8Array(png));
}
