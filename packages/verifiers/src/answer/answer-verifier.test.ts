import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { answer, createAnswerVerifier } from "./answer-verifier";

const verdictOf = (groundTruth: string, response: string, params?: Record<string, unknown>) =>
  answer.verify(response, { groundTruth, ...(params && { params }) });

describe("answer", () => {
  it("scores a right and a wrong answer, and says whether one was read", () => {
    expect(verdictOf("5 cm", "<think>\n..\n</think>\n<answer>\n\\boxed{50\\text{ mm}}\n</answer>")).toEqual({
      status: "scored",
      accuracy: 1,
      format: 1,
      metrics: { answered: 1, undecided: 0 },
    });
    expect(verdictOf("5 cm", "\\boxed{5 km}")).toMatchObject({ accuracy: 0, metrics: { answered: 1 } });
    expect(verdictOf("5 cm", "I am not sure.")).toMatchObject({ accuracy: 0, metrics: { answered: 0 } });
  });

  it("skips a gold answer that is empty or only a placeholder", () => {
    expect(verdictOf("  ", "4")).toMatchObject({ status: "skipped", reason: "gold: it is empty" });
    expect(verdictOf("$$", "4")).toMatchObject({ status: "skipped" });
  });

  it("skips a gold answer that is not of the type that the sample says", () => {
    expect(verdictOf("red", "red", { type: "matrix" })).toEqual({
      status: "skipped",
      reason: 'gold: "red" cannot be read as type "matrix"',
    });
  });

  it("reads the gold answer as the sample says", () => {
    expect(verdictOf("12-30", "12 to 30")).toMatchObject({ accuracy: 1 });
    expect(verdictOf("12-30", "12 to 30", { type: "code" })).toMatchObject({ accuracy: 0 });
    expect(verdictOf("1, 2", "2, 1")).toMatchObject({ accuracy: 1 });
    expect(verdictOf("1, 2", "2, 1", { type: "tuple" })).toMatchObject({ accuracy: 0 });
    expect(verdictOf("(1, 2)", "1 < x < 2", { type: "interval" })).toMatchObject({ accuracy: 1 });
  });

  it.each([
    [{ type: "numbr" }, /^params: type: one of number, .* expected, found "numbr"$/],
    [{ typ: "number" }, /^params: typ: unknown to "answer", which knows type and choices$/],
    [{ choices: "a, b" }, /^params: choices: a list of strings expected, found "a, b"$/],
  ])("names what is wrong with %j", (params, reason) => {
    const verdict = verdictOf("4", "4", params);
    expect(verdict).toMatchObject({ status: "error", code: "params" });
    expect(verdict.status === "error" && verdict.reason).toMatch(reason);
  });

  it.each([
    ["B", "14 cm", 1],
    ["B", "The answer is **(B) 14 cm**.", 1],
    ["14 cm", "B", 1],
    ["14 cm", "140 mm", 1],
    ["B", "B. 16 cm", 0],
    ["B", "C. 14 cm", 0],
    ["B", "12 cm", 0],
    ["AC", "A and C", 1],
  ])("compares letters and texts of options: gold %j, response %j → %d", (gold, response, accuracy) =>
    expect(verdictOf(gold, response, { choices: ["12 cm", "14 cm", "16 cm"] })).toMatchObject({ accuracy }),
  );

  it("lets pass what a run adds for every verifier", () => {
    const run = {
      is_training: true,
      step: 1,
      total_steps: 9,
      image_grid_thw: [[1, 2, 3]],
      det_reward_ratio: {},
      type: null,
    };
    expect(verdictOf("4", "4", run)).toMatchObject({ status: "scored", accuracy: 1 });
  });

  it("never scores what cannot be decided as right, and counts it", () => {
    const tower = "\\boxed{\\sin(10^{10^{10^{10}}})}";
    expect(verdictOf("4", tower)).toMatchObject({ status: "scored", accuracy: 0, metrics: { undecided: 1 } });
  });

  it("keeps the contract of verifiers", () => {
    const samples = ["4", "\\boxed{\\frac{1}{2}}", "red bus", "B", "[2, 5)", "May 5, 2020", "x = 1, y = 2"];
    expect(
      checkVerifier(createAnswerVerifier({ name: "mine", format: () => 0.5 }), {
        samples: samples.map((groundTruth) => ({ groundTruth })),
        right: [["It is 4.", { groundTruth: "4" }]],
        wrong: [["It is 5.", { groundTruth: "4" }]],
      }),
    ).toEqual([]);
  });
});
