/** The texts of the demonstration: how a worked answer is written, and what the sample's gold answer is. */
import { pictureSize } from "./drawing/canvas";
import type { SeededRandom } from "@v-triune/rollouts";
import type { DemoAnswer, DemoBox } from "./drawing/question";

/** Boxes as Orsta writes them: a Python literal with single quotes. */
export function boxList(boxes: readonly DemoBox[]): string {
  return `[${boxes.map(({ box, label }) => `{'bbox_2d': [${box.join(", ")}], 'label': '${label}'}`).join(", ")}]`;
}

/** What stands between the answer tags. Boxes are in pixels, as Qwen2.5-VL answers. */
export function answerText(answer: DemoAnswer): string {
  switch (answer.kind) {
    case "number":
      return `\\boxed{${answer.value}}`;
    case "text":
      return `\\boxed{\\text{${answer.value}}}`;
    case "boxes":
      return boxList(answer.boxes);
    case "description":
      return answer.value;
  }
}

/** A whole worked answer, the form that both format rewards ask for. */
export function responseText(thought: string, answer: DemoAnswer): string {
  return `<think>\n${thought}\n</think>\n<answer>\n${answerText(answer)}\n</answer>`;
}

/**
 * A right answer as a base model writes it, which was never taught one form: seldom with the tags, often without
 * `\\boxed{}`, the thought first or not at all.
 */
export function freeText(thought: string, answer: DemoAnswer, random: SeededRandom): string {
  const bare = answer.kind === "boxes" ? boxList(answer.boxes) : String(answer.value);
  const form = random.int(0, 99);
  if (form < 5) return responseText(thought, answer);
  if (form < 15) return `<answer>\n${answerText(answer)}\n</answer>`;
  if (form < 30) return `${thought}\n${answerText(answer)}`;
  if (form < 70) return `${thought}\n${bare}`;
  return bare;
}

/** The gold answer in the corpus layout: boxes are whole thousandths of the picture there. */
export function groundTruth(answer: DemoAnswer): { answer: string; groundTruth: string } {
  if (answer.kind !== "boxes") return { answer: String(answer.value), groundTruth: answerText(answer) };
  const relative = answer.boxes.map(({ box, label }) => ({
    label,
    box: box.map((pixel) => Math.trunc((pixel / pictureSize) * 1000)) as unknown as DemoBox["box"],
  }));
  return { answer: boxList(relative), groundTruth: `<answer>\n${boxList(relative)}\n</answer>` };
}
