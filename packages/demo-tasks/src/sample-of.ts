import { type Sample, detectionVerifierParm, emptyVerifierParm } from "@v-triune/schema";
import type { DemoQuestion } from "./drawing/question";
import { groundTruth } from "./response";
import { type DemoSourceName, demoSources } from "./sources/index";

/** The demonstration's ratios: accuracy counts nine times as much as format, for every verifier. */
const ratios = { accuracy_ratio: 0.9, format_ratio: 0.1 };

/**
 * A drawn question as a row of the corpus: prompt with its `<image>` mark, gold answer and verifier.
 *
 * @param picture its bytes as PNG, or null where the picture goes beside the sample
 */
export function sampleOf(
  source: DemoSourceName,
  id: string,
  question: DemoQuestion,
  picture: Uint8Array | null,
): Sample {
  if (question.answer.kind === "description") {
    throw new TypeError(
      `${source}/${id}: a description has no verifier, so it can't be a sample; only the warm start asks for them.`,
    );
  }
  const boxes = question.answer.kind === "boxes";
  const gold = groundTruth(question.answer);
  return {
    data_source: source,
    images: [{ bytes: picture, path: null }],
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
