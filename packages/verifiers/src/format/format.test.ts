import { describe, expect, it } from "vitest";
import { extractAnswer } from "./answer-text";
import { countOccurrences } from "./count-occurrences";
import { detectionFormat } from "./detection-format";
import { mathverifyFormat } from "./mathverify-format";
import { STRICT_THINK_ANSWER_FORMAT, THINK_ANSWER_FORMAT, tagFormat, tagMarks } from "./tag-format";

describe("countOccurrences", () => {
  it.each([
    ["aaa", "aa", 2, 1],
    ["abcabc", "abc", 2, 2],
    ["", "a", 0, 0],
    ["abc", "", 0, 0],
  ])("%j holds %j", (text, mark, overlapping, likePython) => {
    expect(countOccurrences(text, mark)).toBe(overlapping);
    expect(countOccurrences(text, mark, { overlapping: false })).toBe(likePython);
  });
});

describe("extractAnswer", () => {
  it.each([
    ["<answer> 4 </answer>", "4"],
    ["<answer>1</answer><answer>2</answer>", "1"],
    ["<answer>a<answer>b</answer>", "a<answer>b"],
    ["</answer><answer>c</answer>", "c"],
    ["<answer>\u00a0\u2003\x1cd\n</answer>", "d"],
    ["<answer>open", undefined],
    ["", undefined],
  ])("%j → %j", (text, expected) => expect(extractAnswer(text)).toBe(expected));
});

describe("mathverifyFormat", () => {
  /** [response, score, score in compat mode] */
  it.each([
    ["<think>\nx\n</think>\n<answer>\n4\n</answer>", 1, 1],
    ["<think>x</think><answer>4</answer>", 0, 0],
    ["<think>\nx\n</think>\n4", 0.5, 0.5],
    ["<think>\n<think>\nx\n</think>\n<answer>\n4\n</answer>", 0.75, 0.75],
    ["<think>\nx\n</think>\n</think>\n<answer>\n4\n</answer>", 0.75, 1],
    ["4", 0, 0],
  ])("%j", (response, score, inCompat) => {
    expect(mathverifyFormat(response)).toBe(score);
    expect(mathverifyFormat(response, { compat: true })).toBe(inCompat);
  });
});

describe("detectionFormat", () => {
  const boxes = "[{'bbox_2d': [1, 2, 3, 4], 'label': 'a'}]";
  /** [response, score, score in compat mode] */
  it.each([
    [`<think>\nx\n</think>\n<answer>\n${boxes}\n</answer>`, 1, 1],
    [`<answer>\n${boxes}\n</answer>`, 0, 0],
    [`x<answer>${boxes}</answer>`, 0, 0],
    ["x\n<answer>\n[]\n</answer>", 0, 0],
    ["x\n<answer>\n</answer>", 0, 0],
    [`x\n<answer>\n${boxes}\n</answer>\n<answer>\n`, 0, 1],
    [`x\n<answer>\n${boxes}\n</answer>\n</answer>`, 0, 0],
    [`<answer>${boxes}</answer> \n<answer>\nnothing\n</answer>`, 0, 1],
  ])("%j", (response, score, inCompat) => {
    expect(detectionFormat(response)).toBe(score);
    expect(detectionFormat(response, { compat: true })).toBe(inCompat);
  });
});

describe("tagFormat", () => {
  it.each([
    ["<think>a</think><answer>b</answer>", 1, 1],
    ["<think>\na\n</think>\n<answer>\nb\n</answer>\n", 1, 1],
    ["so <think>a</think><answer>b</answer>", 1, 0],
    ["<think>a</think>b", 0.5, 0],
    ["</think>a<think><answer>b</answer>", 0.75, 0],
    ["<answer>b</answer><think>a</think>", 0.5, 0],
    ["", 0, 0],
  ])("%j", (response, share, strict) => {
    expect(tagFormat(response, THINK_ANSWER_FORMAT)).toBe(share);
    expect(tagFormat(response, STRICT_THINK_ANSWER_FORMAT)).toBe(strict);
  });

  it("takes any list of tags, and says what is wrong with one", () => {
    expect(tagFormat("<plan>a</plan><code>b</code>", { marks: tagMarks(["plan", "code"]) })).toBe(1);
    expect(() => tagMarks([])).toThrow("at least one tag name expected");
    expect(() => tagMarks(["a b"])).toThrow('names[0] is "a b"');
    expect(() => tagMarks(["a", "a"])).toThrow('names[1] repeats "a"');
  });
});
