import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDetectionVerifier } from "./detection-verifier";

const VALID =
  "<think>\nlook\n</think>\n<answer>\n[{'bbox_2d': [10, 20, 30, 40], 'label': 'cat'}, {\"bbox_2d\": [1.5, -2, 3e2, 4], \"label\": \"dog's\"}]\n</answer>";
const PIECES = [
  "[",
  "]",
  "{",
  "}",
  "'",
  '"',
  ",",
  ":",
  "\\",
  "\n",
  "bbox_2d",
  "label",
  "1e999",
  "-0",
  "null",
  "nan",
  "<answer>",
  "</answer>",
  "\n<answer>\n",
  "\n</answer>",
  "[[",
  "]]",
  "},",
  "\ud800",
  "\u0000",
  "9".repeat(40),
];

/** A valid answer with pieces cut out and put in. */
const mutated = fc
  .array(fc.record({ at: fc.nat(VALID.length), cut: fc.nat(12), piece: fc.constantFrom(...PIECES) }), { maxLength: 12 })
  .map((edits) => edits.reduce((text, { at, cut, piece }) => text.slice(0, at) + piece + text.slice(at + cut), VALID));
const anyText = fc.oneof(mutated, fc.string({ unit: "binary", maxLength: 200 }));

describe("detection, on 4,000 generated and mutated texts on both sides", () => {
  it.each([false, true])("gives a verdict in range, the same twice (compat %s)", (compat) => {
    const verifier = createDetectionVerifier({ compat });
    fc.assert(
      fc.property(anyText, anyText, (response, groundTruth) => {
        const verdict = verifier.verify(response, {
          groundTruth,
          params: {
            det_reward_ratio: { iou_max_label_first: 1, iou_max_iou_first: 0.5, iou_completeness: 0.3, map: 0.5 },
          },
        });
        if (verdict.status === "scored") {
          expect(verdict.accuracy).toBeGreaterThanOrEqual(0);
          expect(verdict.accuracy).toBeLessThanOrEqual(1 + 1e-12);
          expect([0, 1]).toContain(verdict.format);
          for (const value of Object.values(verdict.metrics)) expect(Number.isFinite(value) || compat).toBe(true);
        }
        expect(
          verifier.verify(response, {
            groundTruth,
            params: {
              det_reward_ratio: { iou_max_label_first: 1, iou_max_iou_first: 0.5, iou_completeness: 0.3, map: 0.5 },
            },
          }),
        ).toEqual(verdict);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads at least every box that the original reads", () => {
    const [original, ours] = [createDetectionVerifier({ compat: true }), createDetectionVerifier()];
    fc.assert(
      fc.property(mutated, (response) => {
        fc.pre(!/1e999|9{40}/.test(response)); // boxes without bounds count in the original and are dropped here
        fc.pre(response.split("<answer>").length === 2 && response.split("</answer>").length === 2); // which block counts differs
        const sample = {
          groundTruth: "<answer>\n[{'bbox_2d': [10, 20, 30, 40], 'label': 'cat'}]\n</answer>",
          params: { det_reward_ratio: { iou_max_label_first: 1 } },
        };
        const [one, two] = [original.verify(response, sample), ours.verify(response, sample)];
        if (one.status === "scored" && two.status === "scored" && one.accuracy > 0)
          expect(two.accuracy).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });
});
