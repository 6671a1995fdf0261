import { describe, expect, it } from "vitest";
import { verifyGold } from "../workers/verify-gold";
import { bareFormula, boxedContents, choiceText, withoutImageMarks } from "./owner-text";

describe("bareFormula", () => {
  it.each([
    ["$3\\sqrt{2}$", "3\\sqrt{2}"],
    ["$$ 4 $$", "4"],
    ["6 \\sqrt 2", "6 \\sqrt{2}"],
    ["\\sqrt 12", "\\sqrt 12"],
    ["$a$ or $b$", "$a$ or $b$"],
    ["$5", "$5"],
  ])("%s → %s", (answer, bare) => expect(bareFormula(answer)).toBe(bare));

  it("makes a root verifiable", () => {
    expect(verifyGold("6 \\sqrt 2")).not.toBe("yes");
    expect(verifyGold(bareFormula("6 \\sqrt 2"))).toBe("yes");
  });
});

describe("choiceText", () => {
  it.each([
    ["B", "two"],
    ["(a)", "one"],
    ["b.", "two"],
    ["D", "D"],
    ["one", "one"],
  ])("%s → %s", (letter, text) => expect(choiceText(letter, ["one", "two", ""])).toBe(text));
});

describe("boxedContents", () => {
  it("takes balanced contents in order", () => {
    expect(boxedContents("\\boxed{1} then \\boxed{\\frac{1}{2}} and \\boxed{open")).toEqual(["1", "\\frac{1}{2}"]);
  });
});

describe("withoutImageMarks", () => {
  it.each([
    ["<image>\nFind x.", "Find x."],
    ["<image 1> <image2> What?", "What?"],
    ["See <image>here", "See here"],
  ])("%j → %j", (question, text) => expect(withoutImageMarks(question)).toBe(text));
});
