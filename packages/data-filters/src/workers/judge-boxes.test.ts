import { expect, it } from "vitest";
import { loadTextTask, type JudgeRequest } from "./text-tasks";

const answer = (...corners: number[]) => `<answer>\n[{'bbox_2d': [${corners.join(", ")}], 'label': 'cat'}]\n</answer>`;
const sizes = { seen: { width: 280, height: 140 }, stored: { width: 1000, height: 1000 } };

it.each<[JudgeRequest["boxes"], string, string]>([
  [undefined, answer(28, 28, 140, 70), "1"],
  ["resized-pixels", answer(28, 28, 140, 70), "1"],
  ["pixels", answer(100, 200, 500, 500), "1"],
  ["thousandths", answer(100, 200, 500, 500), "1"],
  ["thousandths", answer(28, 28, 140, 70), "0"],
  ["unit", answer(0.1, 0.2, 0.5, 0.5), "1"],
  ["yx-thousandths", answer(200, 100, 500, 500), "1"],
])("a response with boxes in %s is judged as such: %j", async (boxes, response, accuracy) => {
  const judge = await loadTextTask("judged");
  const request: JudgeRequest = { response, groundTruth: answer(100, 200, 500, 500), ...sizes, boxes };
  expect(judge(JSON.stringify(request))).toBe(accuracy);
});
