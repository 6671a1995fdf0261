import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { editDistance } from "./edit-distance";
import { text } from "./text-verifier";

/** [metric, gold, further golds, response, accuracy] */
const TABLE: [string, string, string[], string, number][] = [
  ["exact", "Hello World", [], "hello  world", 1],
  ["exact", "Hello World", [], "hello worlds", 0],
  ["exact", "STOP", [], "<think>\nx\n</think>\n<answer>\nstop\n</answer>", 1],
  ["exact", "ﬁre", [], "fire", 1],
  ["exact", "stop", ["halt"], "halt", 1],
  ["anls", "hello", [], "hello", 1],
  ["anls", "hello", [], "hallo", 0.8],
  ["anls", "hello", [], "h", 0],
  ["anls", "ab", [], "ac", 0],
  ["anls", "kitten", ["sitting"], "sittin", 6 / 7],
  ["cer", "abcd", [], "abcx", 0.75],
  ["cer", "abcd", [], "", 0],
  ["cer", "abcd", [], "abcdefghij", 0],
  ["cer", "é😀", [], "é😀", 1],
  ["wer", "the red bus", [], "the bus", 2 / 3],
  ["wer", "stop", [], "go now please", 0],
];

describe("text", () => {
  it.each(TABLE)("%s of %j (or %j): %j → %d", (metric, groundTruth, answers, response, accuracy) => {
    const verdict = text.verify(response, { groundTruth, params: { metric, answers } });
    expect(verdict.status === "scored" ? verdict.accuracy : verdict).toBeCloseTo(accuracy, 12);
  });

  it("can tell case apart", () => {
    expect(text.verify("stop", { groundTruth: "STOP", params: { case_sensitive: true } })).toMatchObject({
      accuracy: 0,
    });
  });

  it("skips an empty gold, and does not decide what would take too long", () => {
    expect(text.verify("a", { groundTruth: "" })).toEqual({ status: "skipped", reason: "gold: empty" });
    expect(text.verify("xy".repeat(10_000), { groundTruth: "ab".repeat(10_000), params: { metric: "cer" } })).toEqual({
      status: "scored",
      accuracy: 0,
      format: 0,
      metrics: { exact: 0 },
      reason: "undecided",
    });
  });

  it("conforms", () => {
    const sample = { groundTruth: "red bus", params: { metric: "cer" } };
    expect(
      checkVerifier(text, {
        samples: [sample, { groundTruth: "red bus" }],
        right: [["Red bus", sample]],
        wrong: [["", sample]],
      }),
    ).toEqual([]);
  });
});

describe("editDistance", () => {
  const word = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });

  it("equals the recursive definition", () => {
    const slow = (a: readonly string[], b: readonly string[]): number => {
      if (a.length === 0 || b.length === 0) return a.length + b.length;
      const [first, second] = [a.slice(1), b.slice(1)];
      return a[0] === b[0] ? slow(first, second) : 1 + Math.min(slow(first, b), slow(a, second), slow(first, second));
    };
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b"), { maxLength: 5 }),
        fc.array(fc.constantFrom("a", "b"), { maxLength: 5 }),
        (a, b) => {
          expect(editDistance(a, b)).toBe(slow(a, b));
        },
      ),
    );
  });

  it("is a distance", () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        const distance = (x: string[], y: string[]) => editDistance(x, y) as number;
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, a)).toBe(0);
        expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
        expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});
