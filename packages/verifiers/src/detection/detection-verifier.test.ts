import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import type { Verdict } from "../verifier";
import { createDetectionVerifier, detection } from "./detection-verifier";

type BoxTuple = readonly [x1: number, y1: number, x2: number, y2: number, label: string];

const list = (...boxes: BoxTuple[]) =>
  `[${boxes.map(([x1, y1, x2, y2, label]) => `{'bbox_2d': [${x1}, ${y1}, ${x2}, ${y2}], 'label': '${label}'}`).join(", ")}]`;
const respond = (...boxes: BoxTuple[]) => `<think>\nlook\n</think>\n<answer>\n${list(...boxes)}\n</answer>`;
const gold = (...boxes: BoxTuple[]) => `<answer>\n${list(...boxes)}\n</answer>`;
const RATIOS = { iou_max_label_first: 1, iou_max_iou_first: 0, iou_completeness: 0.3, map: 0, map50: 0, map75: 0 };

function scored(verdict: Verdict): Extract<Verdict, { status: "scored" }> {
  if (verdict.status !== "scored") throw new Error(`scored expected, found ${JSON.stringify(verdict)}`);
  return verdict;
}

describe("detection", () => {
  it("conforms to the Verifier contract", () => {
    const sample = {
      groundTruth: gold([0, 0, 10, 10, "cat"], [20, 20, 40, 40, "dog"]),
      params: { det_reward_ratio: RATIOS },
    };
    const findings = checkVerifier(detection, {
      samples: [sample, { ...sample, params: { det_verifier_normalized: true, image_grid_thw: [[1, 448, 448]] } }],
      right: [[respond([0, 0, 10, 10, "cat"], [20, 20, 40, 40, "Dog"]), sample]],
      wrong: [[respond([50, 50, 60, 60, "cat"], [70, 70, 90, 90, "dog"]), sample]],
      longestMs: 3000,
    });
    expect(findings).toEqual([]);
  });

  it("scores label-first with completeness, as computed by hand", () => {
    // One of two gold boxes at IoU 0.8: mean IoU 0.4, miss 1/2, no false alarm, completeness 0.75, one box too few.
    const verdict = createDetectionVerifier({ epsilon: 0.5 }).verify(respond([0, 0, 10, 8, "cat"]), {
      groundTruth: gold([0, 0, 10, 10, "cat"], [20, 20, 40, 40, "dog"]),
    });
    expect(scored(verdict).accuracy).toBeCloseTo((0.4 * 0.7 + 0.75 * 0.3) * 0.6, 14);
  });

  it("counts an IoU only when it reaches epsilon", () => {
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"]) };
    const at = (epsilon: number) =>
      scored(createDetectionVerifier({ epsilon }).verify(respond([0, 0, 10, 8, "cat"]), sample)).accuracy;
    expect(at(0.8)).toBeCloseTo(0.8 * 0.7 + 0.3, 14);
    expect(at(0.81)).toBe(0);
  });

  it("reports how far boxes overlap where it is asked to, whatever the answer", () => {
    const groundTruth = gold([0, 0, 10, 10, "cat"], [20, 20, 40, 40, "dog"]);
    const of = (response: string, params: object, golds = groundTruth) => {
      const { mean_iou, epsilon_recall } = scored(
        detection.verify(response, { groundTruth: golds, params: { report_overlap: true, ...params } }),
      ).metrics;
      return [mean_iou, epsilon_recall];
    };
    // IoUs 0.8 and 0.25.
    const half = respond([0, 0, 10, 8, "cat"], [20, 20, 30, 30, "dog"]);
    expect(of(half, { epsilon: 0.5 })).toEqual([0.525, 0.5]);
    expect(of(half, { epsilon: 0.2 })).toEqual([0.525, 1]);
    // "average": 0.8 reaches seven of the eleven thresholds.
    expect(of(half, {})[1]).toBeCloseTo((7 / 11) * 0.5, 12);
    expect(of(respond([0, 0, 10, 8, "dog"]), { epsilon: 0.5 })).toEqual([0, 0]);
    expect(of("no boxes", { epsilon: 0.5 })).toEqual([0, 0]);
    expect(of(respond(), {}, gold())).toEqual([1, 1]);
    expect(of(half, {}, gold())).toEqual([0, 0]);
    expect(of(half, { report_overlap: false })).toEqual([undefined, undefined]);
    expect(detection.verify(half, { groundTruth, params: { report_overlap: "yes" } })).toMatchObject({
      code: "params",
    });
  });

  it("scales pixels of the resized picture to 0..1000 and truncates", () => {
    const sample = {
      groundTruth: gold([500, 250, 999, 750, "cat"]),
      params: { det_verifier_normalized: true, image_grid_thw: [[1, 280, 560]] },
    };
    expect(scored(detection.verify(respond([280, 70, 559.9, 210, "cat"]), sample)).accuracy).toBeCloseTo(1, 12);
  });

  it("takes epsilon from the sample before its own", () => {
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"]), params: { epsilon: 0.9 } };
    expect(
      scored(createDetectionVerifier({ epsilon: 0.5 }).verify(respond([0, 0, 10, 8, "cat"]), sample)).accuracy,
    ).toBe(0);
  });

  it("follows the schedule by training step", () => {
    const accuracy = (step: number) =>
      scored(
        createDetectionVerifier({ epsilon: "dynamic" }).verify(respond([0, 0, 100, 90, "cat"]), {
          groundTruth: gold([0, 0, 100, 100, "cat"]),
          params: { step, total_steps: 100, is_training: true },
        }),
      ).accuracy;
    expect(accuracy(10)).toBeCloseTo(0.93, 14);
    expect(accuracy(11)).toBe(0);
  });

  it("says which parameter is wrong instead of scoring", () => {
    const groundTruth = gold([0, 0, 10, 10, "cat"]);
    const verdict = detection.verify(respond([0, 0, 10, 10, "cat"]), {
      groundTruth,
      params: { det_reward_ratio: { ...RATIOS, map: 2 } },
    });
    expect(verdict).toEqual({
      status: "error",
      reason: "params: det_reward_ratio.map: a number in [0, 1] expected, found 2",
      code: "params",
    });
    expect(
      createDetectionVerifier({ epsilon: "dynamic" }).verify(respond([0, 0, 10, 10, "cat"]), { groundTruth }),
    ).toEqual({
      status: "error",
      reason: 'params: epsilon "dynamic" needs step and total_steps',
      code: "params",
    });
  });

  it("rejects impossible settings", () => {
    expect(() => createDetectionVerifier({ epsilon: 0 })).toThrow("epsilon is 0, expected");
    expect(() => createDetectionVerifier({ evaluationEpsilon: 7 })).toThrow("evaluationEpsilon is 7, expected");
    expect(() => createDetectionVerifier({ sizePenalty: "linear" as "none" })).toThrow(
      "sizePenalty is linear, expected one of size-difference, surplus",
    );
    expect(() => createDetectionVerifier({ labelMatching: "best" as "optimal" })).toThrow(
      "labelMatching is best, expected greedy or optimal",
    );
    expect(() => createDetectionVerifier({ epsilon: undefined, schedule: undefined })).not.toThrow();
    expect(() => createDetectionVerifier({ schedule: [] })).toThrow("at least one stage");
  });

  it("does not decide an answer of thousands of boxes against thousands", () => {
    const boxes = Array.from({ length: 3000 }, (_, i): BoxTuple => [i, i, i + 9, i + 9, "a"]);
    expect(detection.verify(respond(...boxes), { groundTruth: gold(...boxes) })).toMatchObject({
      status: "scored",
      accuracy: 0,
      format: 1,
      reason: "undecided",
    });
  });
});

describe("detection corrects the original, and compat does not", () => {
  const compat = createDetectionVerifier({ compat: true, epsilon: 0.5 });
  const corrected = createDetectionVerifier({ epsilon: 0.5 });

  it("IoU-first matches the best pair, not the last scanned one", () => {
    const sample = {
      groundTruth: gold([0, 0, 10, 10, "cat"], [20, 20, 40, 40, "dog"]),
      params: { det_reward_ratio: { ...RATIOS, iou_max_label_first: 0, iou_max_iou_first: 1 } },
    };
    const response = respond([20, 20, 40, 40, "dog"], [0, 0, 10, 10, "cat"]);
    expect(scored(corrected.verify(response, sample)).accuracy).toBe(1);
    // The original pairs the last two, a cat with a dog; what is left then does not overlap: half the completeness
    // remains.
    expect(scored(compat.verify(response, sample)).accuracy).toBeCloseTo(0.15, 14);
  });

  it("the opening tag must occur once", () => {
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"]) };
    const twice = "\n<answer>\n[{'bbox_2d': [0, 0, 10, 10], 'label': 'cat'}]\n</answer> \n<answer>\n";
    expect(scored(compat.verify(twice, sample)).format).toBe(1);
    expect(scored(corrected.verify(twice, sample)).format).toBe(0);
  });

  it("evaluation does not inherit the training step's threshold", () => {
    const sample = {
      groundTruth: gold([0, 0, 100, 100, "cat"]),
      params: { det_reward_ratio: RATIOS, step: 90, total_steps: 100, is_training: false },
    };
    const response = respond([0, 0, 100, 90, "cat"]);
    expect(
      scored(createDetectionVerifier({ epsilon: "dynamic", compat: true }).verify(response, sample)).accuracy,
    ).toBe(0);
    expect(
      scored(createDetectionVerifier({ epsilon: "dynamic", evaluationEpsilon: 0.5 }).verify(response, sample)).accuracy,
    ).toBeCloseTo(0.93, 14);
  });

  it("a gold answer that cannot be read is skipped, and a bare gold list is read", () => {
    const response = respond([0, 0, 10, 10, "cat"]);
    const params = { det_reward_ratio: RATIOS };
    expect(corrected.verify(response, { groundTruth: "<answer>\na cat\n</answer>", params })).toEqual({
      status: "skipped",
      reason: "gold: no box could be read from the ground truth",
    });
    expect(scored(corrected.verify(response, { groundTruth: list([0, 0, 10, 10, "cat"]), params })).accuracy).toBe(1);
    expect(scored(compat.verify(response, { groundTruth: list([0, 0, 10, 10, "cat"]), params })).accuracy).toBe(0);
  });

  it.each(["[]", "<answer>\n[]\n</answer>"])("the gold %j says that there is nothing to find", (groundTruth) => {
    const saying = (text: string) => scored(corrected.verify(text, { groundTruth }));
    expect(saying("<think>\nx\n</think>\n<answer>\n[]\n</answer>")).toMatchObject({ accuracy: 1, format: 1 });
    expect(saying("<think>\nx\n</think>\n<answer>\n```json\n[]\n```\n</answer>")).toMatchObject({ accuracy: 1 });
    expect(saying("<think>\nx\n</think>\nNo objects.")).toMatchObject({ accuracy: 1, format: 0 });
    expect(saying(respond([0, 0, 10, 10, "cat"]))).toMatchObject({ accuracy: 0, format: 1 });
    expect(saying("<answer>\nwhat?\n</answer>")).toMatchObject({ accuracy: 0, format: 0 });
    expect(saying("")).toMatchObject({ accuracy: 0, format: 0 });
    expect(scored(compat.verify("<answer>\n[]\n</answer>", { groundTruth })).accuracy).toBe(0);
  });

  it("a repeat of a box costs", () => {
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"], [20, 20, 40, 40, "cat"]) };
    const once = respond([0, 0, 10, 10, "cat"]);
    const twice = respond([0, 0, 10, 10, "cat"], [0, 0, 10, 10, "cat"]);
    const underEveryLabel = respond([0, 0, 10, 10, "cat"], [0, 0, 10, 10, "dog"]);
    const accuracy = (response: string) => scored(corrected.verify(response, sample)).accuracy;
    expect(accuracy(twice)).toBeCloseTo(0.6 * accuracy(once), 14);
    expect(accuracy(underEveryLabel)).toBeCloseTo(0.6 * accuracy(once), 14);
    expect(scored(compat.verify(twice, sample)).accuracy).toBe(scored(compat.verify(once, sample)).accuracy);
    const isFree = { ...sample, params: { repeats: "free" } };
    expect(scored(corrected.verify(twice, isFree)).accuracy).toBe(accuracy(once));
    expect(scored(createDetectionVerifier({ repeats: "free" }).verify(twice, sample)).accuracy).toBeCloseTo(
      accuracy(once),
      14,
    );
  });

  it("a thought is not the answer", () => {
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"]) };
    const draft = "<think>\nI put <answer></answer> around it: <answer>[]</answer>\n</think>\n<answer>\n";
    const response = `${draft}${list([0, 0, 10, 10, "cat"])}\n</answer>`;
    expect(scored(corrected.verify(response, sample)).accuracy).toBe(1);
    expect(scored(compat.verify(response, sample)).accuracy).toBe(0);
    expect(scored(corrected.verify(`<think>\n${list([0, 0, 10, 10, "cat"])}\n</think>\nnone`, sample)).accuracy).toBe(
      0,
    );
  });

  it("corners that are the wrong way round count where they are asked to", () => {
    const sorting = createDetectionVerifier({ epsilon: 0.5, swappedCorners: "sort" });
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"]) };
    expect(scored(corrected.verify(respond([10, 10, 0, 0, "cat"]), sample)).accuracy).toBe(0);
    expect(scored(sorting.verify(respond([10, 10, 0, 0, "cat"]), sample)).accuracy).toBe(1);
    expect(() => createDetectionVerifier({ swappedCorners: "keep" as "sort" })).toThrow("expected drop or sort");
  });

  it("pixels without the picture's size are an error, not a comparison of two scales", () => {
    const sample = {
      groundTruth: gold([0, 0, 10, 10, "cat"]),
      params: { det_reward_ratio: RATIOS, det_verifier_normalized: true },
    };
    expect(corrected.verify(respond([0, 0, 10, 10, "cat"]), sample)).toMatchObject({
      status: "error",
      reason: expect.stringContaining("image_grid_thw") as unknown,
    });
    expect(scored(compat.verify(respond([0, 0, 10, 10, "cat"]), sample)).accuracy).toBe(1);
  });

  it("a label with an apostrophe can be right", () => {
    const text = `[{"bbox_2d": [0, 0, 10, 10], "label": "driver's door"}]`;
    const sample = { groundTruth: `<answer>\n${text}\n</answer>`, params: { det_reward_ratio: RATIOS } };
    const response = `<think>\nx\n</think>\n<answer>\n${text}\n</answer>`;
    expect(scored(corrected.verify(response, sample))).toMatchObject({ accuracy: 1, format: 1 });
    expect(scored(compat.verify(response, sample))).toMatchObject({ accuracy: 0, format: 0 });
  });

  it("a score without ratios takes Orsta's defaults instead of 0", () => {
    const sample = { groundTruth: gold([0, 0, 10, 10, "cat"]), params: {} };
    expect(scored(corrected.verify(respond([0, 0, 10, 10, "cat"]), sample)).accuracy).toBe(1);
    expect(scored(compat.verify(respond([0, 0, 10, 10, "cat"]), sample)).accuracy).toBe(0);
  });
});

describe("size penalties", () => {
  const groundTruth = gold([0, 0, 10, 10, "a"], [20, 20, 40, 40, "a"], [60, 60, 90, 90, "a"]);
  const accuracy = (sizePenalty: "size-difference" | "surplus" | "unmatched" | "none", wrong: number) => {
    const extra = Array.from({ length: wrong }, (_, i): BoxTuple => [200 + 20 * i, 200, 210 + 20 * i, 210, "a"]);
    return scored(
      createDetectionVerifier({ epsilon: 0.5, sizePenalty }).verify(respond([0, 0, 10, 10, "a"], ...extra), {
        groundTruth,
        params: { det_reward_ratio: { ...RATIOS, iou_completeness: 0.3 } },
      }),
    ).accuracy;
  };

  it("size-difference pays for wrong boxes, as the original does", () => {
    expect(accuracy("size-difference", 0)).toBeCloseTo(0.156, 12);
    expect(accuracy("size-difference", 1)).toBeCloseTo(0.215, 12);
    expect(accuracy("size-difference", 2)).toBeCloseTo(0.3333333333, 9);
  });

  it("the others do not", () => {
    for (const penalty of ["surplus", "unmatched", "none"] as const) {
      expect(accuracy(penalty, 1), penalty).toBeLessThan(accuracy(penalty, 0));
      expect(accuracy(penalty, 2), penalty).toBeLessThan(accuracy(penalty, 1));
    }
  });
});
