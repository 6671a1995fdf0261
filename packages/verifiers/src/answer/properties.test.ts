import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explain } from "./explain";
import { ownTable } from "./testing/labeled-tables";
import { PIECES } from "./testing/random-texts";
import { WRAPPINGS } from "./testing/wrappings";

const verdictOf = (gold: string, response: string) => explain(gold, response).verdict;

/** Answers as people write them, of every type. */
const digits = fc.integer({ min: 0, max: 99_999 }).map(String);
const word = fc.constantFrom(
  "red",
  "North Korea",
  "cylinder",
  "STOP",
  "Tom",
  "light blue",
  "三角形",
  "no solution",
  "Yes",
);
const number = fc.oneof(
  digits,
  fc.tuple(fc.integer({ min: -999, max: 999 }), fc.integer({ min: 0, max: 99 })).map(([a, b]) => `${a}.${b}`),
  fc.tuple(digits, fc.integer({ min: 1, max: 99 })).map(([a, b]) => `\\frac{${a}}{${b}}`),
  digits.map((a) => `${a}%`),
  fc.tuple(digits, fc.constantFrom("cm", "km/h", "apples", "^\\circ", "m^2", "元")).map(([a, unit]) => `${a} ${unit}`),
  fc.tuple(digits, fc.integer({ min: 2, max: 30 })).map(([a, b]) => `${a} \\times 10^{${b}}`),
);
const formula = fc.oneof(
  digits.map((a) => `${a}\\sqrt{2}`),
  fc.tuple(digits, digits).map(([a, b]) => `${a}x^2+${b}x-1`),
  fc.tuple(digits, digits).map(([a, b]) => `y=${a}x+${b}`),
  fc.tuple(digits, digits).map(([a, b]) => `(${a},${b})`),
  fc.tuple(digits, digits).map(([a, b]) => `[${a},${b})`),
  digits.map((a) => `x>${a}`),
  fc.tuple(digits, digits).map(([a, b]) => `${a}:${b}`),
);
const listed = fc.array(fc.oneof(number, word), { minLength: 2, maxLength: 4 }).map((items) => items.join(", "));
const answers = fc.oneof(
  number,
  word,
  formula,
  listed,
  fc.constantFrom("B", "ACD", "May 5, 2020", "7:15 pm", "2 h 30 min", "10-20", "A123"),
);

describe("answer", () => {
  it("passes every gold answer that it does not skip", () => {
    const text = fc.oneof(answers, fc.string({ maxLength: 60 }), fc.string({ unit: "grapheme", maxLength: 40 }));
    fc.assert(
      fc.property(text, (gold) => {
        expect(["right", "skipped"]).toContain(verdictOf(gold, gold));
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  it("passes every gold answer in twelve wrappings", () => {
    fc.assert(
      fc.property(answers, fc.constantFrom(...WRAPPINGS), (gold, [name, wrap]) => {
        expect([name, gold, verdictOf(gold, wrap(gold))]).toEqual([name, gold, "right"]);
      }),
      { numRuns: 1500, seed: 2 },
    );
  });

  it("gives one verdict whichever way an answer is wrapped", () => {
    fc.assert(
      fc.property(answers, answers, (gold, response) => {
        const verdicts = new Set(WRAPPINGS.map(([, wrap]) => verdictOf(gold, wrap(response))));
        expect([gold, response, [...verdicts]]).toEqual([gold, response, [verdictOf(gold, response)]]);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it("never throws, whatever the two texts", () => {
    const pieces = fc
      .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3 })), { maxLength: 12 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(pieces, pieces, (gold, response) => {
        expect(["right", "wrong", "skipped"]).toContain(verdictOf(gold, response));
      }),
      { numRuns: 3000, seed: 4 },
    );
  });

  it("reports places that lie in the response", () => {
    for (const { gold, response } of ownTable("tuned"))
      for (const { start, end, text, how } of explain(gold, response).places ?? []) {
        expect(start).toBeLessThanOrEqual(end);
        if (how !== "boxes" && how !== "data") expect(response.slice(start, end)).toBe(text);
      }
  });

  it("explains every verdict in plain data", () => {
    for (const { gold, response } of ownTable("tuned")) {
      const explanation = explain(gold, response);
      expect(explanation.reason).not.toBe("");
      expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
    }
  });
});
