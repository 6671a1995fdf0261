import { describe, expect, it } from "vitest";
import type { BoxConvention } from "@v-triune/verifiers";
import { rolloutBoxes } from "./rollout-boxes";

const answer = (...corners: number[]) => `<answer>\n[{'bbox_2d': [${corners.join(", ")}], 'label': 'cat'}]\n</answer>`;
const gold = answer(100, 200, 500, 500);
const frame = { width: 280, height: 140 };

describe("rolloutBoxes", () => {
  it.each<[BoxConvention, string]>([
    ["resized-pixels", answer(28, 28, 140, 70)],
    ["thousandths", answer(100, 200, 500, 500)],
    ["unit", answer(0.1, 0.2, 0.5, 0.5)],
    ["yx-thousandths", answer(200, 100, 500, 500)],
    ["thousandths", "<answer><ref>cat</ref><box>[[100, 200, 500, 500]]</box></answer>"],
  ])("draws a right box of %s on its gold box: %s", (convention, response) => {
    expect(rolloutBoxes(response, gold, { ...frame, convention })).toEqual({
      gold: [{ bbox: [100, 200, 500, 500], label: "cat" }],
      predicted: [{ bbox: [100, 200, 500, 500], label: "cat" }],
      matches: [{ gold: 0, predicted: 0, iou: 1 }],
    });
  });

  it("draws both sides as pixels where they are compared as written", () => {
    const pixels = answer(28, 28, 140, 70);
    expect(rolloutBoxes(pixels, pixels, { ...frame, convention: null })).toMatchObject({
      gold: [{ bbox: [100, 200, 500, 500] }],
      matches: [{ iou: 1 }],
    });
  });

  it("never draws boxes of the thought", () => {
    const response = `<think>${gold}</think>\n${answer(0, 0, 28, 14)}`;
    expect(rolloutBoxes(response, gold, { ...frame, convention: "resized-pixels" })?.predicted).toEqual([
      { bbox: [0, 0, 100, 100], label: "cat" },
    ]);
  });
});
