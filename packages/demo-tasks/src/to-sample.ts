import { type Sample, detectionVerifierParm, emptyVerifierParm } from "@v-triune/schema";
import sharp from "sharp";
import { pictureSize } from "./drawing/canvas";
import type { DemoQuestion } from "./drawing/question";
import { groundTruth } from "./response";
import { type DemoSourceName, demoSources } from "./sources/index";

/** The demonstration's ratios: accuracy counts nine times as much as format, for every verifier. */
const ratios = { accuracy_ratio: 0.9, format_ratio: 0.1 };

/** A drawn question as a row of the corpus: PNG bytes, prompt with its `<image>` mark, gold answer and verifier. */
export async function toSample(source: DemoSourceName, id: string, question: DemoQuestion): Promise<Sample> {
  if (question.answer.kind === "description") {
    throw new TypeError(
      `${source}/${id}: a description has no verifier, so it can't be a sample; only the warm start asks for them.`,
    );
  }
  const png = await sharp(question.canvas.pixels, { raw: { width: pictureSize, height: pictureSize, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false })
    .toBuffer();
  const boxes = question.answer.kind === "boxes";
  const gold = groundTruth(question.answer);
  return {
    data_source: source,
    images: [{ bytes: new Uint8Array(png), path: null }],
    prompt: [{ role: "user", content: `<image>${question.question}` }],
    ability: demoSources[source].task,
    reward_model: {
      answer: gold.answer,
      ground_truth: gold.groundTruth,
      ...ratios,
      verifier: boxes ? "detection" : "mathverify",
      verifier_parm: boxes ? detectionVerifierParm() : emptyVerifierParm(),
    },
    extra_info: { id, image_path: null },
  };
}
