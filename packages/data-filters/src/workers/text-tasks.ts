/**
 * What is computed from text outside SQL: a language, a verdict on a gold answer, a verdict on a response, what several
 * responses agree on. Text in,
 * text out, and no state between two texts: the result is the same in this thread, in a worker, and on any number of
 * workers.
 */
import { detectionVerifierParm } from "@v-triune/schema";
import { createDetectionVerifier, mathverify, type BoxConvention } from "@v-triune/verifiers";
import type { PictureSize } from "@v-triune/verifiers/detection";
import { agreementOf } from "../golds/agreement";
import { loadLanguageIdentifier } from "./identify-language";
import { verifyGold } from "./verify-gold";

/**
 * `language`: question → ISO 639-1. `verified`: answer → `yes` or why not. `judged`: `JudgeRequest` as JSON → accuracy,
 * or empty. `agreement`: `AgreementRequest` as JSON → `Agreement` as JSON, or empty.
 */
export type TextTask = "language" | "verified" | "judged" | "agreement";

/**
 * A response and the gold it is judged against. If the gold is boxes, also the sizes of the picture as the model saw it
 * and as it is stored, and the convention of the response's boxes (default: pixels of the former).
 */
export interface JudgeRequest {
  readonly response: string;
  readonly groundTruth: string;
  readonly seen?: PictureSize;
  readonly stored?: PictureSize;
  readonly boxes?: BoxConvention | undefined;
}

/** Loads what a task needs, once per thread. */
export async function loadTextTask(task: TextTask): Promise<(text: string) => string> {
  if (task === "language") return loadLanguageIdentifier();
  if (task === "agreement") return agreementOf;
  return task === "verified" ? verifyGold : judgeResponse;
}

/** ε of the difficulty filter's IoU reward. */
const detection = createDetectionVerifier({ epsilon: 0.5, evaluationEpsilon: 0.5 });

function judgeResponse(text: string): string {
  const { response, groundTruth, seen, stored, boxes } = JSON.parse(text) as JudgeRequest;
  const verdict =
    seen === undefined
      ? mathverify.verify(response, { groundTruth })
      : detection.verify(response, {
          groundTruth,
          params: {
            ...detectionVerifierParm(),
            image_grid_thw: [[1, seen.height, seen.width]],
            ...(stored !== undefined && { image_sizes: [[stored.height, stored.width]] }),
            ...(boxes !== undefined && boxes !== "resized-pixels" && { boxes }),
            is_training: false,
            epsilon: 0.5,
          },
        });
  return verdict.status === "scored" ? String(verdict.accuracy) : "";
}
