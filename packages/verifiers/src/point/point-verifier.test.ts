import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { point } from "./point-verifier";
import { readPoint } from "./read-point";

describe("readPoint", () => {
  it.each([
    ["(15, 20)", [15, 20]],
    ["[15.5, 20]", [15.5, 20]],
    ["<point>15 20</point>", [15, 20]],
    ['{"point_2d": [15, 20], "label": "ok"}', [15, 20]],
    ["click at x=15, y=20", [15, 20]],
    ["[10, 10, 20, 30]", [15, 20]],
    ["15", undefined],
    ["(1, 2) or (3, 4) or (5, 6)", undefined],
    ["", undefined],
  ])("%j → %j", (text, expected) => expect(readPoint(text)).toEqual(expected));
});

/** [gold, response, accuracy] */
const TABLE: [string, string, number][] = [
  ["[10, 10, 20, 30]", "(15, 20)", 1],
  ["[10, 10, 20, 30]", "(20, 30)", 1],
  ["[10, 10, 20, 30]", "(20.1, 30)", 0],
  ["<answer>\n[{'bbox_2d': [10, 10, 20, 30], 'label': 'ok'}]\n</answer>", "<answer>\n(15, 20)\n</answer>", 1],
  ["[10, 10, 20, 30]", "there", 0],
];

describe("point", () => {
  it.each(TABLE)("gold %j: %j → %d", (groundTruth, response, accuracy) =>
    expect(point.verify(response, { groundTruth })).toMatchObject({ status: "scored", accuracy }),
  );

  it("scales pixels of the resized picture", () => {
    const sample = {
      groundTruth: "[500, 500, 600, 600]",
      params: { det_verifier_normalized: true, image_grid_thw: [[1, 280, 560]] },
    };
    expect(point.verify("(300, 150)", sample)).toMatchObject({ accuracy: 1 });
    expect(point.verify("(550, 550)", sample)).toMatchObject({ accuracy: 0 });
    expect(point.verify("(300, 150)", { ...sample, params: { det_verifier_normalized: true } })).toMatchObject({
      status: "error",
    });
  });

  it.each([
    "",
    "[1, 2, 3]",
    "[20, 10, 10, 30]",
    "[{'bbox_2d': [1, 2, 3, 4], 'label': 'a'}, {'bbox_2d': [5, 6, 7, 8], 'label': 'b'}]",
  ])("skips the gold %j", (groundTruth) => {
    expect(point.verify("(1, 2)", { groundTruth })).toMatchObject({ status: "skipped" });
  });

  it("conforms", () => {
    const sample = { groundTruth: "[10, 10, 20, 30]" };
    expect(
      checkVerifier(point, { samples: [sample], right: [["(15, 20)", sample]], wrong: [["(1, 2)", sample]] }),
    ).toEqual([]);
  });
});
