import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { number } from "./number-verifier";

/** [gold, params, response, accuracy] */
const TABLE: [string, object, string, number][] = [
  ["100", {}, "104.9", 1],
  ["100", {}, "105.1", 0],
  ["-100", {}, "-96", 1],
  ["100", { tolerance: 0 }, "100.0", 1],
  ["100", { tolerance: 0.2 }, "<answer>\n\\boxed{119}\n</answer>", 1],
  ["0", {}, "0", 1],
  ["0", {}, "0.001", 0],
  ["0.5", {}, "50%", 1],
  ["100", {}, "100 or 200", 0],
  ["100", {}, "none", 0],
  ["1,200", {}, "1.2 thousand", 1],
  ["1200000", {}, "1.2 million", 1],
  ["12", {}, "12 million", 0],
  ["12", {}, "twelve", 1],
  ["0.75", {}, "$\\frac{3}{4}$", 1],
  ["3:4", {}, "0.75", 1],
  ["3:4", {}, "0.9", 0],
  ["\\sqrt{2}", {}, "1.41", 1],
  ["2010", {}, "2008", 0],
  ["2010", {}, "In 2010.", 1],
  ["5", {}, "–5", 0],
  ["25%", {}, "25", 1],
  ["25", { tolerance: 0 }, "25%", 0],
  ["0.5", {}, "0.5%", 0],
  ["5 cm", {}, "51 mm", 1],
  ["5 cm", {}, "5 kg", 0],
  ["3", {}, "<think>2 red and 1 blue</think>3", 1],
  ["3", {}, "<think>\\boxed{3}</think>5", 0],
  ["May 2016", { text_fallback: true }, "June 2016", 0],
  ["May 2016", { text_fallback: true }, "It was in May 2016.", 1],
  ["Yes", { text_fallback: true }, "yes", 1],
  ["Yes", { text_fallback: true }, "no", 0],
];

describe("number", () => {
  it.each(TABLE)("gold %j, %j: %j → %d", (groundTruth, params, response, accuracy) => {
    expect(number.verify(response, { groundTruth, params: { ...params } })).toMatchObject({
      status: "scored",
      accuracy,
    });
  });

  it("skips a gold that is no number", () =>
    expect(number.verify("yes", { groundTruth: "Yes" })).toEqual({
      status: "skipped",
      reason: "gold: not one number",
    }));

  it("conforms", () => {
    const sample = { groundTruth: "100" };
    expect(checkVerifier(number, { samples: [sample], right: [["101", sample]], wrong: [["90", sample]] })).toEqual([]);
  });
});
