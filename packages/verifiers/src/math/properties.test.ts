import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeMath, parse, verify } from "./index";
import { mutatedAnswers } from "./testing/mutated-answers";

/** Arithmetic over integers and x with its value at a point, built together so that the test has its own oracle. */
const formula = fc.letrec<{ tree: { latex: string; value: (x: number) => number } }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.integer({ min: 0, max: 20 }).map((n) => ({ latex: `${n}`, value: () => n })),
    fc.constant({ latex: "x", value: (x: number) => x }),
    fc
      .tuple(tie("tree"), tie("tree"))
      .map(([a, b]) => ({ latex: `(${a.latex})+(${b.latex})`, value: (x: number) => a.value(x) + b.value(x) })),
    fc
      .tuple(tie("tree"), tie("tree"))
      .map(([a, b]) => ({ latex: `(${a.latex})-(${b.latex})`, value: (x: number) => a.value(x) - b.value(x) })),
    fc
      .tuple(tie("tree"), tie("tree"))
      .map(([a, b]) => ({ latex: `(${a.latex})\\cdot(${b.latex})`, value: (x: number) => a.value(x) * b.value(x) })),
    tie("tree").map((a) => ({ latex: `(${a.latex})^2`, value: (x: number) => a.value(x) ** 2 })),
  ),
})).tree;

const asked = (latex: string): string => `$0+${latex}$`;

describe("properties", () => {
  it("whatever parses equals itself", () => {
    const answers = mutatedAnswers(7, 200);
    let parsed = 0;
    for (let i = 0; i < 3000; i++) {
      const text = answers.next().value as string;
      const verdict = judgeMath(text, text);
      if (verdict.status !== "scored") continue;
      parsed++;
      if (!verdict.correct) throw new Error(`does not equal itself: ${JSON.stringify(text)}`);
    }
    expect(parsed).toBeGreaterThan(1500);
  });

  it("two formulas are equal exactly when they agree everywhere", () => {
    fc.assert(
      fc.property(formula, formula, (a, b) => {
        const agree = [-7, -2, -1, 0, 1, 2, 3, 5, 11, 13, 17, 19, 23, 29, 31, 37, 41].every(
          (x) => a.value(x) === b.value(x),
        );
        const small = [-7, 41].every((x) => Math.abs(a.value(x)) < 2 ** 52 && Math.abs(b.value(x)) < 2 ** 52);
        fc.pre(small);
        expect(verify(parse(asked(a.latex)), parse(asked(b.latex)))).toBe(agree);
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it("comparing formulas is symmetric", () => {
    fc.assert(
      fc.property(formula, formula, (a, b) => {
        const [p, q] = [parse(asked(a.latex)), parse(asked(b.latex))];
        expect(verify(p, q)).toBe(verify(q, p));
      }),
      { numRuns: 200, seed: 12 },
    );
  });

  it("a fraction equals its reduced form and no neighbor", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999, max: 999 }),
        fc.integer({ min: 1, max: 999 }),
        fc.integer({ min: 2, max: 50 }),
        (n, d, k) => {
          const gold = parse(`$\\frac{${n}}{${d}}$`);
          expect(verify(gold, parse(`$\\frac{${n * k}}{${d * k}}$`))).toBe(true);
          expect(verify(gold, parse(`$\\frac{${n + 1}}{${d}}$`))).toBe(false);
        },
      ),
      { numRuns: 200, seed: 13 },
    );
  });

  it("a set does not depend on the order it is written in", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 8 }), (items) => {
        const gold = parse(`$\\{${items.join(",")}\\}$`);
        expect(verify(gold, parse(`$\\{${[...items].reverse().join(", ")}\\}$`))).toBe(true);
        expect(verify(gold, parse(`$\\{${[...items.slice(1), 100].join(", ")}\\}$`))).toBe(false);
      }),
      { numRuns: 150, seed: 14 },
    );
  });

  it("any text gets a verdict", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(["scored", "skipped", "error"]).toContain(judgeMath(text, `$${text}$`).status);
      }),
      { numRuns: 500, seed: 15 },
    );
  });
});

describe("fuzz", () => {
  it("4,000 mutated answers of up to 20 KB: verdicts only, the same twice", () => {
    const answers = mutatedAnswers(21, 20_000);
    let previous = "$5$";
    for (let i = 0; i < 4000; i++) {
      const text = answers.next().value as string;
      const verdict = judgeMath(previous, text);
      expect(["scored", "skipped", "error"]).toContain(verdict.status);
      if (i % 50 === 0) expect(judgeMath(previous, text)).toEqual(verdict);
      previous = text;
    }
  });
});
