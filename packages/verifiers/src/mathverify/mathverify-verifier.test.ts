import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { createMathverifyVerifier, mathverify } from "./mathverify-verifier";

const thought = (answer: string): string =>
  `<think>\nlet me see\n</think>\n<answer>\nSo it is $\\boxed{${answer}}$.\n</answer>`;

describe("mathverify", () => {
  it("conforms to the seam, hostile input included", () => {
    const findings = checkVerifier(mathverify, {
      samples: [
        { groundTruth: "\\boxed{4}" },
        { groundTruth: "\\boxed{\\frac{1}{2}}" },
        { groundTruth: "\\boxed{\\text{red}}" },
      ],
      right: [
        [thought("4"), { groundTruth: "\\boxed{4}" }],
        [thought("0.5"), { groundTruth: "\\boxed{\\frac{1}{2}}" }],
        [thought("50\\%"), { groundTruth: "\\boxed{0.5}" }],
        [thought("12\\text{ cm}"), { groundTruth: "\\boxed{12}" }],
        [thought("1{,}200"), { groundTruth: "\\boxed{1200}" }],
        [thought("\\text{Red}"), { groundTruth: "\\boxed{red}" }],
        ["The answer is \\boxed{\\text{(B)}}", { groundTruth: "\\boxed{B}" }],
        ["\\boxed{2, 1}", { groundTruth: "\\boxed{\\{1, 2\\}}" }],
      ],
      wrong: [
        [thought("5"), { groundTruth: "\\boxed{4}" }],
        [thought("0.3333"), { groundTruth: "\\boxed{\\frac{1}{3}}" }],
        ["no box, just 4", { groundTruth: "\\boxed{4}" }],
        ["", { groundTruth: "\\boxed{4}" }],
      ],
    });
    expect(findings).toEqual([]);
  });

  it("scores the format beside the accuracy", () => {
    expect(mathverify.verify(thought("4"), { groundTruth: "\\boxed{4}" })).toEqual({
      status: "scored",
      accuracy: 1,
      format: 1,
      metrics: { answer_extracted: 1 },
    });
    expect(mathverify.verify("\\boxed{4}", { groundTruth: "\\boxed{4}" })).toMatchObject({ accuracy: 1, format: 0 });
  });

  it("skips a sample whose gold answer is empty or holds nothing to read", () => {
    expect(mathverify.verify("\\boxed{4}", { groundTruth: "  " })).toMatchObject({ status: "skipped" });
    expect(mathverify.verify("\\boxed{4}", { groundTruth: "nothing here" })).toEqual({
      status: "skipped",
      reason: "the gold answer does not parse",
    });
  });

  it("scores an answer of any size, and says when it could not decide one", () => {
    const metrics = { answer_extracted: 1 };
    const wrong = { status: "scored", accuracy: 0, format: 0, metrics };
    expect(mathverify.verify("\\boxed{9^{9^{9^9}}}", { groundTruth: "\\boxed{4}" })).toEqual(wrong);
    expect(mathverify.verify("\\boxed{\\prod_{k=1}^{10^9} k}", { groundTruth: "\\boxed{4}" })).toEqual({
      ...wrong,
      reason: "undecided",
    });
  });

  it("takes its own reading and rounding", () => {
    const lenient = createMathverifyVerifier({ prediction: {}, verify: { floatRounding: 2 }, format: () => 0.5 });
    expect(lenient.verify("it is 0.333", { groundTruth: "\\boxed{1/3}" })).toMatchObject({ accuracy: 1, format: 0.5 });
  });
});
