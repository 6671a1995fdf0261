import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { number } from "./number-verifier";
import { readNumber } from "./read-number";

describe("readNumber", () => {
  it.each([
    ["42", 42],
    ["-3.5", -3.5],
    ["−3", -3],
    [".5", 0.5],
    ["1,234,567.8", 1_234_567.8],
    ["$12", 12],
    ["7 km", 7],
    ["3/4", 0.75],
    ["12.5%", 0.125],
    ["12 \\%", 0.12],
    ["1.2e3", 1200],
    ["about 5.", 5],
    ["bbox_2d", undefined],
    ["5 or 6", undefined],
    ["", undefined],
    ["four", undefined],
    ["1/0", undefined],
    ["1e999", undefined],
  ])("%j → %d", (text, expected) => expect(readNumber(text)).toBe(expected));
});

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
