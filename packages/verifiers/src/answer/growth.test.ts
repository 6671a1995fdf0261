import { describe, expect, it } from "vitest";
import { explain } from "./explain";

/** Texts that make a careless search take quadratic time, by their length. */
const LONG_TEXTS: readonly (readonly [name: string, make: (length: number) => string])[] = [
  ["blanks", (n) => `x${" ".repeat(n)}x`],
  ["newlines", (n) => "a\n".repeat(n / 2)],
  ["boxes", (n) => "\\boxed{1} ".repeat(n / 10)],
  ["boxes that never close", (n) => "\\boxed{".repeat(n / 7)],
  ["answer tags that never close", (n) => "<answer>".repeat(n / 8)],
  ["empty answer tags", (n) => "<answer></answer>".repeat(n / 17)],
  ["ends of thoughts", (n) => "</think>".repeat(n / 8)],
  ["announcements", (n) => "The answer is ".repeat(n / 14)],
  ["announced answers", (n) => "The answer is 5. ".repeat(n / 17)],
  ["changes of mind", (n) => `\\boxed{4} ${"wait, actually ".repeat(n / 15)}`],
  ["digits", (n) => `\\boxed{${"9".repeat(n)}}`],
  ["words in a box", (n) => `\\boxed{\\text{${"ab ".repeat(n / 3)}}}`],
  ["fractions", (n) => "\\frac{1}{2}+".repeat(n / 12)],
  ["prose", (n) => "There are 12 apples and it is 5 or 6, because of the rest. ".repeat(n / 59)],
  ["keys of an object", (n) => `${'{"answer": "'.repeat(n / 12)}}`],
  ["dollar signs", (n) => "$".repeat(n)],
  ["stars", (n) => "**a** ".repeat(n / 6)],
  ["underscores in a box", (n) => `\\boxed{${"_".repeat(n)}}`],
];

/**
 * Below this, in milliseconds, a doubling is not told apart from the turns that other processes take. A search in
 * quadratic time needs far longer for 100,000 characters.
 */
const NOISE = 25;

/** Milliseconds of one verdict. */
function timed(gold: string, response: string): number {
  const start = performance.now();
  explain(gold, response);
  return performance.now() - start;
}

/**
 * Fastest verdicts on a text and on one twice as long. A busy machine makes single runs slow, so that up to 20 rounds
 * are taken.
 */
function fastest(gold: string, make: (length: number) => string): { half: number; all: number } {
  const [short, long] = [make(50_000), make(100_000)];
  let [half, all] = [Infinity, Infinity];
  for (let round = 0; round < 20; round++) {
    half = Math.min(half, timed(gold, short));
    all = Math.min(all, timed(gold, long));
    if (round >= 2 && (all < NOISE || all / half < 2.6)) break;
  }
  return { half, all };
}

describe("answer takes time in proportion to a long response", () => {
  it.each(LONG_TEXTS)("of %s", (_, make) => {
    for (const gold of ["4", "red bus", "[2, 5)", "B"]) {
      const { half, all } = fastest(gold, make);
      expect(all).toBeLessThan(250);
      if (all >= NOISE) expect(all / half).toBeLessThan(2.6);
    }
  });
});
