/** Boxes in an answer, from the model's convention to pixels of the stored picture. */
import {
  BOX_ANSWER_FORM,
  type Box,
  type PictureSize,
  answeredBoxes as readBoxes,
  farCorner,
} from "@v-triune/verifiers/detection";
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

/** The boxes of an answer, as the detection verifier reads them, in pixels of a picture of the given size. */
export function answeredBoxes(response: string, seen: SeenPicture | undefined, width: number, height: number): Box[] {
  const stored = { width, height };
  const corner = answerCorner(seen, stored);
  const [x, y] = [width / corner.width, height / corner.height];
  return readBoxes(response, seen?.boxes ?? "resized-pixels").map(({ bbox, label }) => ({
    bbox: [bbox[0] * x, bbox[1] * y, bbox[2] * x, bbox[3] * y],
    label,
  }));
}

/** The coordinates of the picture's far corner in an answer. */
export function answerCorner(seen: SeenPicture | undefined, stored: PictureSize): PictureSize {
  if (seen === undefined) return stored;
  return farCorner({ convention: seen.boxes ?? "resized-pixels", seen, stored }) ?? seen;
}

/** Corners as COCO writes them. */
export function cocoBoxes(boxes: readonly Box[]): NonNullable<AnswerScore["boxes"]> {
  return boxes.map(({ bbox: [x1, y1, x2, y2], label }) => ({ label, bbox: [x1, y1, x2 - x1, y2 - y1] }));
}
