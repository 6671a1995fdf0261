/**
 * Prompts with what their samples say to look at: the first picture cut to `verifier_parm.look_at`, from its stored pixels.
 * Self-distillation shows it to the teacher (Vision-OPD, arXiv 2605.18740).
 */
import { type ImageInput, type Processor, type RgbImage, decodeImage } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import { type Region, cutOut, statedRegions } from "@v-triune/rollouts/tools";

/** Shortest side of what is cut out, in pixels of the stored picture. */
const LEAST_SIDE = 28;

type Seen = Pick<PreparedPrompt, "promptIds" | "images">;

/** @returns for each prompt what a model reads of it; undefined for samples that do not say where to look */
export async function lookAtPictures(
  prompts: readonly PreparedPrompt[],
  processor: Pick<Processor, "encode">,
): Promise<(Seen | undefined)[]> {
  const made = new Map<PreparedPrompt, Promise<Seen | undefined>>();
  return Promise.all(
    prompts.map((prompt) => {
      const seen = made.get(prompt) ?? lookAtPicture(prompt, processor);
      made.set(prompt, seen);
      return seen;
    }),
  );
}

async function lookAtPicture(
  { sample, text, id }: PreparedPrompt,
  processor: Pick<Processor, "encode">,
): Promise<Seen | undefined> {
  const regions = statedRegions(sample);
  const [first, ...others] = sample.images.map(({ bytes, path }): ImageInput => bytes ?? path!);
  if (!regions || first === undefined) return undefined;
  const whole = await decodeImage(first, { name: id });
  const cut = cutOut(whole, boundingBox(regions, whole));
  const { promptIds, images } = await processor.encode(text, [cut, ...others], { name: id });
  return { promptIds, ...(images ? { images } : {}) };
}

/** The box in whole pixels that holds all regions, no side shorter than `LEAST_SIDE` where the picture allows it. */
function boundingBox(regions: readonly Region[], { width, height }: RgbImage): [number, number, number, number] {
  const side = (axis: 0 | 1, length: number): [number, number] => {
    // Thousandths of a pixel are rounding.
    const from = Math.floor((Math.min(...regions.map((region) => region[axis])) * length) / 1000 + 1e-3);
    const to = Math.ceil((Math.max(...regions.map((region) => region[axis + 2]!)) * length) / 1000 - 1e-3);
    const size = Math.min(length, Math.max(to - from, LEAST_SIDE));
    const start = Math.round(Math.max(0, Math.min(length - size, (from + to - size) / 2)));
    return [start, start + size];
  };
  const [[x1, x2], [y1, y2]] = [side(0, width), side(1, height)];
  return [x1, y1, x2, y2];
}
