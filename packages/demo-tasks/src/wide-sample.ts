/** The demonstration's pictures somewhere on a larger, empty ground, for experiments with where to look. */
import type { SeededRandom } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import sharp from "sharp";
import { cellSize, cellsPerSide, pictureSize } from "./drawing/canvas";
import type { DemoQuestion } from "./drawing/question";
import { sampleOf } from "./sample-of";
import { type DemoSourceName, demoSourceNames, demoSources } from "./sources/index";

/**
 * Side of a wide picture in pixels: one cell more. The demonstration's models never saw one, and answer half as well;
 * at twice the side they write nothing of sense.
 */
const wideSize = pictureSize + cellSize;
/** The ground of the demonstration's pictures. */
const ground = { r: 122, g: 116, b: 104 };

/** Sources whose answers hold no coordinates: what is cut out of the picture has the same answer. */
export const wideSourceNames = demoSourceNames.filter(
  (name) => !["detection", "grounding"].includes(demoSources[name].task),
);

/** A drawn question about a wide picture; `verifier_parm.look_at` says where the drawn one lies in it. */
export async function toWideSample(
  source: DemoSourceName,
  id: string,
  question: DemoQuestion,
  random: SeededRandom,
): Promise<Sample> {
  const cells = wideSize / cellSize - cellsPerSide;
  const [left, top] = [cellSize * random.int(0, cells), cellSize * random.int(0, cells)];
  const size = { width: pictureSize, height: pictureSize };
  const png = await sharp({ create: { width: wideSize, height: wideSize, channels: 3, background: ground } })
    .composite([{ input: Buffer.from(question.canvas.pixels), raw: { ...size, channels: 3 }, left, top }])
    .png({ compressionLevel: 6, adaptiveFiltering: false })
    .toBuffer();
  const sample = sampleOf(source, id, question, new Uint8Array(png));
  const region = [left, top, left + pictureSize, top + pictureSize].map((pixel) => (1000 * pixel) / wideSize);
  const { reward_model: reward } = sample;
  const parameters = { ...reward.verifier_parm, look_at: [region] };
  return { ...sample, reward_model: { ...reward, verifier_parm: parameters } };
}
