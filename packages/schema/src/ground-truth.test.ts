import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boxedGroundTruth,
  detectionGroundTruth,
  formatBoxes,
  parseDetectionGroundTruth,
  unboxGroundTruth,
} from "./ground-truth";

describe("ground truth", () => {
  const boxes = [{ bbox_2d: [484, 227, 818, 998] as const, label: "shiba dog" }];

  it("writes what Orsta writes", () => {
    expect(detectionGroundTruth(boxes)).toBe(
      "<answer>\n[{'bbox_2d': [484, 227, 818, 998], 'label': 'shiba dog'}]\n</answer>",
    );
    expect(boxedGroundTruth("\\frac{1}{2}")).toBe("\\boxed{\\frac{1}{2}}");
    expect(formatBoxes([{ bbox_2d: [0, 0, 1, 1], label: "person's hat" }])).toBe(
      `[{'bbox_2d': [0, 0, 1, 1], 'label': "person's hat"}]`,
    );
  });

  it("reads back every list it writes", () => {
    const coordinate = fc.integer({ min: 0, max: 1000 });
    const box = fc.record({ bbox_2d: fc.tuple(coordinate, coordinate, coordinate, coordinate), label: fc.string() });
    fc.assert(
      fc.property(fc.array(box), (list) => {
        expect(parseDetectionGroundTruth(formatBoxes(list))).toEqual(list);
      }),
    );
  });

  it.each([
    "",
    "4",
    "[",
    "[{'bbox_2d': [1, 2, 3], 'label': 'a'}]",
    "[{'bbox_2d': [1, 2, 3, 4], 'label': 'a'},]",
    "[3]",
  ])("refuses %j", (text) => expect(parseDetectionGroundTruth(text)).toBeNull());

  it("takes the balanced content of the box", () => {
    expect(unboxGroundTruth("so \\boxed{\\frac{1}{2}} it is")).toBe("\\frac{1}{2}");
    expect(unboxGroundTruth("\\boxed{\\{1\\}}")).toBe("\\{1\\}");
    expect(unboxGroundTruth("\\boxed{1")).toBeNull();
    expect(unboxGroundTruth("1")).toBeNull();
  });
});
