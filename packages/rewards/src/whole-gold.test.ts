import { mathverify } from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import { readingGoldsWhole, wholeGold } from "./whole-gold";

const whole = readingGoldsWhole(mathverify);
const judged = (gold: string, response: string): number | string => {
  const verdict = whole.verify(response, { groundTruth: gold });
  return verdict.status === "scored" ? verdict.accuracy : verdict.status;
};

/** Bare golds, with a piece of each that must not pass. */
const BARE = [
  ["2\\pi", "2"],
  ["5\\sqrt{2}", "5"],
  ["3x", "3"],
  ["1, 2, 3", "3"],
  ["y=2x+1", "1"],
  ["6 \\times 10^4", "4"],
  ["2^{10}", "2"],
  ["3+4i", "3"],
  ["3:4", "3"],
  ["[2,5)", "2"],
  ["\\pi", "3"],
  ["\\sqrt{2}", "2"],
  ["\\dfrac{3}{4}", "3"],
  ["\\frac{7}{2}", "7"],
  ["(1,2)", "1"],
  ["x^2+3", "3"],
  ["x<3", "3"],
  ["A", "B"],
  ["red", "der"],
  ["STOP", "POTS"],
  ["red bus", "red"],
  ["May 5, 2020", "2020"],
  ["No, it is not", "No"],
  ["-\\frac{1}{2}", "1"],
  ["10:30", "10"],
  ["50%", "0.005"],
  ["12 cm", "13"],
  ["$2\\pi$", "2"],
  ["$2\\pi", "2"],
  ["\\(2\\pi\\)", "2"],
  ["<answer>2\\pi</answer>", "2"],
  ["The answer is 2\\pi", "2"],
  ["48 / 2 = 24 clips were sold.\n#### 72", "24"],
  ["1,234", "1"],
  ["72", "7"],
  ["-0.5", "0.5"],
  ["\\{1, 2\\}", "1"],
  ["2\\text{ m}^2 + x", "2"],
] as const;

describe("a bare gold answer for mathverify", () => {
  it.each(BARE)("%s is read whole: %s does not pass", (gold, piece) => {
    const { gold: read = "" } = wholeGold(gold);
    const inside = /^\\boxed\{(.*)\}$/s.exec(read)?.[1] ?? read.replace(/^\$+|\$+$|^\\\(|\\\)$/g, "");
    expect(judged(gold, `\\boxed{${inside}}`)).toBe(1);
    expect(judged(gold, `\\boxed{${piece}}`)).toBe(0);
    expect(judged(gold, `\\boxed{\\text{${piece}}}`)).toBe(0);
  });

  it.each(["\\boxed{4}", "4", "1,234.5", "-3", "$\\frac{1}{2}$", "\\[x\\]", "", " "])("%j stays as it is", (gold) =>
    expect(wholeGold(gold)).toEqual({ gold }),
  );

  it.each([
    "Natalia sold 48 clips in April and then she sold half as many clips in May, so 72",
    "\\frac{1}{2",
    "2}",
    "<answer> </answer>",
  ])("%j is skipped with a reason", (gold) => {
    expect(whole.verify("\\boxed{2}", { groundTruth: gold })).toMatchObject({
      status: "skipped",
      reason: expect.stringMatching(/^gold: /) as unknown,
    });
  });
});
