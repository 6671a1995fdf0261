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
    ['[{"point_2d": [15, 20], "label": "button 2"}]', [15, 20]],
    ['[{"point_2d": [15, 20]}, {"point_2d": [1, 2]}]', undefined],
    ["1. (15, 20)", [15, 20]],
    ["pyautogui.click(15, 20, clicks=2)", [15, 20]],
    ["pyautogui.click(x=15, y=20)", [15, 20]],
    ["click(start_box='(15,20)')", [15, 20]],
    ["click(start_box='<|box_start|>(15,20)<|box_end|>')", [15, 20]],
    ["<|box_start|>(10,10),(20,30)<|box_end|>", [15, 20]],
    ['<point x="15.5" y="20" alt="ok 3">ok 3</point>', [15.5, 20]],
    ['{"action": "click", "coordinate": [15, 20], "times": 2}', [15, 20]],
    ['{"x": 15, "y": 20}', [15, 20]],
    ["The picture is 1280x720. Click (15, 20).", [15, 20]],
    ["15px, 20px", [15, 20]],
    ["（15，20）", [15, 20]],
    ["15%, 20%", undefined],
    ["(20, 20), (280, 280)", undefined],
    ["(15, 20) or (15, 20)", [15, 20]],
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
  ["[10, 10, 20, 30]", "<think>Not (50, 50).</think>(15, 20)", 1],
  ["[10, 10, 20, 30]", "<think>(15, 20)</think>(50, 50)", 0],
  ["[10, 10, 20, 30]", "First I saw (50, 50). The answer is (15, 20).", 1],
  ["[100, 100, 200, 200]", "(20, 20), (280, 280)", 0],
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
    ["(450, 150)", 1],
    ["(150, 450)", 0],
    ["x=150, y=450", 1],
    ["x=450, y=150", 0],
    ['{"y": 450, "x": 150}', 1],
    ["y: 450 px and x: 150 px", 1],
    ['{"point_2d": [450, 150]}', 1],
  ])("takes named coordinates by their names where others have y first: %j → %d", (response, accuracy) => {
    const sample = {
      groundTruth: "[100, 400, 200, 500]",
      params: { boxes: "yx-thousandths", gold_boxes: "thousandths" },
    };
    expect(point.verify(response, sample)).toMatchObject({ status: "scored", accuracy });
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
