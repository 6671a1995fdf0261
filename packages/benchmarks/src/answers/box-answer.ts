/** Boxes in an answer, from pixels of the picture as the model saw it to the picture's own pixels. */
import { BOX_ANSWER_FORM, type Box, parseBoxes } from "@v-triune/verifiers/detection";
import type { AnswerScore, SeenPicture } from "../benchmark";

/**
 * The prompt of a detection benchmark; the form of the answer is the one that the detection verifier is trained with.
 */
export function detectionPrompt(labels: readonly string[]): string {
  return [
    "<image>",
    "Detect all objects of the listed categories:",
    ...labels.map((label) => `- ${label}`),
    "",
    BOX_ANSWER_FORM,
  ].join("\n");
}

/**
 * The boxes between the answer tags (of the whole text where there are none), in pixels of a picture of the given size.
 */
export function answeredBoxes(response: string, seen: SeenPicture | undefined, width: number, height: number): Box[] {
  const answer = /<answer>([\s\S]*?)(?:<\/answer>|$)/i.exec(response)?.[1] ?? response;
  const [x, y] = seen === undefined ? [1, 1] : [width / seen.width, height / seen.height];
  return parseBoxes(answer.trim()).map(({ bbox, label }) => ({
    bbox: [bbox[0] * x, bbox[1] * y, bbox[2] * x, bbox[3] * y],
    label,
  }));
}

/** Corners as COCO writes them. */
export function cocoBoxes(boxes: readonly Box[]): NonNullable<AnswerScore["boxes"]> {
  return boxes.map(({ bbox: [x1, y1, x2, y2], label }) => ({ label, bbox: [x1, y1, x2 - x1, y2 - y1] }));
}
