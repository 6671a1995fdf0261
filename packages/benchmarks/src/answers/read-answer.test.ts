import { describe, expect, it } from "vitest";
import { chosenLetter, editDistance, finalAnswer, lastNumber, similarity } from "./read-answer";
import { parsePythonLiteral } from "../files/python-literal";

describe("finalAnswer", () => {
  it.each([
    ["so \\boxed{\\frac{1}{2}} or rather \\boxed{3}", "3"],
    ["<think>\nthe answer is 4\n</think>\n<answer>\n5\n</answer>", "5"],
    ["I count. The answer is **7**.", "7"],
    ["Answer: B", "B"],
    ["\\boxed{\\text{blue}}", "blue"],
    ["no more than this.", "no more than this"],
    ["the answer depends on the light", "the answer depends on the light"],
  ])("%s", (response, expected) => expect(finalAnswer(response)).toBe(expected));
});

describe("chosenLetter", () => {
  const options = ["a red car", "two dogs", "nothing"];
  it.each([
    ["(B)", "B"],
    ["B", "B"],
    ["B.", "B"],
    ["It is not (A), it is (C).", "C"],
    ["I would choose A because B is wrong", "B"],
    ["One can see two dogs playing in the park", "B"],
    ["dogs", undefined],
    ["", undefined],
  ])("%s", (response, expected) => expect(chosenLetter(response, options)).toBe(expected));
});

describe("numbers and distances", () => {
  it.each([
    ["there are 1,234.5 of them", 1234.5],
    ["first 3, then 4", 4],
    ["twelve sheep", 12],
    ["none", undefined],
    ["-2e3", -2000],
  ])("%s", (text, expected) => expect(lastNumber(text)).toBe(expected));
  it("counts edits as Levenshtein does", () => {
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("", "abc")).toBe(3);
    expect(similarity("abcd", "abce")).toBe(0.75);
    expect(similarity("", "")).toBe(1);
  });
});

describe("parsePythonLiteral", () => {
  it.each<[string, unknown]>([
    ["['3/11', \"it's\", None, True]", ["3/11", "it's", null, true]],
    ["{'a': (1, -2.5e1), 'b': {'c': []}}", { a: [1, -25], b: { c: [] } }],
    ["{1, 2}", [1, 2]],
    ["'a' 'b'", "ab"],
    ["'tab\\t\\u00e9\\x41 \\q'", "tab\té A".replace("é A", "éA") + " \\q"],
    ["r'\\n'", "\\n"],
    ["'''two\nlines'''", "two\nlines"],
    ["(1,)", [1]],
    ["1_000", 1000],
    ["__import__('os')", undefined],
    ["[1, 2", undefined],
    ["[1 2]", undefined],
    ["", undefined],
    ["{'a': 1, 2}", undefined],
    ["[".repeat(5000), undefined],
  ])("%s", (text, value) => expect(parsePythonLiteral(text)).toEqual(value));
});
