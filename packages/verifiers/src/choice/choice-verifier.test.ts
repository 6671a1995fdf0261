import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { choice } from "./choice-verifier";

/** [gold, choices, response, accuracy] */
const TABLE: [string, string[], string, number][] = [
  ["B", [], "B", 1],
  ["B", [], "b", 1],
  ["B", [], "(B)", 1],
  ["B", [], "(b) the dog", 1],
  ["B", [], "B. the dog", 1],
  ["B", [], "B: the dog", 1],
  ["B", [], "\\boxed{B}", 1],
  ["\\boxed{B}", [], "<answer>\nB\n</answer>", 1],
  ["B", [], "So the answer is B.", 1],
  ["B", [], "The answer is (B), not a cat", 1],
  ["B", [], "Option B", 1],
  ["B", [], "C", 0],
  ["B", [], "B and C", 0],
  ["B", [], "(B) (C)", 0],
  ["B", [], "B\nA", 0],
  ["B", [], "B\n12 cm", 1],
  ["B", [], "The answer is B. No, the answer is C.", 0],
  ["B", [], "", 0],
  ["A", [], "A cat sits on the mat", 0],
  ["B", ["a cat", "a dog"], "A dog.", 1],
  ["a dog", ["a cat", "a dog"], "B", 1],
  ["B", ["a cat", "a dog"], "a cow", 0],
];

describe("choice", () => {
  it.each(TABLE)("gold %j of %j: %j → %d", (groundTruth, choices, response, accuracy) => {
    expect(choice.verify(response, { groundTruth, params: { choices } })).toMatchObject({ status: "scored", accuracy });
  });

  it("skips a gold that is no choice", () =>
    expect(choice.verify("B", { groundTruth: "a cow" })).toMatchObject({ status: "skipped" }));

  it("names a parameter that is wrong", () => {
    expect(choice.verify("B", { groundTruth: "B", params: { choices: "a, b" } })).toEqual({
      status: "error",
      reason: 'params: choices: a list of strings expected, found "a, b"',
      code: "params",
    });
  });

  it("conforms", () => {
    const sample = { groundTruth: "B", params: { choices: ["a cat", "a dog"] } };
    expect(
      checkVerifier(choice, {
        samples: [sample],
        right: [
          ["B", sample],
          ["a dog", sample],
        ],
        wrong: [["A", sample]],
      }),
    ).toEqual([]);
  });
});
