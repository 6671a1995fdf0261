/** The pictures as rows of a corpus, drawn from a seed; the held-out ones are the same for every seed. */
import { createHash } from "node:crypto";
import { writeSamples } from "@v-triune/data-filters";
import { type SeededRandom, createRandom } from "@v-triune/rollouts";
import { type Sample, emptyVerifierParm } from "@v-triune/schema";
import sharp from "sharp";
import { groundTruth } from "../response";
import { type ZoomQuestion, type ZoomSize, drawZoomQuestion, storedSize, zoomText } from "./zoom-question";

export const zoomSourceNames = ["zoom_tiny", "zoom_easy"] as const;
export type ZoomSourceName = (typeof zoomSourceNames)[number];

const sizeOf: Readonly<Record<ZoomSourceName, ZoomSize>> = { zoom_tiny: "tiny", zoom_easy: "easy" };
const heldOutSeed = 31338;
/** Held-out pictures of each source that training leaves out. */
const heldOutLeftOut = 100;

/** `perSource` pictures of each source, all different. */
export function* heldOutZoomQuestions(
  perSource: number,
): Generator<{ readonly source: ZoomSourceName; readonly question: ZoomQuestion }, void, undefined> {
  const seen = new Set<string>();
  for (const [stream, source] of zoomSourceNames.entries()) {
    const random = createRandom(heldOutSeed, stream);
    for (let index = 0; index < perSource; index++) yield { source, question: drawUnseen(source, random, seen) };
  }
}

function drawUnseen(source: ZoomSourceName, random: SeededRandom, seen: Set<string>): ZoomQuestion {
  for (;;) {
    const question = drawZoomQuestion(sizeOf[source], random);
    const key = fingerprint(question);
    if (seen.has(key)) continue;
    seen.add(key);
    return question;
  }
}

const fingerprint = ({ pixels }: ZoomQuestion): string => createHash("sha256").update(pixels).digest("base64");

export async function writeHeldOutZoom(path: string, perSource: number): Promise<void> {
  async function* samples(): AsyncGenerator<Sample> {
    let index = 0;
    for (const { source, question } of heldOutZoomQuestions(perSource))
      yield await zoomSample(source, `held-out-${index++}`, question);
  }
  await writeSamples(path, samples());
}

/**
 * Pictures that are not held out.
 *
 * @param easy share of easy ones, 0 to 1
 */
export async function writeZoomTraining(path: string, count: number, seed: number, easy: number): Promise<void> {
  const random = createRandom(seed, 11);
  const seen = new Set<string>();
  for (const { question } of heldOutZoomQuestions(heldOutLeftOut)) seen.add(fingerprint(question));
  async function* samples(): AsyncGenerator<Sample> {
    for (let index = 0; index < count; index++) {
      const source: ZoomSourceName = random.chance(easy) ? "zoom_easy" : "zoom_tiny";
      yield await zoomSample(source, `train-${index}`, drawUnseen(source, random, seen));
    }
  }
  await writeSamples(path, samples());
}

async function zoomSample(source: ZoomSourceName, id: string, { pixels, panels }: ZoomQuestion): Promise<Sample> {
  const gold = groundTruth({ kind: "text", value: panels[0]!.letters });
  const png = await sharp(pixels, { raw: { width: storedSize, height: storedSize, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false })
    .toBuffer();
  return {
    data_source: source,
    images: [{ bytes: new Uint8Array(png), path: null }],
    prompt: [{ role: "user", content: `<image>${zoomText}` }],
    ability: "ocr",
    reward_model: {
      answer: gold.answer,
      ground_truth: gold.groundTruth,
      accuracy_ratio: 0.9,
      format_ratio: 0.1,
      verifier: "mathverify",
      verifier_parm: emptyVerifierParm(),
    },
    extra_info: { id, image_path: null },
  };
}
