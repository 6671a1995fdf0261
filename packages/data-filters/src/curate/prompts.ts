/**
 * Prompts of samples. For answers in text: the pictures, then the question. For boxes: one of several wordings, the
 * categories as a list, and the form of the answer that the detection verifier's format reward asks for. The seed and
 * the row's id draw the wording, so that a model does not learn one sentence.
 */
import { createHash } from "node:crypto";
import { IMAGE_MARK } from "@v-triune/schema";
import { BOX_ANSWER_FORM } from "@v-triune/verifiers/detection";

const DETECTION = [
  "Find every object of these categories in the picture:",
  "Mark all instances of each category below with a bounding box:",
  "Which objects of the following kinds does the picture show, and where are they?",
  "Give the position of each object in the picture that belongs to one of these categories:",
  "Look through the whole picture and box everything that is one of:",
  "Detect all objects of the listed categories:",
];

const GROUNDING = [
  "Find what this description refers to in the picture:",
  "Mark everything in the picture that fits this description with a bounding box:",
  "Where in the picture is the following? Give one box for each match:",
  "Point out all that the phrase below describes:",
];

/** The prompt of a sample that is answered in text. */
export function questionPrompt(question: string, pictures: number): string {
  return `${IMAGE_MARK.repeat(pictures)}${question.replaceAll(IMAGE_MARK, "").trim()}`;
}

/** The prompt of a sample that is answered with boxes. */
export function boxPrompt(task: "detection" | "grounding", labels: readonly string[], drawKey: string): string {
  const wordings = task === "detection" ? DETECTION : GROUNDING;
  const draw = createHash("md5").update(drawKey).digest().readUInt32LE(0);
  const wording = wordings[draw % wordings.length] as string;
  const list = labels.map((label) => `- ${label}`).join("\n");
  return `${IMAGE_MARK}\n${wording}\n${list}\n\n${BOX_ANSWER_FORM}`;
}
