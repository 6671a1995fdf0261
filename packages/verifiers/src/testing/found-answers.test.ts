/**
 * What all verifiers share: a gold answer passes as its own answer, its wrapping does not matter, and a thought is
 * never the answer.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answer } from "../answer/answer-verifier";
import { WRAPPINGS } from "../answer/testing/wrappings";
import { choice } from "../choice/choice-verifier";
import { detection } from "../detection/detection-verifier";
import { jsonSchema } from "../json-schema/json-schema-verifier";
import { number } from "../number/number-verifier";
import { point } from "../point/point-verifier";
import { text } from "../text/text-verifier";
import type { Verifier } from "../verifier";

const small = fc.integer({ min: 0, max: 999 });
const word = fc.constantFrom("red", "bus", "STOP", "North", "café", "A1", "open");
const letter = fc.constantFrom(..."ABCD");
const box = fc
  .tuple(small, small, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), word)
  .map(([x, y, w, h, label]) => ({ bbox_2d: [x, y, x + w, y + h], label }));
const amount = fc.oneof(
  small.map(String),
  fc.tuple(small, small).map(([a, b]) => `${a}.${b}`),
  fc.tuple(small, fc.constantFrom("%", " cm", " million", " apples")).map(([a, unit]) => `${a}${unit}`),
);
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
const choices = ["12 cm", "14 cm", "a dog", "none of these"];

/** Gold answers of each verifier, and answers as a model writes them. */
const KINDS: readonly {
  readonly verifier: Verifier;
  readonly gold: fc.Arbitrary<string>;
  readonly said: fc.Arbitrary<string>;
  readonly params?: Record<string, unknown>;
  /** Wrappings that are no part of what such answers come in. */
  readonly without?: readonly string[];
}[] = [
  { verifier: answer, gold: words, said: words },
  { verifier: answer, gold: letter, said: fc.oneof(letter, fc.constantFrom(...choices)), params: { choices } },
  { verifier: choice, gold: letter, said: letter },
  { verifier: choice, gold: letter, said: fc.oneof(letter, fc.constantFrom(...choices)), params: { choices } },
  { verifier: number, gold: amount, said: amount },
  { verifier: number, gold: amount, said: amount, params: { tolerance: 0 } },
  { verifier: text, gold: words, said: words },
  { verifier: text, gold: words, said: words, params: { metric: "anls" } },
  { verifier: text, gold: words, said: words, params: { metric: "cer" } },
  {
    verifier: point,
    gold: box.map(({ bbox_2d: corners }) => JSON.stringify(corners)),
    said: fc.tuple(small, small).map(([x, y]) => `(${x}, ${y})`),
    without: ["dollar signs", "text in box"],
  },
  {
    verifier: jsonSchema,
    gold: fc.record({ n: small, word }).map((value) => JSON.stringify(value)),
    said: fc.record({ n: small, word }).map((value) => JSON.stringify(value)),
    params: { schema: { type: "object" } },
    without: ["text in box"],
  },
  {
    verifier: detection,
    gold: fc.array(box, { maxLength: 3 }).map((boxes) => JSON.stringify(boxes)),
    said: fc.array(box, { maxLength: 3 }).map((boxes) => JSON.stringify(boxes)),
    params: { epsilon: 0.5 },
    without: ["text in box"],
  },
];

const accuracyOf = (verifier: Verifier, response: string, groundTruth: string, params: Record<string, unknown>) => {
  const verdict = verifier.verify(response, { groundTruth, params });
  return verdict.status === "scored" ? verdict.accuracy : verdict.status;
};

describe.each(KINDS)("$verifier.name with $params", ({ verifier, gold, said, params = {}, without = [] }) => {
  const wrappings = WRAPPINGS.filter(([name]) => !without.includes(name));

  it("passes every gold answer as its own answer", () => {
    fc.assert(
      fc.property(gold, (groundTruth) => {
        expect(accuracyOf(verifier, groundTruth, groundTruth, params)).toBeCloseTo(1, 9);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it("gives one verdict whichever way an answer is wrapped", () => {
    fc.assert(
      fc.property(gold, said, (groundTruth, response) => {
        const plain = accuracyOf(verifier, response, groundTruth, params);
        for (const [name, wrap] of wrappings)
          expect([name, accuracyOf(verifier, wrap(response), groundTruth, params)]).toEqual([name, plain]);
      }),
      { numRuns: 150, seed: 12 },
    );
  });

  it("never reads a thought as the answer", () => {
    fc.assert(
      fc.property(gold, said, (groundTruth, response) => {
        const plain = accuracyOf(verifier, response, groundTruth, params);
        const thoughts = [`<think>${groundTruth}</think>`, `<think>\\boxed{${groundTruth}}\n</think>\n`];
        for (const thought of [...thoughts, `Use <answer></answer>.<answer>${groundTruth}</answer></think>`])
          expect([thought, accuracyOf(verifier, thought + response, groundTruth, params)]).toEqual([thought, plain]);
        expect(accuracyOf(verifier, `<think>${groundTruth}</think>`, groundTruth, params)).toBe(0);
      }),
      { numRuns: 150, seed: 13 },
    );
  });
});
