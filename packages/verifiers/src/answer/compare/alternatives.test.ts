import { describe, expect, it } from "vitest";
import { answer } from "../answer-verifier";

/** [gold answer, response, accuracy] */
const TABLE: [string, string, 0 | 1][] = [
  ["x=3", "x=4 or x=3", 0],
  ["3", "x=4 or x=3", 0],
  ["y=2x+1", "$y=2x+2$ or $y=2x+1$", 0],
  ["\\sqrt{2}", "\\boxed{\\sqrt{3}\\text{ or }\\sqrt{2}}", 0],
  ["5 km", "5 km or 6 km", 0],
  ["\\frac{1}{2}", "\\frac{1}{2}\n\\frac{2}{2}", 0],
  ["\\sqrt{2}", "\\sqrt{2}\n\\sqrt{1}", 0],
  ["x=3", "x=3 or 3", 1],
  ["5 km", "5 km or 5000 m", 1],
  ["\\frac{1}{2}", "\\boxed{\\frac{1}{2} \\text{ or } 0.5}", 1],
  ["y=2x+1", "2x-y+1=0 or y=2x+1", 1],
  ["x^2+2x+1", "x^2+2x\n+1", 1],
  ["\\pm 2", "x=2 or x=-2", 1],
  ["2,3", "x=2 or x=3", 1],
  ["x=2 or x=3", "x=3 or x=2", 1],
];

describe("several values where one was asked for", () => {
  it.each(TABLE)("%j: %j is worth %d", (groundTruth, response, accuracy) => {
    expect(answer.verify(response, { groundTruth })).toMatchObject({ status: "scored", accuracy });
  });
});
